"""Division becomes multiplication by the reciprocal."""

from __future__ import annotations

from dataclasses import dataclass

from edgec.ir import Graph
from edgec.passes.base import Changes, Pass
from edgec.passes.rewrite import add, replace


@dataclass(frozen=True)
class LowerDivision(Pass):
    """Dividing by a computed tensor becomes multiplying by its reciprocal, which is a table."""

    def run(self, graph: Graph) -> Changes:
        changes = Changes()
        for node in graph.nodes():
            if node.op == "div":
                a, b = node.inputs
                inverse = add(graph, "pointwise", [b], {"fn": "reciprocal"}, node)
                attrs = {"activation": node.attrs.get("activation", "")}
                replace(graph, node, add(graph, "mul", [a, inverse], attrs, node))
                changes.did(node.path or node.name, "a product with the reciprocal")
        return changes
