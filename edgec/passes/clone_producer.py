"""Layers are run a second time where their result would have to be stored otherwise."""

from __future__ import annotations

from dataclasses import dataclass

from edgec.ir import Graph
from edgec.passes.base import Changes, Pass
from edgec.passes.rerun_sites import Site


@dataclass(frozen=True)
class CloneProducer(Pass):
    """A value that is needed again after all its rows were read is computed again instead of being stored.

    sites: of `rerun_sites`; the consumers of each get copies of the nodes of its chain. Weights are shared.
    """

    sites: tuple[Site, ...]

    def run(self, graph: Graph) -> Changes:
        changes = Changes()
        nodes = graph.nodes()
        rank = {n.name: k for k, n in enumerate(nodes)}
        operands = {n.name: n.inputs for n in nodes}  # of the first runs, whatever is put in below
        for site in self.sites:
            where = graph.node(site.chain[-1]).path or site.value
            if any(graph.node(name).inputs[k] != site.value for name, k in site.consumers):
                changes.left(where, "another run feeds its consumers already")
                continue
            first = graph.node(min((name for name, _ in site.consumers), key=rank.__getitem__))
            again: dict[str, str] = {}
            for name in site.chain:
                node = graph.node(name)
                clone = graph.add(
                    node.op,
                    [again.get(v, v) for v in operands[name]],
                    graph.out_types(node),
                    node.attrs,
                    path=node.path,
                    name=node.name,
                    results=node.outputs,
                    before=first,
                )
                again |= zip(node.outputs, clone.outputs, strict=True)
            for name, k in site.consumers:
                graph.set_operand(graph.node(name), k, again[site.value])
            changes.did(where, f"run again for {site.consumers[0][0]}: {site.macs:,} multiply-accumulates")
        return changes
