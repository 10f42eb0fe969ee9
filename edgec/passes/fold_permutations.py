"""A linear layer takes its inputs in any order: the order of its weights makes up for it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgec.ir import DType, Graph
from edgec.passes.base import Changes, Pass
from edgec.passes.operand_views import row_permutation
from edgec.passes.rewrite import add, view_node, view_of


@dataclass(frozen=True)
class FoldPermutations(Pass):
    """A linear layer behind a permutation reads the tensor as it is, with its weights permuted."""

    def run(self, graph: Graph) -> Changes:
        changes = Changes()
        for node in graph.nodes():
            if node.op != "linear" or view_node(graph, node.inputs[0]) is None:
                continue
            type, weights = graph.type(node.inputs[0]), graph.data(node.inputs[1])
            base, view = view_of(graph, node.inputs[0])
            size = graph.type(base).size
            if weights is None or view.is_identity(size) or graph.type(base).quant != type.quant:
                continue
            order = row_permutation(view, size)
            if order is None:
                continue
            columns = np.empty_like(weights)
            columns[:, order] = weights
            wtype = graph.type(node.inputs[1])
            w = graph.add_constant(node.inputs[1], columns, wtype.quant, wtype.layout)
            x = base
            if graph.type(base).shape != type.shape:
                result = type if type.dtype != DType.F32 else None
                x = add(graph, "reshape", [base], {"shape": type.shape}, node, result)
            graph.set_inputs(node, [x, w, *node.inputs[2:]])
            changes.did(node.path or node.name, f"{type.bytes:,} bytes not moved, weights permuted instead")
        graph.prune()
        return changes
