"""Normalizations: batch, group, instance, layer, RMS."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from edgec.frontends.torch.builder import Builder, Const, Operand, Unsupported, lowers


@lowers("_native_batch_norm_legit_no_training")
def _batch_norm(
    b: Builder,
    x: Operand,
    gamma: Operand | None,
    beta: Operand | None,
    mean: Operand,
    var: Operand,
    momentum: float,
    eps: float,
) -> Any:
    import torch

    c = x.shape[1]
    operands = [
        mean,
        var,
        gamma or b.tensor(torch.ones(c), "gamma"),
        beta or b.tensor(torch.zeros(c), "beta"),
    ]
    attrs = {"epsilon": float(eps)}
    if len(x.shape) == 2:
        return [b.emit("batch_norm", [x, *operands], attrs)]
    return [b.channels_last(x, len(x.shape) - 2, lambda y: b.emit("batch_norm", [y, *operands], attrs))]


@lowers("_native_batch_norm_legit.no_stats")
def _batch_statistics(
    b: Builder, x: Operand, gamma: Operand | None, beta: Operand | None, training: bool, *rest: Any
) -> Any:
    """Batch norm without running statistics: of a batch of one, an instance norm."""
    if x.shape[0] != 1:
        raise Unsupported("statistics over the batch, as in training mode")
    return [_group_norm(b, x, x.shape[1], gamma, beta, rest[-1])]


@lowers("group_norm")
def _group_norm(
    b: Builder, x: Operand, groups: int, gamma: Operand | None, beta: Operand | None, eps: float, *rest: Any
) -> Any:
    import torch

    if beta is not None and gamma is None:
        gamma = b.tensor(torch.ones(x.shape[1]), "gamma")
    operands = [g for g in (gamma, beta) if g is not None]
    attrs = {"groups": groups, "epsilon": float(eps)}

    def compute(y: Operand) -> Any:
        return b.emit("group_norm", [y, *operands], attrs)

    if len(x.shape) == 2:
        return b.channels_first(compute(b.to_last(x)), 2)
    return b.channels_last(x, len(x.shape) - 2, compute)


@lowers("native_group_norm")
def _native_group_norm(
    b: Builder,
    x: Operand,
    gamma: Operand | None,
    beta: Operand | None,
    n: int,
    c: int,
    hw: int,
    groups: int,
    eps: float,
) -> Any:
    return [_group_norm(b, x, groups, gamma, beta, eps)]


@lowers("instance_norm")
def _instance_norm(
    b: Builder,
    x: Operand,
    gamma: Operand | None,
    beta: Operand | None,
    mean: Operand | None,
    var: Operand | None,
    of_input: bool,
    momentum: float,
    eps: float,
    *rest: Any,
) -> Any:
    if of_input:
        return _group_norm(b, x, x.shape[1], gamma, beta, eps)
    assert mean is not None and var is not None
    return _batch_norm(b, x, gamma, beta, mean, var, momentum, eps)[0]


@lowers("layer_norm")
def _layer_norm(
    b: Builder,
    x: Operand,
    shape: Sequence[int],
    gamma: Operand | None,
    beta: Operand | None,
    eps: float,
    *rest: Any,
) -> Any:
    return _normalized(b, x, shape, gamma, beta, {"epsilon": float(eps), "rms": False})


@lowers("native_layer_norm")
def _native_layer_norm(
    b: Builder, x: Operand, shape: Sequence[int], gamma: Operand | None, beta: Operand | None, eps: float
) -> Any:
    return [_layer_norm(b, x, shape, gamma, beta, eps)]


@lowers("rms_norm")
def _rms_norm(b: Builder, x: Operand, shape: Sequence[int], gamma: Operand | None, eps: float | None) -> Any:
    import torch

    # Without one, torch takes the machine epsilon of the element type.
    epsilon = torch.finfo(torch.float32).eps if eps is None else float(eps)
    return _normalized(b, x, shape, gamma, None, {"epsilon": epsilon, "rms": True})


@lowers("_fused_rms_norm")
def _fused_rms_norm(
    b: Builder, x: Operand, shape: Sequence[int], gamma: Operand | None, eps: float | None
) -> Any:
    return [_rms_norm(b, x, shape, gamma, eps)]


def _normalized(
    b: Builder,
    x: Operand,
    shape: Sequence[int],
    gamma: Operand | None,
    beta: Operand | None,
    attrs: dict[str, float],
) -> Any:
    """layer_norm over the last len(shape) axes, made one axis."""
    import torch

    size = math.prod(shape)
    flat = b.reshape(x, (*x.shape[: len(x.shape) - len(shape)], size)) if len(shape) > 1 else x
    if beta is not None and gamma is None:
        gamma = b.tensor(torch.ones(size), "gamma")
    operands = [b.reshape(g, (size,)) for g in (gamma, beta) if g is not None]
    if all(isinstance(g, Const) for g in operands):
        return b.reshape(b.emit("layer_norm", [flat, *operands], attrs), x.shape)
    y = b.emit("layer_norm", [flat], attrs)  # modulated by another branch
    for op, g in zip(("mul", "add"), operands, strict=False):
        y = b.emit(op, [y, g])
    return b.reshape(y, x.shape)
