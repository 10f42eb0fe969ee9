"""What is computed twice is computed once."""

from __future__ import annotations

from dataclasses import dataclass

from edgec.ir import Graph
from edgec.passes.base import Changes, Pass


@dataclass(frozen=True)
class MergeEqual(Pass):
    """Equal constants become one, and so do equal ops on the same operands."""

    def run(self, graph: Graph) -> Changes:
        changes = Changes()
        constants: dict[tuple[object, ...], str] = {}
        for name, value in list(graph.values.items()):
            if value.data is not None:
                same = constants.setdefault((value.type, value.data.tobytes()), name)
                if same != name:
                    graph.replace_uses(name, same)
        nodes: dict[tuple[object, ...], tuple[str, ...]] = {}
        for node in graph.nodes():
            key = (node.op, node.inputs, tuple(sorted(node.attrs.items())), *graph.out_types(node))
            same_outputs = nodes.setdefault(key, node.outputs)
            if same_outputs != node.outputs:
                for old, new in zip(node.outputs, same_outputs, strict=True):
                    graph.replace_uses(old, new)
                graph.remove(node)
                changes.did(node.path or node.name, f"the same as {same_outputs[0]}")
        graph.prune()
        return changes
