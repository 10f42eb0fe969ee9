"""What no output needs is left out."""

from __future__ import annotations

from dataclasses import dataclass

from edgec.ir import Graph
from edgec.passes.base import Changes, Pass


@dataclass(frozen=True)
class RemoveDead(Pass):
    """Ops and constants that no output depends on are left out."""

    def run(self, graph: Graph) -> Changes:
        changes = Changes()
        before = {node.name: node.path or node.name for node in graph.nodes()}
        graph.prune()
        left = {node.name for node in graph.nodes()}
        for name, path in before.items():
            if name not in left:
                changes.did(path, "no output depends on it")
        return changes
