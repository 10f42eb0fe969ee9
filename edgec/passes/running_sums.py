"""Reductions over all rows of a map become running sums, so that the map is never needed whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from edgec.ir import DType, Graph, Node, Quant
from edgec.passes.base import Changes, Pass
from edgec.passes.rewrite import substitute
from edgec.passes.running_forms import Form
from edgec.passes.running_pools import pool, reduction
from edgec.passes.running_products import depthwise, product

_FORMS: Mapping[str, Callable[[Graph, Node], Form | None]] = {
    "linear": product,
    "conv2d": product,
    "depthwise_conv2d": depthwise,
    "avg_pool2d": pool,
    "max_pool2d": pool,
    "mean": reduction,
    "sum": reduction,
    "reduce_max": reduction,
}


@dataclass(frozen=True)
class RunningSums(Pass):
    """Pooling over all rows, and a linear layer over a flattened map, add up the rows as they come.

    only: the names of the nodes to rewrite; None: all that can be. Every node becomes a running op and,
    under the node's own name and the name of its result, the `last_row` that ends it.
    """

    only: frozenset[str] | None = None

    def run(self, graph: Graph) -> Changes:
        changes = Changes()
        for node in graph.nodes():
            if self.only is not None and node.name not in self.only:
                continue
            form = form_of(graph, node)
            if form is not None:
                _replace(graph, node, form)
                changes.did(node.path or node.name, "adds up the rows of its operand as they come")
        graph.prune()
        return changes


def form_of(graph: Graph, node: Node) -> Form | None:
    """The running form of a node of an integer graph; None where it has none, or only one row to read."""
    if node.op not in _FORMS or graph.type(node.inputs[0]).dtype not in (DType.I8, DType.I16):
        return None
    return _FORMS[node.op](graph, node)


def _replace(graph: Graph, node: Node, form: Form) -> None:
    name = node.name
    operands = [form.x]
    if form.weights is not None:
        quant = graph.type(node.inputs[1]).q
        by_row = Quant(quant.scale, quant.zero_point, None if quant.axis is None else form.axis)
        operands.append(graph.add_constant(f"{node.inputs[1]}.rows", form.weights, by_row))
    label = f"{name}.running"
    running = graph.add(form.op, operands, [form.result], form.attrs, path=node.path, name=label, before=node)
    ends = [running.outputs[0]]
    ends += [graph.add_constant(f"{name}.{key}", data) for key, data in form.tables.items()]
    attrs = {"shape": graph.type(node.outputs[0]).shape, **form.limits}
    substitute(graph, node, "last_row", ends, attrs, running)
