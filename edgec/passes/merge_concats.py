"""A concatenation of views of one tensor is a view of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgec.ir import Graph
from edgec.ops.base import call_of
from edgec.ops.viewmap import ViewMap
from edgec.passes.base import Changes, Pass
from edgec.passes.collapse_views import add_view
from edgec.passes.rewrite import replace, view_of


@dataclass(frozen=True)
class MergeConcats(Pass):
    """Parts of one tensor put together again are one copy of it, or the tensor itself."""

    def run(self, graph: Graph) -> Changes:
        changes = Changes()
        for node in graph.nodes():
            if node.op != "concat":
                continue
            parts = [view_of(graph, v) for v in node.inputs]
            bases = {base for base, _ in parts}
            type = graph.type(node.outputs[0])
            if len(bases) != 1 or (base := bases.pop()) in node.inputs or graph.is_constant(base):
                continue
            if any(graph.type(v).quant != type.quant for v in (base, *node.inputs)):
                continue
            axis = call_of(graph, node).int("axis")
            view = ViewMap.of_index(np.concatenate([v.indices() for _, v in parts], axis))
            replace(graph, node, add_view(graph, base, view, node, type))
            changes.did(node.path or node.name, f"{len(parts)} parts of one tensor in one copy")
        graph.prune()
        return changes
