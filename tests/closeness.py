"""How close an op's integer reference is to its float reference, as a signal-to-noise ratio."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from edgec.ir import Attr, DType, Quant, TensorType
from edgec.ops.base import Call, registry


def quant_for(x: np.ndarray, dtype: DType = DType.I8) -> Quant:
    """Min-max quantization: asymmetric for int8, symmetric for int16."""
    lo, hi = min(float(x.min()), 0.0), max(float(x.max()), 1e-9)
    if dtype == DType.I16:
        return Quant.of(float(np.float32(max(-lo, hi) / 32767)))
    scale = float(np.float32((hi - lo) / 255))
    return Quant.of(scale, int(np.clip(round(-128 - lo / scale), -128, 127)))


def quantized(x: np.ndarray, t: TensorType) -> np.ndarray:
    """x in the units of t."""
    return np.clip(np.rint(x / t.q.s) + t.q.z, *t.dtype.limits).astype(t.dtype.numpy)


def real(x: np.ndarray, t: TensorType) -> np.ndarray:
    """The real values of integers of type t."""
    return (t.q.s * (x.astype(np.float64) - t.q.z)).astype(np.float32)


def snr(
    op_name: str,
    activations: Mapping[int, np.ndarray],
    attrs: Mapping[str, Attr] | None = None,
    *,
    consts: Mapping[int, tuple[np.ndarray, TensorType, np.ndarray]] | None = None,
    dtypes: Sequence[DType] = (DType.I8,),
    out_dtype: DType = DType.I8,
    out_quant: Quant | None = None,
) -> float:
    """Power of the float result over that of the integer result's error, in decibels.

    activations: real values by operand, quantized by min-max (dtypes: in their order, the
    last for the rest). consts: by operand the integer data, their type and the real values.
    The float reference is given the quantized inputs, so only the op's own error counts.
    """
    op, consts = registry()[op_name], consts or {}
    n = len(activations) + len(consts)
    types, ints, reals = [], [], []
    for k in range(n):
        if k in consts:
            data, t, value = consts[k]
        else:
            x, dtype = activations[k], dtypes[min(len(types), len(dtypes) - 1)]
            t = TensorType(x.shape, dtype, quant_for(x, dtype))
            data = quantized(x, t)
            value = real(data, t)
        types.append(t)
        ints.append(data)
        reals.append(value)
    known = tuple(ints[k] if k in consts else None for k in range(n))
    bare = Call(op_name, "", dict(attrs or {}), tuple(types), (), known)
    (shape,) = op.infer(bare)
    want = op.float_reference(Call(op_name, "", bare.attrs, bare.ins, (shape,), known), *reals)
    assert isinstance(want, np.ndarray) and want.dtype == np.float32 and want.shape == shape.shape
    out = shape.with_(dtype=out_dtype, quant=out_quant or quant_for(want, out_dtype))
    got = op.integer_reference(Call(op_name, "", bare.attrs, bare.ins, (out,), known), *ints)
    assert isinstance(got, np.ndarray)
    error = real(got, out).astype(np.float64) - want
    return float(10 * np.log10(np.sum(want.astype(np.float64) ** 2) / max(np.sum(error**2), 1e-30)))
