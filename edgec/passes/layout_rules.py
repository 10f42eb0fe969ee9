"""Which ops can compute on permuted tensors, and what becomes of their attributes then."""

from __future__ import annotations

from collections.abc import Mapping

from edgec.ir import Attr, Graph, Node
from edgec.ops.base import call_of
from edgec.passes.rewrite import BINARY, UNARY

Perm = tuple[int, ...]
"""Stored axis i is axis perm[i] of the tensor as the graph has it."""

LAST_FIXED = ("softmax", "layer_norm", "linear", "prelu", "batch_norm")
"""Ops along the last axis, the same for all others; further operands are parameters."""
REDUCTIONS = ("mean", "sum", "reduce_max")


def identity(rank: int) -> Perm:
    """No permutation."""
    return tuple(range(rank))


def rank_of(graph: Graph, node: Node) -> int:
    """The rank of the tensors that a node's label permutes: the operand's, the result's if it broadcasts."""
    value = node.outputs[0] if node.op in BINARY else node.inputs[0]
    return len(graph.type(value).shape)


def allows(graph: Graph, node: Node, perm: Perm) -> bool:
    """Whether the node can compute with its operands permuted so."""
    if node.op in BINARY:
        return all(_plain(graph, v) for v in node.inputs)
    if node.op in LAST_FIXED:
        return perm[-1] == len(perm) - 1 and all(graph.is_constant(v) for v in node.inputs[1:])
    if node.op == "concat":
        return all(_plain(graph, v) for v in node.inputs)
    return node.op in (*UNARY, *REDUCTIONS, "argmax", "pad")


def permuted_operands(graph: Graph, node: Node) -> tuple[int, ...]:
    """The operands that are permuted with the node."""
    return tuple(range(len(node.inputs))) if node.op in (*BINARY, "concat") else (0,)


def result_perm(graph: Graph, node: Node, perm: Perm) -> Perm:
    """How the result is permuted when the operands are permuted by `perm`."""
    if len(graph.type(node.outputs[0]).shape) == len(perm):
        return perm
    call = call_of(graph, node)
    gone = call.ints("axes") if node.op in REDUCTIONS else (call.int("axis"),)
    kept = [a for a in range(len(perm)) if a not in gone]
    return tuple(kept.index(p) for p in perm if p not in gone)


def permuted_attrs(graph: Graph, node: Node, perm: Perm) -> Mapping[str, Attr]:
    """The node's attributes when its operands are permuted by `perm`."""
    call, attrs = call_of(graph, node), dict(node.attrs)
    if node.op in REDUCTIONS:
        attrs["axes"] = tuple(sorted(perm.index(a) for a in call.ints("axes")))
    elif node.op in ("concat", "argmax"):
        attrs["axis"] = perm.index(call.int("axis"))
    elif node.op == "pad":
        pads = node.attrs["pads"]
        assert isinstance(pads, tuple)
        attrs["pads"] = tuple(pads[p] for p in perm)
    return attrs


def _plain(graph: Graph, value: str) -> bool:
    """Whether nothing but the value's shape depends on the order of its axes."""
    quant = graph.type(value).quant
    return quant is None or quant.axis is None
