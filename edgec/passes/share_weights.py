"""Weights that several layers have are stored once."""

from __future__ import annotations

from dataclasses import dataclass

from edgec.ir import Graph, Node
from edgec.ops.base import call_of, op_of
from edgec.ops.dsp import APART, is_dsp
from edgec.ops.forms import form_of
from edgec.passes.base import Changes, Pass

_PACKED = ("linear", "conv2d")
"""Ops with kernels that have weights and what else belongs to an output in one table."""
_BEYOND = 8
"""Bytes that a table of nothing but weights takes more."""


@dataclass(frozen=True)
class ShareWeights(Pass):
    """Layers with the same weights have them in a table of their own, which is stored once.

    So have the others then, for an image to have one kind of kernel: a second one takes 10 KB. figures: bytes
    of weights that several layers have, each counted once, and how many layers these are.
    """

    def run(self, graph: Graph) -> Changes:
        changes, readers, packed = Changes(), dict[str, list[Node]](), list[Node]()
        for node in graph.nodes():
            if len(node.inputs) < 2 or not graph.is_constant(node.inputs[1]) or not _is_product(node, graph):
                continue
            readers.setdefault(node.inputs[1], []).append(node)
            if node.op in _PACKED:
                packed.append(node)
        common = {weights: nodes for weights, nodes in readers.items() if len(nodes) > 1}
        saved = sum(graph.type(v).bytes * (len(nodes) - 1) for v, nodes in common.items())
        if saved <= _BEYOND * len(packed):
            common = {}
        changes.figures["bytes"] = sum(graph.type(weights).bytes for weights in common)
        changes.figures["layers"] = sum(map(len, common.values()))
        for node in packed if common else ():
            if node.inputs[1] in common or form_of(node.attrs) is None:
                node.attrs[APART] = True
        for nodes in common.values():
            for node in nodes[1:]:
                changes.did(node.path or node.name, f"has the weights of {nodes[0].path or nodes[0].name}")
        return changes


def _is_product(node: Node, graph: Graph) -> bool:
    """Whether a node has weights whose table can be without anything of its own."""
    whole = node.op not in _PACKED and is_dsp(graph.features)
    return not whole and op_of(node).macs(call_of(graph, node)) > 0
