"""What passes share: following views, adding nodes in place of others, reading constants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from edgec.ir import Attr, DType, Graph, Node, TensorType
from edgec.ops.base import add_op, call_of, op_of
from edgec.ops.view import View
from edgec.ops.viewmap import ViewMap

BINARY = ("add", "sub", "mul", "div", "maximum", "minimum")
"""Ops on two operands that broadcast."""
UNARY = ("pointwise", "quantize", "dequantize", "requantize")
"""Ops that compute every element from one element."""


def add(
    graph: Graph,
    op: str,
    inputs: Sequence[str],
    attrs: Mapping[str, Attr] | None,
    like: Node,
    result: TensorType | None = None,
) -> str:
    """Add an op with one result in the place of `like`, whose path it takes; returns the result.

    The type is inferred unless given; on an integer graph it has to be given.
    """
    if result is None:
        return add_op(graph, op, inputs, attrs, path=like.path, before=like)[0]
    return graph.add(op, inputs, [result], attrs, path=like.path, before=like).outputs[0]


def replace(graph: Graph, node: Node, value: str) -> None:
    """Let `value` stand for the only result of the node, and remove the node."""
    graph.replace_uses(node.outputs[0], value)
    graph.remove(node)


def substitute(
    graph: Graph, node: Node, op: str, inputs: Sequence[str], attrs: Mapping[str, Attr], before: Node
) -> None:
    """Remove the node, and let another op compute its only result, under the names of both."""
    result, outputs = node.outputs[0], graph.outputs
    type, users = graph.type(result), graph.consumers(result)
    graph.outputs = []
    for user, k in users:  # for the moment: the result's name has to be free
        graph.set_operand(user, k, inputs[0])
    graph.remove(node)
    graph.add(op, inputs, [type], attrs, path=node.path, name=node.name, results=[result], before=before)
    for user, k in users:
        graph.set_operand(user, k, result)
    graph.outputs = outputs


def view_of(graph: Graph, value: str) -> tuple[str, ViewMap]:
    """The value that the views before `value` start from, and what they make of it."""
    chain = []
    while (node := view_node(graph, value)) is not None:
        chain.append(node)
        value = node.inputs[0]
    view = ViewMap.whole(graph.type(value).shape)
    for node in reversed(chain):
        view = push(graph, node, view)
    return value, view


def view_node(graph: Graph, value: str) -> Node | None:
    """The view op that makes `value`, if one does."""
    node = graph.producer(value)
    return node if node is not None and op_of(node).is_view else None


def push(graph: Graph, node: Node, view: ViewMap) -> ViewMap:
    """A view node applied to a view."""
    op = op_of(node)
    assert isinstance(op, View)
    return op.push(call_of(graph, node), view)


def only_use(graph: Graph, value: str) -> bool:
    """Whether exactly one operand reads the value, and no graph output is it."""
    return len(graph.consumers(value)) == 1 and value not in graph.outputs


def renamed(graph: Graph, value: str) -> str:
    """The tensor that a value is under another shape, if its views, used once each, amount to that."""
    base = value
    while only_use(graph, base) and (view := view_node(graph, base)) is not None:
        base = view.inputs[0]
    start, view_map = view_of(graph, value)
    return base if start == base and view_map.is_identity(graph.type(base).size) else value


def made_by(graph: Graph, value: str, *ops: str) -> Node | None:
    """The node that makes `value` if it is one of those ops."""
    node = graph.producer(value)
    return node if node is not None and node.op in ops else None


def scalar(graph: Graph, value: str) -> float | None:
    """The number that a float constant holds in every element; None for anything else."""
    data = graph.data(value)
    if data is None or data.size == 0 or graph.type(value).dtype != DType.F32:
        return None
    first = data.reshape(-1)[0]
    return float(first) if bool((data == first).all()) else None


def split_constant(graph: Graph, node: Node) -> tuple[str, np.ndarray] | None:
    """(activation, constant) of a binary node with exactly one float constant operand."""
    for k in (0, 1):
        data = graph.data(node.inputs[k])
        if data is not None and not graph.is_constant(node.inputs[1 - k]) and data.dtype == np.float32:
            return node.inputs[1 - k], data
    return None


def inverse(perm: Sequence[int]) -> tuple[int, ...]:
    """The permutation that undoes `perm`."""
    return tuple(int(p) for p in np.argsort(perm))
