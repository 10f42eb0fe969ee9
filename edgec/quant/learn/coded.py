"""Weights that a form can hold, with gradients: JLCM's codebooks and mappings, learned together.

A layer's latent weights are real numbers in units of its int8 scale. What it computes with is the entry
nearest to each; the gradient passes on to the latent weights (straight through), to the entries of the
codebooks, and to the scales. A proximal step draws latent weights towards their entries, more and more, so
that mappings settle. Yvinec, Dapogny, Bailly: "Network Memory Footprint Compression Through Jointly Learnable
Codebooks and Mappings", 2023; Bai, Wang, Liberty: "ProxQuant", ICLR 2019.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from edgec.ops.forms import LARGEST, STEP, Form
from edgec.quant.forms import codebook, project
from edgec.quant.learn.descend import Descent

_INT8 = 127.0


class Coded(nn.Module):
    """Weights [outputs, ...] of a layer, in a form.

    weights: float. scale: of int8, for each output. form: None for int8. `bound` is the same, None where any
    integers will do. `gap` is the usual distance of two entries, in units of the scale.
    """

    def __init__(self, weights: np.ndarray, scale: np.ndarray, form: Form | None) -> None:
        super().__init__()
        self.form, self.shape = form, weights.shape
        self.bound = bound = None if form is None or form.is_exact else form
        flat = weights.reshape(len(weights), -1).astype(np.float64)
        held = np.clip(np.rint(flat / scale[:, None]), -_INT8, _INT8)
        scale = scale.astype(np.float64)
        self.group = len(flat)
        books = np.zeros((0, 0))
        if bound is not None and bound.book:
            self.group = bound.share or len(flat)
            books = np.stack(
                [_book(held[k : k + self.group], bound.bits) for k in range(0, len(flat), self.group)]
            )
        elif bound is not None:
            found = project(held.astype(np.int8), scale, bound)
            assert found is not None
            scale = found.scale
        self.book = nn.Parameter(torch.from_numpy(books).float())
        self.scale = nn.Parameter(torch.from_numpy(scale).float())
        self.latent = nn.Parameter(torch.from_numpy(flat / scale[:, None]).float())
        self.gap = 1.0 if bound is None else 2 * _INT8 / (1 << bound.bits)

    def integers(self) -> Tensor:
        """The entries, in units of the scale: integers of int8, [outputs, inputs]."""
        if self.bound is None:
            return self.latent.round().clamp(-_INT8, _INT8)
        if not self.bound.book:
            return STEP * (self.latent / STEP).round().clamp(-LARGEST, LARGEST)
        rounded = self.book + (self.book.round().clamp(-_INT8, _INT8) - self.book).detach()
        near = rounded.detach().abs().argmin(1, keepdim=True)
        books = rounded.scatter(1, near, 0.0)  # padded inputs need a zero
        starts = range(0, len(self.latent), self.group)
        groups = [self.latent[k : k + self.group] for k in starts]
        return torch.cat([_looked_up(x, b) for x, b in zip(groups, books, strict=True)])

    def books(self) -> np.ndarray:
        """The entries of each output, [outputs or 1, entries], in units of the scale."""
        if self.bound is None:
            return np.arange(-_INT8, _INT8 + 1)[None]
        if not self.bound.book:
            return STEP * np.arange(-LARGEST, LARGEST + 1.0)[None]
        books = np.sort(np.rint(self.book.detach().numpy()), axis=1)
        return books[np.arange(len(self.latent)) // self.group]

    def descend(self, target: np.ndarray, products: np.ndarray) -> None:
        """Take the entries and scales with little of tr(E H E^T) for E off the target [O, K], H [K, K]."""
        with torch.no_grad():
            units = self.scale.numpy().astype(np.float64)
            descent = Descent(target, products, units, self.books())
            best, q = descent.run(self.integers().numpy())
            self.latent.copy_(torch.from_numpy(q + np.clip(best - q, -self.gap, self.gap)))
            self.scale.copy_(torch.from_numpy(descent.units))

    def forward(self) -> Tensor:
        """What the layer computes with, [outputs, ...]."""
        latent = self.latent * self.scale.detach()[:, None]
        straight = latent - latent.detach()
        return (self.integers() * self.scale[:, None] + straight).reshape(self.shape)

    def pull(self, share: float) -> None:
        """The proximal step: latent weights go this share of the way to their entries."""
        with torch.no_grad():
            self.latent.lerp_(self.integers(), share)

    def steps(self, rate: float, is_settled: bool = False) -> list[dict[str, Any]]:
        """What an optimizer changes, and how far in a step: a share of the distance of entries.

        is_settled: whether every weight keeps its entry.
        """
        rates = [(self.book, self.gap), (self.scale, float(self.scale.detach().mean()))]
        if not is_settled:
            rates.insert(0, (self.latent, self.gap))
        return [{"params": [p], "lr": rate * size} for p, size in rates if p.numel()]

    def stored(self) -> tuple[np.ndarray, np.ndarray]:
        """int8 weights [outputs, ...] and the scale of each output, float64."""
        with torch.no_grad():
            q = self.integers().round().numpy().astype(np.int8).reshape(self.shape)
        return q, self.scale.detach().numpy().astype(np.float64)


def _book(values: np.ndarray, bits: int) -> np.ndarray:
    """2**bits entries, the last repeated where fewer do."""
    found = codebook(values, bits)[: 1 << bits].astype(np.float64)
    return np.pad(found, (0, (1 << bits) - len(found)), mode="edge")


def _looked_up(values: Tensor, book: Tensor) -> Tensor:
    """Every value's nearest entry; gradients go to the entries."""
    ordered, _ = book.sort()
    between = (ordered[1:] + ordered[:-1]).detach() / 2
    return ordered[torch.bucketize(values.detach(), between)]
