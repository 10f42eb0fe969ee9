"""Residual streams: sums that a normalization reads, where int8 may be too coarse.

A transformer adds small updates to a sum that grows over the blocks, and every layer norm
magnifies what is left of it after rounding.
"""

from __future__ import annotations

from edgec.ir import Graph
from edgec.ops.base import call_of, op_of

_NORMS = ("layer_norm", "group_norm")


def residual_streams(graph: Graph) -> frozenset[str]:
    """The results of sums that a norm, or a further such sum, reads, directly or through views."""
    streams: set[str] = set()
    for node in reversed(graph.nodes()):
        rule = op_of(node).quantization(call_of(graph, node))
        if node.op in ("add", "sub") and rule.wide_output and _feeds(graph, node.outputs[0], streams):
            streams.add(node.outputs[0])
    return frozenset(streams)


def _feeds(graph: Graph, value: str, streams: set[str]) -> bool:
    for node, k in graph.consumers(value):
        rule = op_of(node).quantization(call_of(graph, node))
        if k not in rule.wide:
            continue
        if node.op in _NORMS or node.outputs[0] in streams:
            return True
        if (rule.output == "same" or rule.unify) and _feeds(graph, node.outputs[0], streams):
            return True
    return False
