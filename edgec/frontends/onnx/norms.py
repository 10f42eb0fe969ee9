"""Normalizations: batch, group, instance, layer, RMS, Lp."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from edgec.frontends.onnx.builder import (
    Act,
    Attrs,
    Const,
    NumpyBuilder,
    Operand,
    Unsupported,
    constant,
    converts,
)
from edgec.frontends.onnx.elementwise import pointwise
from edgec.frontends.onnx.reductions import reduce


@converts("BatchNormalization")
def _batch_norm(
    b: NumpyBuilder, a: Attrs, x: Operand, gamma: Operand, beta: Operand, mean: Operand, var: Operand
) -> Any:
    if a.get("training_mode", 0):
        raise Unsupported("the model was exported in training mode")
    operands, attrs = [mean, var, gamma, beta], {"epsilon": float(a.get("epsilon", 1e-5))}
    for o in operands:
        constant(o, "statistics")
    if len(x.shape) == 2:
        return b.emit("batch_norm", [x, *operands], attrs)
    return b.channels_last(x, len(x.shape) - 2, lambda y: b.emit("batch_norm", [y, *operands], attrs))


@converts("InstanceNormalization")
def _instance_norm(b: NumpyBuilder, a: Attrs, x: Operand, gamma: Operand, beta: Operand) -> Any:
    return _grouped(b, x, x.shape[1], gamma, beta, float(a.get("epsilon", 1e-5)))


@converts("GroupNormalization")
def _group_norm(b: NumpyBuilder, a: Attrs, x: Operand, gamma: Operand, beta: Operand) -> Any:
    """Scale and bias per channel (opset 21), or per group (before)."""
    groups, c = int(a["num_groups"]), x.shape[1]
    per_channel = [
        g if g.shape[0] == c else b.tensor(np.repeat(constant(g, "a scale"), c // groups), "scale")
        for g in (gamma, beta)
    ]
    return _grouped(b, x, groups, per_channel[0], per_channel[1], float(a.get("epsilon", 1e-5)))


def _grouped(b: NumpyBuilder, x: Operand, groups: int, gamma: Operand, beta: Operand, epsilon: float) -> Any:
    constant(gamma, "a scale")
    constant(beta, "a bias")
    attrs = {"groups": groups, "epsilon": epsilon}
    return b.channels_last(x, len(x.shape) - 2, lambda y: b.emit("group_norm", [y, gamma, beta], attrs))


@converts("LayerNormalization")
def _layer_norm(b: NumpyBuilder, a: Attrs, x: Operand, gamma: Operand, beta: Any = None) -> Any:
    return [_normalized(b, a, x, [gamma, beta], rms=False)]


@converts("RMSNormalization", "SimplifiedLayerNormalization")
def _rms_norm(b: NumpyBuilder, a: Attrs, x: Operand, gamma: Operand) -> Any:
    return [_normalized(b, a, x, [gamma], rms=True)]


def _normalized(b: NumpyBuilder, a: Attrs, x: Operand, affine: list[Any], rms: bool) -> Any:
    """layer_norm over the last axes from `axis` on, made one axis."""
    axis = int(a.get("axis", -1)) % len(x.shape)
    inner = x.shape[axis:]
    size = math.prod(inner)
    flat = b.reshape(x, (*x.shape[:axis], size))
    attrs = {"epsilon": float(a.get("epsilon", 1e-5)), "rms": rms}
    given = [g for g in affine if g is not None]
    if all(isinstance(g, Const) for g in given):
        operands = [b.reshape(b.expand(g, inner), (size,)) if g.shape != (size,) else g for g in given]
        return b.reshape(b.emit("layer_norm", [flat, *operands], attrs), x.shape)
    y = b.reshape(b.emit("layer_norm", [flat], attrs), x.shape)
    for op, g in zip(("mul", "add"), given, strict=False):
        y = b.emit(op, [y, g])
    return y


@converts("LpNormalization")
def _lp_norm(b: NumpyBuilder, a: Attrs, x: Act) -> Any:
    axis, order = int(a.get("axis", -1)), int(a.get("p", 2))
    if order == 1:
        norm = reduce(b, "sum", pointwise(b, x, "abs"), [axis], True)
    else:
        norm = pointwise(b, reduce(b, "sum", b.emit("mul", [x, x]), [axis], True), "sqrt")
    return b.emit("div", [x, norm])
