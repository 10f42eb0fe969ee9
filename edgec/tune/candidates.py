"""The kernels that could compute a layer, and the layer by itself, to be measured."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from edgec.ir import Graph, Node
from edgec.ops.base import call_of, op_of
from edgec.ops.dsp import PRODUCTS, TAPS
from edgec.ops.kernel import Kernel
from edgec.schedule.blocks import BLOCKS
from edgec.schedule.forms import Form, form_of


@dataclass(frozen=True)
class Candidate:
    """One way to compute a layer.

    family: the instruction sets that the kernel may use, sorted. block: rows it is asked to compute in one
    pass over its constants, 0 for what suits it.
    """

    family: tuple[str, ...]
    block: int
    kernel: Kernel
    form: Form

    @property
    def scratch(self) -> int:
        """Bytes that it may want beside its operands and its result."""
        return self.kernel.scratch + self.kernel.copies

    @property
    def products(self) -> frozenset[str]:
        """The files with the products that it calls, of those of which an image has one of a kind."""
        return frozenset(self.kernel.needs) & frozenset(PRODUCTS + TAPS)

    def same_code(self, other: Candidate) -> bool:
        """Whether all rows in one step are computed in the very same way, whatever blocks there are."""
        mine, its = (
            (replace(c.kernel, block=1, fields={}), [(k, f.c_type) for k, f in c.kernel.fields.items()])
            for c in (self, other)
        )
        return mine == its and all(
            np.array_equal(f.value, other.kernel.fields[k].value)  # type: ignore[arg-type]
            for k, f in self.kernel.fields.items()
        )


def candidates(graph: Graph, node: Node) -> list[Candidate]:
    """All ways to compute a node, each once; the first is the one that an op chooses by itself."""
    found: dict[Form, Candidate] = {}
    for family in families(graph.features):
        call = replace(call_of(graph, node), features=frozenset(family))
        for block in (0, *BLOCKS):
            asked = replace(call, attrs={**call.attrs, "block": block}) if block else call
            kernel = op_of(node).kernel(asked)
            if block and (kernel.block != block or block > call.outs[0].rows):
                continue
            made = Candidate(family, block, kernel, form_of(node, asked, kernel))
            found.setdefault(made.form, made)
    return list(found.values())


def choosable(graph: Graph) -> Iterator[tuple[Node, list[Candidate]]]:
    """The nodes that can be computed in more ways than one, with these."""
    for node in graph.nodes():
        op = op_of(node)
        if not (op.is_alias or op.is_join) and len(ways := candidates(graph, node)) > 1:
            yield node, ways


def one_layer(graph: Graph, node: Node, candidate: Candidate) -> Graph:
    """A graph of the node alone, computed in that way: its operands are inputs, its results outputs.

    Names are the same for all nodes, so that equal layers are equal graphs.
    """
    made = Graph("layer")
    made.features = graph.features
    names: dict[str, str] = {}
    for k, value in enumerate(node.inputs):
        if value not in names:
            type, data = graph.type(value), graph.data(value)
            if data is None:
                names[value] = made.add_input(f"x{k}", type)
            else:
                names[value] = made.add_constant(f"c{k}", data, type.quant, type.layout)
    types = graph.out_types(node)
    attrs = {k: node.attrs[k] for k in sorted(node.attrs) if k != "block"}
    attrs["family"] = candidate.family
    if candidate.block:
        attrs["block"] = candidate.block
    results = [f"y{k}" for k in range(len(types))]
    inputs = [names[v] for v in node.inputs]
    made.outputs += made.add(node.op, inputs, types, attrs, name="layer", results=results).outputs
    return made


def families(features: frozenset[str]) -> list[tuple[str, ...]]:
    """All of a processor's features, then all fewer ones, plain C first."""
    names = sorted(features)
    fewer = (family for n in range(len(names)) for family in itertools.combinations(names, n))
    return [tuple(names), *fewer]
