"""Layers over all of a map as running ops."""

from __future__ import annotations

import numpy as np

from edgec.ir import DType, Graph, Node, TensorType
from edgec.ops.base import call_of, op_of
from edgec.ops.forms import form_of
from edgec.passes.rewrite import renamed
from edgec.passes.running_forms import Form, limits_of, tables_of


def product(graph: Graph, node: Node) -> Form | None:
    """A linear layer over the elements of several rows, flattened, or a kernel as large as its map."""
    x, w = renamed(graph, node.inputs[0]), graph.data(node.inputs[1])
    of, outputs = graph.type(x), graph.type(node.outputs[0]).size
    if w is None or of.rows < 2 or w.size != of.size * outputs or len(w) != outputs:
        return None
    if node.op == "conv2d" and (w.shape[1:] != graph.type(node.inputs[0]).shape[1:] or _pads(node)):
        return None
    if len(graph.consumers(node.inputs[1])) > 1 or form_of(node.attrs) is not None:
        return None  # the weights would be kept in two orders, or in more bits than they are to have
    fields = op_of(node).kernel(call_of(graph, node).plain).fields
    by_row = np.ascontiguousarray(w.reshape(outputs, of.rows, of.row_size).transpose(1, 0, 2))
    sums = TensorType((1, *by_row.shape[:2]), DType.I32)
    tables = tables_of(fields, "bias", "multiplier", "shift")
    return Form("running_linear", x, sums, {}, by_row, 1, tables, limits_of(fields))


def depthwise(graph: Graph, node: Node) -> Form | None:
    """A depthwise convolution whose kernel is as large as its map."""
    x, w = graph.type(node.inputs[0]), graph.data(node.inputs[1])
    if w is None or x.rows < 2 or (1, *w.shape) != x.shape or _pads(node):
        return None
    if len(graph.consumers(node.inputs[1])) > 1:
        return None
    fields = op_of(node).kernel(call_of(graph, node).plain).fields
    sums = TensorType((1, w.shape[0], w.shape[2]), DType.I32)
    tables = tables_of(fields, "bias", "multiplier", "shift")
    return Form("running_depthwise", node.inputs[0], sums, {}, w, 2, tables, limits_of(fields))


def _pads(node: Node) -> bool:
    padding = node.attrs.get("padding", ())
    assert isinstance(padding, tuple)
    return any(padding)
