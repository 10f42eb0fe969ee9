"""Pointwise: any real function of one variable, as a table worked out at compile time."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from edgec.ir import Attr, DType, Quant, TensorType
from edgec.ops import neon
from edgec.ops.base import Call, Op, OpError, QuantRule, Rows
from edgec.ops.functions import FUNCTIONS, Function, evaluate
from edgec.ops.kernel import Kernel, i32, table
from edgec.ops.tflm_tables import BASE, TABLES

AFFINE = {"pre_scale": 1.0, "pre_shift": 0.0, "post_scale": 1.0, "post_shift": 0.0}
_FIXED = {
    "sigmoid": Quant.of(1 / 256, -128),
    "tanh": Quant.of(1 / 128),
    "tflm_logistic": Quant.of(1 / 256, -128),
    "tflm_tanh": Quant.of(1 / 128),
}
_STEP = 128
"""Distance of the table's points where the input is int16."""


class Pointwise(Op):
    """y = post_scale * fn(pre_scale * x + pre_shift) + post_shift, of the same shape as x.

    Attributes: fn, a name of `functions.FUNCTIONS` or `tflm_tables.TABLES`; the
    function's parameters; the four of the affine steps (default: none); then, further
    functions to apply to the result, each a tuple of (attribute, value) pairs.

    Integer, int8 input: a table of the correctly rounded results (of TFLM's own, for a
    tflm_ function). int16 input: a table of 513 points, linearly interpolated.
    """

    name = "pointwise"

    def infer(self, call: Call) -> list[TensorType]:
        x = call.ins[0]
        for step in steps(call.attrs):
            fn = step.get("fn")
            if fn not in FUNCTIONS and fn not in TABLES:
                raise OpError(f"no such function of one variable: {fn}")
            missing = [k for k, v in _parameters(step).items() if math.isnan(v)]
            if missing:
                raise OpError(f"{fn} needs the parameter {missing[0]}")
            if fn in TABLES and (
                "then" in call.attrs or any(_number(step, k, v) != v for k, v in AFFINE.items())
            ):
                raise OpError(f"{fn} takes no affine step and nothing behind it")
        return [TensorType(x.shape, layout=x.layout)]

    def rows(self, call: Call) -> tuple[Rows | None, ...]:
        return (Rows.same(call.outs[0].rows),)

    def overwrites(self, call: Call) -> tuple[int, ...]:
        return (0,)

    def float_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        return self._real(call, xs[0]).astype(np.float32)

    def integer_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        y, points = call.outs[0], self.table(call).astype(np.int64)
        if call.ins[0].dtype == DType.I8:
            return points[xs[0].astype(np.int64) + 128].astype(y.dtype.numpy)
        k, rest = np.divmod(xs[0].astype(np.int64) + 2**15, _STEP)
        v = points[k] * _STEP + (points[k + 1] - points[k]) * rest
        shift = self._shift(call)
        v = (v + (1 << (shift - 1))) >> shift
        return np.clip(v, *y.dtype.limits).astype(y.dtype.numpy)

    def quantization(self, call: Call) -> QuantRule:
        last = steps(call.attrs)[-1]
        plain = all(_number(last, k, v) == v for k, v in AFFINE.items() if k.startswith("post"))
        fixed = _FIXED.get(str(last["fn"])) if plain else None
        return QuantRule(output=fixed or "calibrated", wide=(0,), wide_output=fixed is None)

    def kernel(self, call: Call) -> Kernel:
        x, y, points = call.ins[0], call.outs[0], self.table(call)
        entry = "int8_t" if points.dtype == np.int8 else "int16_t"
        fields = {"length": i32(x.row_size), "table": table(points, entry)}
        if x.dtype == DType.I8:
            plain = Kernel("ec_lut_s8" if y.dtype == DType.I8 else "ec_lut_s8_s16", fields)
        else:
            plain = Kernel("ec_lut_s16_s8" if y.dtype == DType.I8 else "ec_lut_s16", fields)
        return neon.lut(call, plain)

    def table(self, call: Call) -> np.ndarray:
        """The table of an integer call.

        int8 input: the result of every input from -128 on. int16 input: 513 int16 points at
        -32768, -32640 .. 32768, in 1/256 of the output's unit where the output is int8.
        """
        x, y, fn = call.ins[0].q, call.outs[0], call.str("fn")
        if call.ins[0].dtype == DType.I8:
            if fn in TABLES:
                return TABLES[fn](x, y.q, _parameters(call.attrs).get("alpha", 0.0)).astype(y.dtype.numpy)
            reals, unit, store = self._real(call, x.s * (np.arange(-128, 128) - x.z)), 1, y.dtype
        else:
            at = np.arange(-(2**15), 2**15 + 1, _STEP)
            reals, store = self._real(call, x.s * (at - x.z)), DType.I16
            unit = 256 if y.dtype == DType.I8 else 1
        scaled = np.floor(unit * (_extended(reals) / y.q.s + y.q.z) + 0.5)
        return np.clip(scaled, *store.limits).astype(store.numpy)

    def _real(self, call: Call, x: np.ndarray) -> np.ndarray:
        y = np.asarray(x, np.float64)
        for step in steps(call.attrs):
            pre, shift, post, offset = (_number(step, k, v) for k, v in AFFINE.items())
            fn = str(step["fn"])
            y = post * evaluate(BASE.get(fn, fn), y * pre + shift, _parameters(step)) + offset
        return y

    def _shift(self, call: Call) -> int:
        return 15 if call.outs[0].dtype == DType.I8 else 7


def steps(attrs: Mapping[str, Attr]) -> list[Mapping[str, Attr]]:
    """The functions that a pointwise applies one after the other, each as attributes of its own."""
    first = {k: v for k, v in attrs.items() if k != "then"}
    then = attrs.get("then", ())
    assert isinstance(then, tuple)
    return [first, *(dict(step) for step in then)]  # type: ignore[arg-type]


def _parameters(step: Mapping[str, Attr]) -> dict[str, float]:
    """The function's parameters, NaN where one that has no default is not given."""
    fn = str(step["fn"])
    function: Function = FUNCTIONS[BASE.get(fn, fn)]
    return {k: _number(step, k, v) for k, v in function.defaults.items()}


def _number(step: Mapping[str, Attr], key: str, default: float) -> float:
    value = step.get(key, default)
    assert isinstance(value, int | float), f"attribute {key} is {value!r}"
    return float(value)


def _extended(reals: np.ndarray) -> np.ndarray:
    """Outside the function's domain (NaN) the value at the nearest point inside, 0 if there is none."""
    inside = np.flatnonzero(~np.isnan(reals))
    if len(inside) == 0:
        return np.zeros_like(reals)
    nearest = np.abs(np.arange(len(reals))[:, None] - inside[None, :]).argmin(axis=1)
    return np.nan_to_num(reals[inside[nearest]], posinf=1e30, neginf=-1e30)
