"""Train a classifier on images held in memory, resumable; export it for edgec."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel


@dataclass(frozen=True)
class Images:
    """Images uint8 [N, C, H, W] and their labels [N], for training and for testing."""

    x: Tensor
    y: Tensor
    test_x: Tensor
    test_y: Tensor


@dataclass(frozen=True)
class Recipe:
    """How to train.

    shift: pixels of random translation. flip: mirror at random. bfloat16: multiply in that
    format, several times as fast on processors that have it and slower on others.
    """

    epochs: int
    batch: int
    rate: float
    decay: float
    shift: int
    flip: bool
    smoothing: float = 0.1
    bfloat16: bool = False


def as_input(images: Tensor) -> Tensor:
    """What the models take: float32 in [0, 1]."""
    return images.float() / 255


def augment(x: Tensor, recipe: Recipe, rng: torch.Generator) -> Tensor:
    """Shift every image by its own offset (zeros come in) and mirror half of them."""
    n, channels, height, width = x.shape
    if recipe.flip:
        mirrored = torch.rand(n, generator=rng) < 0.5
        x = torch.where(mirrored[:, None, None, None], x.flip(3), x)
    if recipe.shift:
        s = recipe.shift
        padded = F.pad(x, (s, s, s, s))
        dy, dx = torch.randint(0, 2 * s + 1, (2, n), generator=rng)
        rows = (dy[:, None] + torch.arange(height))[:, None, :, None]
        columns = (dx[:, None] + torch.arange(width))[:, None, None, :]
        which = torch.arange(n)[:, None, None, None], torch.arange(channels)[None, :, None, None]
        x = padded[which[0], which[1], rows, columns]
    return x


def accuracy(model: nn.Module, x: Tensor, y: Tensor) -> float:
    """Top-1 in percent, on uint8 images."""
    model.eval()
    with torch.no_grad():
        answers = [model(as_input(part)).argmax(1) for part in torch.split(x, 500)]
    return 100 * (torch.cat(answers) == y).double().mean().item()


def fit(model: nn.Module, images: Images, recipe: Recipe, resume: Path | None = None, seed: int = 0) -> float:
    """Train in place; returns the test top-1 in percent.

    With `resume`, the state is kept there after every epoch and taken up again by the next call.
    """
    rng = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=recipe.rate, weight_decay=recipe.decay)
    batches = len(images.x) // recipe.batch
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, recipe.rate, total_steps=recipe.epochs * batches
    )
    start = 0
    if resume and resume.exists():
        state = torch.load(resume)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        schedule.load_state_dict(state["schedule"])
        rng.set_state(state["rng"])
        start = state["epoch"]
    for epoch in range(start, recipe.epochs):
        began, total = time.monotonic(), 0.0
        model.train()
        order = torch.randperm(len(images.x), generator=rng)[: batches * recipe.batch]
        for pick in torch.split(order, recipe.batch):
            x = as_input(augment(images.x[pick], recipe, rng)).contiguous(memory_format=torch.channels_last)
            # plain attention: at these sizes the fused kernel's backward pass is the slower one
            with torch.autocast("cpu", enabled=recipe.bfloat16), sdpa_kernel(SDPBackend.MATH):
                scores = model(x)
            loss = F.cross_entropy(scores.float(), images.y[pick], label_smoothing=recipe.smoothing)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            total += loss.item()
        if resume:
            state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "rng": rng.get_state()}
            torch.save({**state, "schedule": schedule.state_dict(), "epoch": epoch + 1}, resume)
        if (epoch + 1) % max(1, recipe.epochs // 10) == 0:
            took = time.monotonic() - began
            top1 = accuracy(model, images.test_x, images.test_y)
            line = f"epoch {epoch + 1:3d}/{recipe.epochs}  loss {total / batches:.3f}  test {top1:.1f} %"
            print(f"{line}  {took:.1f} s", file=sys.stderr, flush=True)
    return accuracy(model, images.test_x, images.test_y)


def export(model: nn.Module, images: Images, stem: str, samples: int = 128) -> None:
    """Write STEM.pt2, STEM-calib.npz (training images), and STEM-test.npz (test images, labels) here."""
    x = as_input(images.test_x)
    program = torch.export.export(model.eval(), (x[:1].clone(),))  # a view would carry all images along
    torch.export.save(program, f"{stem}.pt2")
    np.savez(f"{stem}-calib.npz", x=as_input(images.x[:samples]).numpy())
    np.savez(f"{stem}-test.npz", x=x.numpy(), y=images.test_y.numpy())
    print(f"wrote {stem}.pt2, {stem}-calib.npz, {stem}-test.npz")
