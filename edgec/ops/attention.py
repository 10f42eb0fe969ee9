"""Scaled dot-product attention, streamed: no tokens x tokens matrix is ever whole."""

from __future__ import annotations

import numpy as np

from edgec.ir import TensorType
from edgec.ops import neon
from edgec.ops.attention_formats import EXP2, EXP2_LINES, Formats
from edgec.ops.attention_reads import NAMES, dims_of, heads_of, query_rows_are_output_rows, rows_of, views_of
from edgec.ops.base import Call, Op, OpError, QuantRule, Rows
from edgec.ops.dsp import is_dsp
from edgec.ops.fixed import I64
from edgec.ops.kernel import Field, Kernel, i32, table


class Attention(Op):
    """q [B,H,T,D], k [B,H,S,D], v [B,H,S,Dv], mask? (float constant) -> [B,T,H,Dv].

    softmax(q k^T * scale + mask) v. Attribute scale; with the attribute dims = (B,H,T,S,D,Dv)
    q, k and v are any tensors, read through q_view, k_view, v_view = (offset, batch, head,
    token) in elements. The mask broadcasts to [B,H,T,S]; -inf or less than -1e4 excludes a
    key, and a query without keys gives 0. With the attribute first_head the mask is one of more
    heads, of which these are H: formats are those of all, so that heads computed apart agree.

    Integer: docs/arithmetic.md. Source of streaming by query: Rabe and Staats, "Self-attention
    does not need O(n^2) memory", 2021.
    """

    name = "attention"

    def infer(self, call: Call) -> list[TensorType]:
        if "dims" not in call.attrs:
            q, k, v = (t.shape for t in call.ins[:3])
            fit = len(q) == len(k) == len(v) == 4 and q[:2] == k[:2] == v[:2]
            if not fit or q[3] != k[3] or k[2] != v[2]:
                raise OpError(f"operands do not fit: q {q}, k {k}, v {v}")
        b, h, t, s, d, dv = dims_of(call)
        if d > 2**15:
            raise OpError(f"{d} features a head are too many")
        if call.has(3):
            np.broadcast_shapes(heads_of(np.empty(call.ins[3].shape, bool), call, h).shape, (b, h, t, s))
        return [TensorType((b, t, h, dv))]

    def rows(self, call: Call) -> tuple[Rows | None, ...]:
        found = rows_of(call, Formats.of(call, dims_of(call)).limit if call.outs[0].quant else None)
        known = tuple(None if call.consts[i] is not None else r for i, r in enumerate(found))
        return (*known, *([None] if call.has(3) else []))

    def overwrites(self, call: Call) -> tuple[int, ...]:
        return (0,) if call.consts[0] is None and query_rows_are_output_rows(call) else ()

    def float_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        b, h, t, s, _, dv = dims_of(call)
        q, k, v = (view.gather(x) for view, x in zip(views_of(call), xs, strict=False))
        mask = heads_of(xs[3], call, h) if len(xs) > 3 else np.float32(0)
        mask = np.broadcast_to(mask, (b, h, t, s))
        y = np.empty((b, t, h, dv), np.float32)
        for i in range(b):
            for j in range(h):
                score = q[i, j] @ k[i, j].T * np.float32(call.float("scale")) + mask[i, j]
                largest = score.max(axis=1, keepdims=True)
                e = np.exp(score - np.where(np.isfinite(largest), largest, 0))
                y[i, :, j] = e @ v[i, j] / np.maximum(e.sum(axis=1, keepdims=True), 1e-30)
        return y

    def integer_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        q, k, v = (view.gather(x).astype(I64) for view, x in zip(views_of(call), xs, strict=False))
        b, h, t = q.shape[:3]
        f = Formats.of(call, dims_of(call))
        y = np.empty((b, t, h, v.shape[3]), np.int8)
        for j in range(h):
            score = f.scores(q[:, j] - call.ins[0].q.z, k[:, j], j)
            y[:, :, j] = f.mixed(score, v[:, j], call.ins[2].q.z, call.outs[0].q.z)
        return y

    def quantization(self, call: Call) -> QuantRule:
        return QuantRule(constants={0: "activation", 1: "activation", 2: "activation", 3: "keep"})

    def kernel(self, call: Call) -> Kernel:
        _, h, t, s, d, dv = dims_of(call)
        f = Formats.of(call, dims_of(call))
        masks = [(table(m.data, "int16_t"), table(m.strides, "int32_t")) for m in f.masks]
        masks += [(table(None, "int16_t"), table(None, "int32_t"))] * (2 - len(masks))
        fields: dict[str, Field] = {
            "heads": i32(h),
            "queries": i32(t),
            "keys": i32(s),
            "depth": i32(d),
            "value_depth": i32(dv),
            "q_zero": i32(call.ins[0].q.z),
            "v_zero": i32(call.ins[2].q.z),
            "output_zero": i32(call.outs[0].q.z),
        }
        for name in ("left", "factor", "fraction", "mask_shift", "precision", "multiplier", "shift"):
            fields[name] = i32(getattr(f, name))
        fields |= {f"{n}_pitch": i32(call.ins[i].row_bytes) for i, n in enumerate(NAMES)}
        views = zip(NAMES, views_of(call), strict=True)
        fields |= {f"{n}_view": table(view.parts(), "int32_t") for n, view in views}
        fields["limit"] = table(f.limit if np.any(f.limit < s) else None, "int32_t")
        for name, (data, strides) in zip(("mask", "bias"), masks, strict=True):
            fields |= {name: data, f"{name}_stride": strides}
        dsp = is_dsp(call.features) and f.factor >= 0 and f.precision >= max(8, f.shift + 2)
        fields["exp2"] = table(EXP2_LINES, "uint32_t") if dsp else table(EXP2, "uint16_t")
        fields |= {f"{n}_data": table(call.consts[i], "int8_t") for i, n in enumerate(NAMES)}
        if dsp:
            at_once = min(t, 2)
            scratch = at_once * (4 * (s + s % 2) + max(2 * (d + -d % 4), 4 * (dv + -dv % 4)))
            needs: tuple[str, ...] = ("ec_dsp_attend", "ec_dsp_exp2", "ec_root", "ec_wide")
            return Kernel("ec_attention_s8_dsp", fields, scratch, needs=needs, feature="dsp", block=at_once)
        scratch = -(-(4 * (s + dv) + 2 * d) // 8) * 8
        plain = Kernel("ec_attention_s8", fields, scratch, needs=("ec_exp2", "ec_root", "ec_wide"))
        return neon.same(call, plain)

    def macs(self, call: Call) -> int:
        b, h, t, s, d, dv = dims_of(call)
        return b * h * t * s * (d + dv)
