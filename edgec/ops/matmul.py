"""Matrix product of two activations."""

from __future__ import annotations

import math

import numpy as np

from edgec.ir import TensorType
from edgec.ops import neon
from edgec.ops.base import Call, Op, OpError, QuantRule, Rows
from edgec.ops.dsp import is_dsp
from edgec.ops.fixed import I64, int_matmul, quantize_multiplier, requantize
from edgec.ops.kernel import Kernel, i32, table
from edgec.ops.strides import StridedView

_MOST = 33_000
"""Products a sum, of numbers up to 255, that fit int32."""


class MatMul(Op):
    """a [..., M, K], b [..., K, N] -> [..., M, N]; leading axes are equal, or all 1 in one operand.

    With the attribute dims = (B,M,N,K), a and b are any tensors, read through a_view =
    (offset, batch, m, k) and b_view = (offset, batch, k, n) in elements, and the result is [B,M,N].

    Integer: TFLM BATCH_MATMUL.
    """

    name = "matmul"

    def infer(self, call: Call) -> list[TensorType]:
        b, m, n, k = _dims(call)
        if k > _MOST:
            raise OpError(f"sums of more than {_MOST} products")
        return [TensorType((b, m, n) if "dims" in call.attrs else (*_lead(call), m, n))]

    def rows(self, call: Call) -> tuple[Rows | None, ...]:
        y, (_, m, n, _) = call.outs[0], _dims(call)
        a, b = _views(call)
        rows = np.arange(y.rows)  # the first and the last (batch, m) of every output row
        vectors = list(zip(rows * y.row_size // n, ((rows + 1) * y.row_size - 1) // n, strict=True))
        found: list[Rows | None] = []
        for j, view in enumerate((a, b)):
            first, last = view.first_rows().min(axis=2), view.last_rows().max(axis=2)
            if j == 1:
                first, last = (np.repeat(r, m) for r in (first.min(axis=1), last.max(axis=1)))
            low = np.array([first.ravel()[i : k + 1].min() for i, k in vectors])
            high = np.array([last.ravel()[i : k + 1].max() for i, k in vectors])
            found.append(None if call.consts[j] is not None else Rows(low, high))
        return tuple(found)

    def overwrites(self, call: Call) -> tuple[int, ...]:
        (_, _, n, k), y, a = _dims(call), call.outs[0], _views(call)[0]
        vectors, rest = divmod(y.row_size, n)
        dense = np.array_equal(a.starts().ravel(), np.arange(a.type.size))
        same = rest == 0 and a.type.row_size == vectors * k
        return (0,) if dense and same and call.consts[0] is None else ()

    def float_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        a, b = (v.gather(x)[..., 0] for v, x in zip(_views(call), xs, strict=True))
        (y,) = self.infer(call)
        return np.matmul(a, b).reshape(y.shape).astype(np.float32)

    def integer_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        a, b = (v.gather(x)[..., 0].astype(I64) for v, x in zip(_views(call), xs, strict=True))
        y = call.outs[0]
        acc = int_matmul(a - call.ins[0].q.z, b - call.ins[1].q.z)
        q = requantize(acc, *_multiplier(call)) + y.q.z
        return np.clip(q, -128, 127).astype(np.int8).reshape(y.shape)

    def quantization(self, call: Call) -> QuantRule:
        return QuantRule(constants={0: "activation", 1: "activation"})

    def kernel(self, call: Call) -> Kernel:
        _, m, n, k = _dims(call)
        views = [v.parts() for v in _views(call)]
        mantissa, shift = _multiplier(call)
        along_k, along_n = views[1][4:6].tolist(), views[1][6:8].tolist()
        form = 0 if along_k == [0, 1] else 1 if along_n == [0, 1] else 2
        fields = {
            "row": i32(call.outs[0].row_size),
            "rows": i32(m),
            "columns": i32(n),
            "depth": i32(k),
            "form": i32(form),
            "a_zero": i32(call.ins[0].q.z),
            "b_zero": i32(call.ins[1].q.z),
            "output_zero": i32(call.outs[0].q.z),
            "multiplier": i32(mantissa),
            "shift": i32(shift),
            "a_pitch": i32(call.ins[0].row_bytes),
            "b_pitch": i32(call.ins[1].row_bytes),
            "a_view": table(views[0], "int32_t"),
            "b_view": table(views[1], "int32_t"),
            "a_data": table(call.consts[0], "int8_t"),
            "b_data": table(call.consts[1], "int8_t"),
        }
        scratch = 4 * n + (5 if form == 0 else 4) * k
        if _is_dsp(call, form):
            scratch = -(-max(scratch, 8 * (k + -k % 4)) // 8) * 8
            needs = ("ec_matmul_s8", "ec_wide", "ec_dsp_attend")
            return Kernel("ec_matmul_s8_dsp", fields, scratch, needs=needs, feature="dsp", block=2)
        plain = Kernel("ec_matmul_s8", fields, scratch=-(-scratch // 8) * 8, needs=("ec_wide",))
        return neon.same(call, plain)

    def macs(self, call: Call) -> int:
        return math.prod(_dims(call))


def _lead(call: Call) -> tuple[int, ...]:
    a, b = (t.shape[:-2] for t in call.ins)
    for x, y in ((a, b), (b, a)):
        if x == y or math.prod(x) == 1:
            return (1,) * (len(x) - len(y)) + y
    raise OpError(f"leading axes {a} and {b} differ")


def _dims(call: Call) -> tuple[int, ...]:
    """(B,M,N,K)."""
    if "dims" in call.attrs:
        return call.ints("dims")
    a, b = (t.shape for t in call.ins)
    if len(a) < 2 or len(b) < 2 or a[-1] != b[-2]:
        raise OpError(f"operands do not fit: {a} and {b}")
    return math.prod(_lead(call)), a[-2], b[-1], a[-1]


def _views(call: Call) -> tuple[StridedView, StridedView]:
    """The elements of a [B,M,K] and of b [B,K,N]."""
    batch, m, n, k = _dims(call)
    found = []
    for t, name, (i, j) in zip(call.ins, ("a_view", "b_view"), ((m, k), (k, n)), strict=True):
        plain = (0, 0 if t.size == i * j else i * j, j, 1)
        view = call.ints(name) if "dims" in call.attrs else plain
        found.append(StridedView(t, view[0], view[1:], (batch, i, j)))
    return found[0], found[1]


def _is_dsp(call: Call, form: int) -> bool:
    """Whether ec_matmul_s8_dsp.h serves the call."""
    _, m, n, _ = _dims(call)
    dense = _views(call)[0].parts()[6:8].tolist() == [0, 1]
    rows = m > 1 and call.outs[0].row_size == n
    return is_dsp(call.features) and rows and (form == 1 or (form == 0 and dense))


def _multiplier(call: Call) -> tuple[int, int]:
    return quantize_multiplier(call.ins[0].q.s * call.ins[1].q.s / call.outs[0].q.s)
