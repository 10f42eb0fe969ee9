"""Functions of one variable in a row are one function."""

from __future__ import annotations

from dataclasses import dataclass

from edgec.ir import Attr, DType, Graph
from edgec.ops.pointwise import steps
from edgec.passes.base import Changes, Pass
from edgec.passes.rewrite import made_by, only_use, renamed, replace


@dataclass(frozen=True)
class MergeTables(Pass):
    """Pointwise functions in a row become one table, with nothing rounded in between."""

    def run(self, graph: Graph) -> Changes:
        changes = Changes()
        for node in graph.nodes():
            if node.op != "pointwise" or graph.type(node.outputs[0]).dtype != DType.F32:
                continue
            below = renamed(graph, node.inputs[0])
            first = made_by(graph, below, "pointwise")
            if first is None or not only_use(graph, node.inputs[0]) or not only_use(graph, below):
                continue
            own, *behind = steps(node.attrs)
            then = [_frozen(dict(step)) for step in (*steps(first.attrs)[1:], own, *behind)]
            first.attrs["then"] = tuple(then)
            replace(graph, node, node.inputs[0])
            changes.did(node.path or node.name, f"in one table with {first.path or first.name}")
        return changes


def _frozen(step: dict[str, Attr]) -> Attr:
    return tuple(step.items())
