"""Products: gemm, matmul in all its shapes, einsum of two operands, attention."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from edgec.frontends.builder import MASKED
from edgec.frontends.onnx.builder import Attrs, Const, NumpyBuilder, Operand, Unsupported, constant, converts
from edgec.frontends.onnx.elementwise import add, mul
from edgec.frontends.onnx.reductions import reduce, softmax


def _swapped(b: NumpyBuilder, x: Operand) -> Any:
    return b.transpose(x, [*range(len(x.shape) - 2), -1, -2])


@converts("MatMul")
def _matmul(b: NumpyBuilder, a: Attrs, x: Operand, y: Operand) -> Any:
    return matmul(b, x, y)


def matmul(b: NumpyBuilder, x: Operand, y: Operand) -> Any:
    """numpy.matmul: vectors, matrices, batches that broadcast. A constant factor makes it linear."""
    if len(x.shape) == 1:
        z = matmul(b, b.reshape(x, (1, -1)), y)
        return b.reshape(z, (*z.shape[:-2], z.shape[-1]))
    if len(y.shape) == 1:
        z = matmul(b, x, b.reshape(y, (-1, 1)))
        return b.reshape(z, z.shape[:-1])
    lead = np.broadcast_shapes(x.shape[:-2], y.shape[:-2])
    if isinstance(y, Const) and math.prod(y.shape[:-2]) == 1:
        weights = b.transpose(b.reshape(y, y.shape[-2:]) if len(y.shape) > 2 else y, (1, 0))
        z = b.emit("linear", [x, weights])
        return b.reshape(z, (*lead, *z.shape[-2:]))
    if isinstance(x, Const) and math.prod(x.shape[:-2]) == 1:
        z = b.emit("linear", [_swapped(b, y), b.reshape(x, x.shape[-2:])])
        return b.reshape(_swapped(b, z), (*lead, x.shape[-2], y.shape[-1]))
    x, y = (b.expand(v, (*lead, *v.shape[-2:])) for v in (x, y))
    if isinstance(x, Const) or isinstance(y, Const):
        return _per_matrix(b, x, y)
    return b.emit("matmul", [x, y])


def _per_matrix(b: NumpyBuilder, x: Operand, y: Operand) -> Any:
    """A batch of different constant matrices: one linear for each."""
    lead, count = x.shape[:-2], math.prod(x.shape[:-2])
    xs, ys = b.reshape(x, (count, *x.shape[-2:])), b.reshape(y, (count, *y.shape[-2:]))
    parts = [matmul(b, b.slice(xs, 0, k, k + 1), b.slice(ys, 0, k, k + 1)) for k in range(count)]
    return b.reshape(b.concat(parts, 0), (*lead, x.shape[-2], y.shape[-1]))


@converts("Gemm")
def _gemm(b: NumpyBuilder, a: Attrs, x: Operand, y: Operand, bias: Any = None) -> Any:
    alpha, beta = float(a.get("alpha", 1.0)), float(a.get("beta", 1.0))
    x = b.transpose(x, (1, 0)) if a.get("transA", 0) else x
    if isinstance(y, Const) and isinstance(bias, Const | None):
        weights = y if a.get("transB", 0) else b.transpose(y, (1, 0))
        if alpha != 1:
            weights = b.tensor(np.asarray(weights.data) * np.float32(alpha), weights.origin)
        if bias is None or not np.asarray(bias.data).any():
            return b.emit("linear", [x, weights])
        flat = np.asarray(bias.data, np.float32) * np.float32(beta)
        if flat.size in (1, weights.shape[0]) and (flat.ndim < 2 or flat.shape[0] == 1):
            full = np.broadcast_to(flat.ravel(), weights.shape[:1])
            return b.emit("linear", [x, weights, b.tensor(full, bias.origin)])
        return add(b, {}, b.emit("linear", [x, weights]), b.tensor(flat, bias.origin))
    z = matmul(b, x, _swapped(b, y) if a.get("transB", 0) else y)
    z = mul(b, {}, z, b.scalar(alpha))
    return z if bias is None else add(b, {}, z, mul(b, {}, bias, b.scalar(beta)))


@converts("Einsum")
def _einsum(b: NumpyBuilder, a: Attrs, *xs: Operand) -> Any:
    """One or two operands without repeated or broadcast indices, as transposes and one matmul."""
    equation = str(a["equation"]).replace(" ", "")
    left, arrow, out = equation.partition("->")
    terms = left.split(",")
    if "." in equation or len(terms) != len(xs) or len(xs) > 2 or any(len(set(t)) != len(t) for t in terms):
        raise Unsupported(f"the equation {equation}")
    if not arrow:
        letters = "".join(terms)
        out = "".join(sorted(c for c in set(letters) if letters.count(c) == 1))
    if len(xs) == 1:
        x, term = _summed(b, xs[0], terms[0], out)
        return b.transpose(x, [term.index(c) for c in out])
    x, p = _summed(b, xs[0], terms[0], terms[1] + out)
    y, q = _summed(b, xs[1], terms[1], terms[0] + out)
    size = {**dict(zip(p, x.shape, strict=True)), **dict(zip(q, y.shape, strict=True))}
    batch = [c for c in out if c in p and c in q]
    rows, columns = [c for c in out if c in p and c not in q], [c for c in out if c in q and c not in p]
    inner = [c for c in p if c in q and c not in out]

    def matrix(v: Operand, term: str, *axes: Sequence[str]) -> Any:
        moved = b.transpose(v, [term.index(c) for group in axes for c in group])
        return b.reshape(moved, [math.prod(size[c] for c in group) for group in axes])

    z = matmul(b, matrix(x, p, batch, rows, inner), matrix(y, q, batch, inner, columns))
    order = [*batch, *rows, *columns]
    return b.transpose(b.reshape(z, [size[c] for c in order]), [order.index(c) for c in out])


def _summed(b: NumpyBuilder, x: Operand, term: str, wanted: str) -> tuple[Any, str]:
    """x summed over the letters that nothing else has."""
    gone = [k for k, c in enumerate(term) if c not in wanted]
    if not gone:
        return x, term
    return reduce(b, "sum", x, gone, False), "".join(c for c in term if c in wanted)


@converts("Attention")
def _attention(
    b: NumpyBuilder, a: Attrs, q: Operand, k: Operand, v: Operand, mask: Any = None, *past: Any
) -> Any:
    """Opset 23: q, k, v as [B, heads, T, D] or [B, T, heads * D]; without cache and softcap."""
    if any(p is not None for p in past) or a.get("softcap", 0.0) or a.get("qk_matmul_output_mode", 0):
        raise Unsupported("a key-value cache, softcap or qk_matmul_output")
    flat = len(q.shape) == 3
    if flat:
        heads = [int(a["q_num_heads"]), int(a["kv_num_heads"]), int(a["kv_num_heads"])]
        q, k, v = (
            b.transpose(b.reshape(x, (*x.shape[:2], h, x.shape[2] // h)), (0, 2, 1, 3))
            for x, h in zip((q, k, v), heads, strict=True)
        )
    repeat = q.shape[1] // k.shape[1]
    if repeat > 1:
        k, v = (b.take(x, 1, [h for h in range(x.shape[1]) for _ in range(repeat)]) for x in (k, v))
    n, h, t, d = q.shape
    s, dv = k.shape[2], v.shape[3]
    scale = float(a.get("scale", 1 / math.sqrt(d)))
    bias = _mask(mask, t, s, bool(a.get("is_causal", 0)))
    if bias is None and mask is not None:
        scores = mul(b, {}, matmul(b, q, _swapped(b, k)), b.scalar(scale))
        y = matmul(b, softmax(b, {}, b.binary("add", scores, mask)), v)
    else:
        operands = [q, k, v, *([] if bias is None else [b.tensor(bias, "mask")])]
        y = b.emit("attention", operands, {"scale": scale})
        if flat:
            return [b.reshape(y, (n, t, h * dv))]
        return [b.transpose(y, (0, 2, 1, 3))]
    return [b.reshape(b.transpose(y, (0, 2, 1, 3)), (n, t, h * dv)) if flat else y]


def _mask(mask: Any, t: int, s: int, causal: bool) -> np.ndarray | None:
    """The additive mask [.., T, S] that is known at import, None where there is none."""
    if mask is not None and not isinstance(mask, Const):
        if causal:
            raise Unsupported("a causal mask besides one computed at run time")
        return None
    total = np.zeros((1, 1, t, s), np.float32)
    if mask is not None:
        data = constant(mask, "a mask")
        data = np.where(data, 0.0, MASKED) if data.dtype == bool else np.maximum(data, MASKED)
        total = total + data.reshape((1,) * (4 - data.ndim) + data.shape)
    if causal:
        total = np.minimum(total, np.where(np.tri(t, s, dtype=bool), 0.0, MASKED))
    return total.astype(np.float32) if mask is not None or causal else None
