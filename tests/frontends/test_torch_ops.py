"""Elementwise, shape and reducing operations as people write them, compared with PyTorch."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

torch = pytest.importorskip("torch")

from torch import Tensor, nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402

from tests.frontends.torch_check import IMAGE, TOKENS, check_each  # noqa: E402

ACTIVATIONS = [
    nn.ReLU(),
    nn.ReLU6(),
    nn.GELU(),
    nn.GELU("tanh"),
    nn.SiLU(),
    nn.Mish(),
    nn.Hardswish(),
    nn.Hardsigmoid(),
    nn.Hardtanh(-0.5, 0.7),
    nn.Sigmoid(),
    nn.Tanh(),
    nn.LeakyReLU(0.2),
    nn.ELU(0.7),
    nn.SELU(),
    nn.CELU(1.3),
    nn.Softplus(),
    nn.Softplus(2.0),
    nn.LogSigmoid(),
    nn.Softsign(),
    nn.Tanhshrink(),
    nn.Softshrink(0.3),
    nn.Hardshrink(0.3),
    nn.Threshold(0.1, -2.0),
    nn.PReLU(),
    nn.PReLU(4),
    nn.RReLU(),
    nn.GLU(1),
    nn.Softmax2d(),
    nn.Softmin(1),
    nn.LogSoftmax(1),
]


def test_activations() -> None:
    check_each(ACTIVATIONS, IMAGE)


MATH: list[Callable[[Tensor], Tensor]] = [
    torch.exp,
    torch.sin,
    torch.cos,
    torch.abs,
    torch.square,
    torch.floor,
    torch.erf,
    torch.sign,
    torch.atan,
    lambda x: x.abs().sqrt(),
    lambda x: (x * x + 1).log(),
    lambda x: (x * x + 1).rsqrt(),
    lambda x: 1 / (x * x + 1),
    lambda x: (x * x + 1).log2() + (x * x + 1).log10() + (x * x).log1p(),
    lambda x: torch.expm1(x) + torch.exp2(x),
    lambda x: x**2,
    lambda x: x**3,
    lambda x: (x.abs() + 1) ** 0.5,
    lambda x: (x.abs() + 1) ** -0.5,
    lambda x: (x.abs() + 1) ** -1.5,
    lambda x: 2.0**x,
    lambda x: x.clamp(min=0.1),
    lambda x: x.clamp(max=0.1),
    lambda x: x.clamp(-1, 1),
    lambda x: 3 - x,
    lambda x: -x + 1,
    lambda x: x / 3,
    lambda x: 2 / (x.abs() + 1),
    lambda x: torch.add(x, x.relu(), alpha=2),
    lambda x: torch.sub(x, x.relu(), alpha=0.5),
    lambda x: x * x,
    lambda x: torch.maximum(x, -x),
    lambda x: torch.minimum(x, torch.ones(8)),
    lambda x: torch.lerp(x, x.relu(), 0.3),
    lambda x: torch.addcmul(x, x, x, value=0.5),
    lambda x: torch.addcdiv(x, x, x.abs() + 1),
    lambda x: torch.logsumexp(x, -1),
    lambda x: x.float(),
    lambda x: x.to(x.dtype),
    lambda x: x / x.abs().sum(-1, keepdim=True),
    lambda x: torch.where(torch.ones(8) > 0, x, -x),
    torch.clone,
    lambda x: x.detach().contiguous() + 0,
    lambda x: x * 1,
    lambda x: x.double().float(),
]


def test_arithmetic() -> None:
    check_each([lambda x, fn=fn: fn(x) + 0.5 for fn in MATH], TOKENS)


SHAPES: list[Callable[[Tensor], Tensor]] = [
    lambda x: x.permute(0, 2, 3, 1),
    lambda x: x.flatten(1),
    lambda x: x.view(1, 2, 2, 64).transpose(1, 2).reshape(1, 4, 64),
    lambda x: x[:, 1:3],
    lambda x: torch.cat([x[..., :8] * 2, x[..., 8:].sin()], -1),
    lambda x: x[:, ::2, 1::3],
    lambda x: x[..., -1],
    lambda x: x[:, None, :, 3:],
    lambda x: x[0],
    lambda x: x.chunk(3, 1)[1],
    lambda x: x.split(3, 2)[2],
    lambda x: x.split([1, 3], 1)[1],
    lambda x: x.unbind(1)[2],
    lambda x: torch.cat([x, x[:, :1]], 1),
    lambda x: torch.stack([x, -x], 2),
    lambda x: torch.stack(x.unbind(2)),
    lambda x: x.repeat(1, 2, 1, 3),
    lambda x: x.tile(2, 1),
    lambda x: x.repeat_interleave(2, 1),
    lambda x: x.flip(-1, 2),
    lambda x: x.expand(3, 4, 8, 8),
    lambda x: x[:, :1].expand(-1, 5, -1, -1),
    lambda x: x[:, :1].expand_as(x) * x,
    lambda x: torch.roll(x, (2, -3), (2, 3)),
    lambda x: torch.roll(x, 5),
    lambda x: torch.rot90(x, 1, (2, 3)),
    lambda x: x.squeeze(0),
    lambda x: x.unsqueeze(-1).squeeze(),
    lambda x: x.movedim(1, -1),
    lambda x: x.swapaxes(1, 3),
    lambda x: x.unflatten(1, (2, 2)),
    lambda x: x.narrow(2, 1, 5),
    lambda x: torch.tensor_split(x, 3, 2)[0],
    lambda x: F.pixel_shuffle(x, 2),
    lambda x: F.pixel_unshuffle(x, 2),
    lambda x: F.channel_shuffle(x, 2),
    lambda x: F.pad(x, (1, 2)),
    lambda x: F.pad(x, (1, 2, 0, 1), value=0.5),
    lambda x: F.pad(x, (-1, 2, 1, -2)),
    lambda x: F.pad(x, (2, 1, 0, 3), mode="reflect"),
    lambda x: F.pad(x, (2, 1, 1, 1), mode="replicate"),
    lambda x: F.pad(x, (2, 1, 1, 1), mode="circular"),
    lambda x: F.unfold(x, 3, padding=1, stride=2),
    lambda x: F.unfold(x, (2, 3), dilation=(2, 1)),
    lambda x: F.fold(F.unfold(x, 3, padding=1, stride=2), (8, 8), 3, padding=1, stride=2),
    lambda x: x.unfold(2, 4, 2).unfold(3, 4, 4),
    lambda x: torch.einsum("nchw->nwhc", x),
    lambda x: torch.hstack([x, x]),
    lambda x: x.mT,
    lambda x: x.reshape(4, -1).t(),
    lambda x: torch.diff(x, dim=2),
    lambda x: x[:, [2, 0, 1]],
    lambda x: x[:, :, torch.tensor([[0, 1], [5, 2]])],
    lambda x: x[:, torch.tensor([True, False, True, False])],
    lambda x: x[:, :, torch.arange(8), torch.arange(8)],
    lambda x: x[torch.tensor([0, 0]), :, torch.tensor([1, 2])],
    lambda x: x.index_select(1, torch.tensor([3, 3, 0])),
    lambda x: x.gather(2, torch.arange(8).flip(0).view(1, 1, 8, 1).expand(1, 4, 8, 8)),
    lambda x: torch.take_along_dim(x, torch.zeros(1, 1, 1, 8, dtype=torch.long), 2),
    lambda x: x.tril() + x.triu(1),
    lambda x: x.masked_fill(torch.eye(8).bool(), 0.0),
    lambda x: x.masked_fill(torch.eye(8).bool(), 2.5),
    lambda x: x.cumsum(2),
]


def test_shape() -> None:
    check_each([lambda x, fn=fn: fn(x) * 2 for fn in SHAPES], IMAGE)


REDUCTIONS: list[Callable[[Tensor], Tensor]] = [
    lambda x: x.mean(),
    lambda x: x.sum(),
    lambda x: x.mean((2, 3)),
    lambda x: x.mean(1, keepdim=True),
    lambda x: x.sum(-1),
    lambda x: x.amax((1, 2)),
    lambda x: x.amin(-1),
    lambda x: x.max(),
    lambda x: x.min(),
    lambda x: x.max(1)[0],
    lambda x: x.max(2, keepdim=True).values,
    lambda x: x.min(dim=1).values,
    lambda x: x.var(-1),
    lambda x: x.var(dim=(2, 3), unbiased=False),
    lambda x: x.std(1),
    lambda x: torch.var_mean(x, -1)[0],
    lambda x: sum(torch.std_mean(x, (1, 2), correction=0)),
    lambda x: x.norm(dim=1),
    lambda x: x.norm(p=1, dim=(2, 3)),
    lambda x: torch.linalg.vector_norm(x, ord=math.inf, dim=1),
    lambda x: torch.linalg.vector_norm(x, 3, 1),
    lambda x: F.normalize(x, dim=1),
    lambda x: F.normalize(x, p=1, dim=-1),
    lambda x: F.softmax(x, 1),
    lambda x: F.log_softmax(x, -1),
    lambda x: x.softmax(2).argmax(1),
    lambda x: x.argmax(-1, keepdim=True),
    lambda x: x.argmin(2),
    lambda x: x.flatten().argmax(),
    lambda x: x.mean(2, dtype=torch.float32),
    lambda x: F.cosine_similarity(x, x.flip(2), dim=1),
    lambda x: x.max(1)[1],
]


def test_reduction() -> None:
    check_each(REDUCTIONS, IMAGE)


def test_conditions_at_run_time() -> None:
    conditions: list[Callable[[Tensor], Tensor]] = [
        lambda x: torch.where(x > 0.1, x, -x),
        lambda x: x * (x <= 0.2),
        lambda x: x.masked_fill(x.abs() < 0.5, 3.0),
        lambda x: (x.round() == 1).float(),
        lambda x: ((x > 0) & ~(x >= 1)).to(x.dtype),
        lambda x: (x != x.max()).float(),
        lambda x: (x > 1).any(1).float(),
        lambda x: ((x > -9) | (x < 0)).all(-1).float(),
        lambda x: (x * 3).int().float(),
        lambda x: torch.where(0.3 < x, x, 0),
        lambda x: x.masked_fill(x < 0, -math.inf).softmax(-1),
        lambda x: x.bool().float(),
    ]
    check_each(conditions, TOKENS)
