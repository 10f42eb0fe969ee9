"""Pools and reductions over all rows of a map as running ops."""

from __future__ import annotations

import numpy as np

from edgec.ir import Attr, DType, Graph, Node, Quant, TensorType
from edgec.ops.base import call_of, op_of
from edgec.ops.pool import Pool2d
from edgec.passes.rewrite import renamed
from edgec.passes.running_forms import Form, limits_of, number, tables_of

_SHORT = 256
"""So many int8 values have a sum that int16 holds."""


def pool(graph: Graph, node: Node) -> Form | None:
    """A pool whose windows all have all rows in them."""
    x, y, call = graph.type(node.inputs[0]), graph.type(node.outputs[0]), call_of(graph, node)
    op = op_of(node)
    assert isinstance(op, Pool2d)
    window, rows = op.window(call), op.rows(call)[0]
    assert rows is not None
    covers = y.rows == 1 and rows.first[0] == 0 and rows.last[0] == x.rows - 1
    if not covers or x.rows < 2 or window.dilation != (1, 1) or x.dtype != DType.I8:
        return None
    taps, stride, (_, left, _, right) = window.kernel[1], window.stride[1], window.padding
    attrs: dict[str, Attr] = {"columns": x.shape[2], "taps": taps}
    attrs |= {"stride": stride, "padding": (left, right)}
    fields = op.kernel(call.plain).fields
    if node.op == "max_pool2d":
        result = x.with_(shape=(1, x.rows, y.row_size), layout="")
        return Form("running_max", node.inputs[0], result, attrs, limits=limits_of(fields))
    begin = np.arange(y.shape[2]) * stride - left
    inside = x.rows * (np.clip(begin + taps, 0, x.shape[2]) - np.clip(begin, 0, x.shape[2]))
    outside = (window.kernel[0] * taps - inside) * number(fields, "include_pad")
    pairs = np.stack([outside * number(fields, "pad_value"), np.maximum(inside + outside, 1)])
    equal = bool((pairs == pairs[:, :1]).all())
    offset, count = pairs[:, :1] if equal else pairs.repeat(x.shape[3], axis=1)
    tables = {"offset": offset, "count": count}
    sums = _sums_type(x, y.row_size, x.rows * taps)
    return Form("running_sums", node.inputs[0], sums, attrs, tables=tables, limits=limits_of(fields))


def reduction(graph: Graph, node: Node) -> Form | None:
    """A mean, sum or maximum to which every row gives to every result in the same way."""
    x, axes = renamed(graph, node.inputs[0]), node.attrs["axes"]
    of, shape = graph.type(x), graph.type(node.inputs[0]).shape
    assert isinstance(axes, tuple)
    kept = [1 if k in axes else n for k, n in enumerate(shape)]
    length = int(np.prod(kept))
    into = np.broadcast_to(np.arange(length).reshape(kept), shape).reshape(of.rows, of.row_size)
    if of.rows < 2 or (into != into[0]).any() or (attrs := _columns(into[0])) is None:
        return None
    lo, hi = graph.type(node.outputs[0]).dtype.limits
    if node.op == "reduce_max":
        result = of.with_(shape=(1, of.rows, length), layout="")
        return Form("running_max", x, result, attrs, limits={"lo": lo, "hi": hi})
    fields = op_of(node).kernel(call_of(graph, node).plain).fields
    tables = tables_of(fields, "offset", "multiplier", "shift")
    sums = _sums_type(of, length, of.size // length)
    return Form("running_sums", x, sums, attrs, tables=tables, limits={"lo": lo, "hi": hi})


def _columns(into: np.ndarray) -> dict[str, Attr] | None:
    """The windows over a row whose element k goes into result into[k]; None where no windows do that."""
    k = np.arange(len(into))
    channels = int(np.argmax(into != k)) or len(k)  # results side by side, before one comes again
    taps = int(np.argmax(into[::channels] != 0)) or len(k) // channels
    if not np.array_equal(into, k // (channels * taps) * channels + k % channels):
        return None
    return {"columns": len(k) // channels, "taps": taps, "stride": taps, "padding": (0, 0)}


def _sums_type(x: TensorType, length: int, count: int) -> TensorType:
    """Of sums over no more than `count` values of x."""
    if x.dtype == DType.I8 and count <= _SHORT:
        return TensorType((1, x.rows, length), DType.I16, Quant.of(x.q.s))
    return TensorType((1, x.rows, length), DType.I32)
