"""Kernels for AArch64: what each op's plain kernel becomes where the processor has Advanced SIMD."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgec.ir import DType
from edgec.ops.base import Call
from edgec.ops.kernel import Field, Kernel, i32, table

_DEPTH = {"dotprod": 4, "neon": 16}
"""Inputs of an output that lie side by side in packed weights (firmware/kernels/ec_gemm.h)."""

_VECTORS = 8
"""Vectors that are taken at once."""


def conv2d(call: Call, plain: Kernel) -> Kernel:
    """The convolution with packed weights; the plain one in groups."""
    fields, feature = dict(plain.fields), _feature(call, call.const(1))
    if not feature or fields.pop("groups").value != 1:
        return plain
    weights = call.const(1).reshape(len(call.const(1)), -1)
    fields = {k: fields[k] for k in list(fields) if k not in _PACKED}
    packed = _round_up(weights.shape[1], 16)
    head = {k: fields.pop(k) for k in list(fields) if k not in ("input_zero", "output_zero", "lo", "hi")}
    fields = head | {"packed": i32(packed)} | fields | _packed(plain, weights, feature)
    return Kernel(f"ec_conv2d_s8_{feature}", fields, scratch=_VECTORS * packed, feature=feature)


def linear(call: Call, plain: Kernel) -> Kernel:
    """The product with packed weights."""
    feature, weights = _feature(call, call.const(1)), call.const(1)
    if not feature:
        return plain
    packed, f = _round_up(weights.shape[1], 16), plain.fields
    fields = {
        "inputs": f["inputs"],
        "packed": i32(packed),
        **{k: f[k] for k in ("outputs", "vectors")},
        "wide": i32(call.outs[0].dtype.bytes == 2),
        **{k: f[k] for k in ("output_zero", "lo", "hi")},
        **_packed(plain, weights, feature),
    }
    return Kernel(f"ec_linear_{feature}", fields, scratch=_VECTORS * packed, feature=feature)


def depthwise_conv2d(call: Call, plain: Kernel) -> Kernel:
    """The same channels at a time; the plain one where a channel gives several."""
    fields, weights = dict(plain.fields), call.const(1)
    if not _pairs(call, weights) or weights.shape[2] != call.ins[0].shape[3]:
        return plain
    del fields["out_channels"]
    fields["shift"] = table(_array(fields["shift"]).astype(np.int32), "int32_t")
    kh, kw, channels = weights.shape
    scratch = 8 * kh * kw * call.outs[0].shape[2] + channels
    return Kernel("ec_depthwise_conv2d_s8_neon", fields, scratch=scratch, feature="neon")


def add(call: Call, plain: Kernel) -> Kernel:
    """Sums where elements of the inner loop follow each other or are one and the same."""
    steps = {_scalar(plain.fields[name]) for name in ("a_inner", "b_inner")}
    if "neon" not in call.features or not steps <= {0, 1}:
        return plain
    return replace(plain, function="ec_add_neon", feature="neon")


def same(call: Call, plain: Kernel) -> Kernel:
    """The same function, which has the instructions beside its plain loops."""
    return replace(plain, feature="neon") if "neon" in call.features else plain


def lut(call: Call, plain: Kernel) -> Kernel:
    """Tables of int8 are looked up sixteen values at a time, lines of int16 are drawn four at a time."""
    if call.ins[0].dtype == DType.I16:
        return same(call, plain)
    if "neon" not in call.features or call.outs[0].dtype == DType.I16:
        return plain
    return replace(plain, function="ec_lut_s8_neon", feature="neon")


_PACKED = ("weights", "bias", "multiplier", "shift")


def _feature(call: Call, weights: np.ndarray) -> str:
    """What products are made of."""
    if "dotprod" in call.features:
        return "dotprod"
    return "neon" if _pairs(call, weights) else ""


def _pairs(call: Call, weights: np.ndarray) -> bool:
    """Whether two products may be added in 16 bits: twice -128 * -128 does not fit."""
    return "neon" in call.features and int(weights.min(initial=0)) > -128


def _packed(plain: Kernel, weights: np.ndarray, feature: str) -> dict[str, Field]:
    """Weights [O,K] and what belongs to each output, in blocks of 4 outputs, filled up with zeros."""
    outputs, inputs = weights.shape
    depth = _DEPTH[feature]
    full = np.pad(weights, ((0, -outputs % 4), (0, -inputs % 16)))
    blocks = full.reshape(-1, 4, full.shape[1] // depth, depth).transpose(0, 2, 1, 3)
    fields = {"weights": table(np.ascontiguousarray(blocks), "int8_t")}
    for name in _PACKED[1:]:
        value = _array(plain.fields[name]).astype(np.int32)
        fields[name] = table(np.pad(value, (0, -outputs % 4)), "int32_t")
    return fields


def _array(field: Field) -> np.ndarray:
    assert isinstance(field.value, np.ndarray)
    return field.value


def _scalar(field: Field) -> int:
    assert isinstance(field.value, int)
    return field.value


def _round_up(n: int, unit: int) -> int:
    return -(-n // unit) * unit
