"""Products: linear, and matmul in all its shapes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from edgec.frontends.torch.activations import scaled
from edgec.frontends.torch.builder import Act, Builder, Const, Operand, lowers


@lowers("linear")
def linear(b: Builder, x: Operand, w: Operand, bias: Operand | None = None) -> Any:
    """x [..., K] times w [O, K], transposed, plus bias [O]."""
    if not isinstance(w, Const) or not isinstance(bias, Const | None):
        y = matmul(b, x, b.transpose(w, (1, 0)))
        return y if bias is None else b.emit("add", [y, bias])
    if len(x.shape) == 1:
        return b.reshape(linear(b, b.reshape(x, (1, -1)), w, bias), (-1,))
    return b.emit("linear", [x, w, *([] if bias is None else [bias])])


@lowers("matmul", "mm", "bmm")
def matmul(b: Builder, x: Operand, y: Operand, *rest: Any) -> Any:
    """torch.matmul: vectors, matrices, batches that broadcast. A constant factor makes it linear."""
    if len(x.shape) == 1:
        z = matmul(b, b.reshape(x, (1, -1)), y)
        return b.reshape(z, (*z.shape[:-2], z.shape[-1]))
    if len(y.shape) == 1:
        z = matmul(b, x, b.reshape(y, (-1, 1)))
        return b.reshape(z, z.shape[:-1])
    lead = _lead(x, y)
    if isinstance(y, Const) and (weights := _one_matrix(y)) is not None:
        z = linear(b, x, Const(weights.data.T, weights.origin))
        return b.reshape(z, (*lead, *z.shape[-2:]))
    if isinstance(x, Const) and (weights := _one_matrix(x)) is not None:
        z = linear(b, _swapped(b, y), weights)
        return b.reshape(_swapped(b, z), (*lead, x.shape[-2], y.shape[-1]))
    if isinstance(x, Const) or isinstance(y, Const):
        return _per_matrix(b, b.expand(x, (*lead, *x.shape[-2:])), b.expand(y, (*lead, *y.shape[-2:])))
    return b.emit("matmul", [b.expand(x, (*lead, *x.shape[-2:])), b.expand(y, (*lead, *y.shape[-2:]))])


def _lead(x: Operand, y: Operand) -> tuple[int, ...]:
    return tuple(np.broadcast_shapes(x.shape[:-2], y.shape[:-2]))


def _one_matrix(x: Const) -> Const | None:
    """The constant as [M, N], where all its matrices are one."""
    flat = x.data.reshape(-1, *x.shape[-2:])
    return Const(flat[0], x.origin) if bool((flat == flat[:1]).all()) else None


def _swapped(b: Builder, x: Operand) -> Any:
    return b.transpose(x, [*range(len(x.shape) - 2), -1, -2])


_MANY = 16
"""Constant matrices from which they are one grouped convolution instead of a linear each."""


def _per_matrix(b: Builder, x: Operand, y: Operand) -> Any:
    """A batch of different constant matrices: one linear for each, or groups of a 1x1 convolution."""
    lead = x.shape[:-2]
    count = math.prod(lead)
    if count > _MANY:
        if isinstance(x, Const):
            return _swapped(b, _grouped(b, _swapped(b, y), b.transpose(x, [*range(len(lead)), -1, -2])))
        assert isinstance(y, Const)
        return _grouped(b, x, y)
    xs, ys = b.reshape(x, (count, *x.shape[-2:])), b.reshape(y, (count, *y.shape[-2:]))
    parts = [matmul(b, b.slice(xs, 0, k, k + 1), b.slice(ys, 0, k, k + 1)) for k in range(count)]
    return b.reshape(b.concat(parts, 0), (*lead, x.shape[-2], y.shape[-1]))


@lowers("addmm", "baddbmm")
def _addmm(b: Builder, bias: Operand, x: Operand, y: Operand, beta: float, alpha: float) -> Any:
    if isinstance(bias, Const) and isinstance(y, Const) and alpha == 1 and len(y.shape) == 2:
        flat = bias.data.reshape(-1) * beta
        if flat.numel() == y.shape[1] == bias.shape[-1]:
            return linear(b, x, Const(y.data.T, y.origin), Const(flat, bias.origin))
    z = scaled(b, matmul(b, x, y), alpha)
    if isinstance(bias, Const):
        bias = Const(bias.data * beta, bias.origin)
        return z if not bool(bias.data.any()) else b.emit("add", [z, bias])
    return z if beta == 0 else b.emit("add", [z, scaled(b, bias, beta)])


@lowers("mv", "dot")
def _vector(b: Builder, x: Operand, y: Operand) -> Any:
    return matmul(b, x, y)


@lowers("cumsum")
def _cumsum(b: Builder, x: Act, axis: int, *rest: Any) -> Any:
    import torch

    return along(b, x, axis, b.tensor(torch.ones(x.shape[axis], x.shape[axis]).tril(), "cumsum"))


def along(b: Builder, x: Operand, axis: int, matrix: Const) -> Any:
    """A constant matrix [O, K] applied along one axis of x."""
    axis %= len(x.shape)
    perm = [k for k in range(len(x.shape)) if k != axis] + [axis]
    back: Sequence[int] = [perm.index(k) for k in range(len(perm))]
    return b.transpose(linear(b, b.transpose(x, perm), matrix), back)


def _grouped(b: Builder, x: Operand, y: Const) -> Any:
    """x [..., M, K] times constants [..., K, N]: every matrix is a group of channels of [1, M, 1, C]."""
    (*lead, m, k), n = x.shape, y.shape[-1]
    count = math.prod(lead)
    image = b.reshape(b.transpose(b.reshape(x, (count, m, k)), (1, 0, 2)), (1, m, 1, count * k))
    weights = y.data.reshape(count, k, n).transpose(1, 2).reshape(count * n, 1, 1, k)
    attrs = {"stride": (1, 1), "padding": (0, 0, 0, 0), "dilation": (1, 1), "groups": count}
    z = b.emit("conv2d", [image, Const(weights, y.origin)], attrs)
    return b.reshape(b.transpose(b.reshape(z, (m, count, n)), (1, 0, 2)), (*lead, m, n))
