"""Which channels have to stay: those that some result needs, and those that go with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edgec.ir import Graph, Node
from edgec.ops.base import Call, call_of
from edgec.ops.forms import ATTRIBUTE, form_of
from edgec.passes.channel_facts import Facts
from edgec.passes.channel_slots import Slots, is_product, slots_of
from edgec.passes.channel_sums import Absorbed

Kept = Mapping[str, np.ndarray]
"""Of every value that is computed, which channels stay."""


@dataclass(frozen=True)
class Rules:
    """How the channels of each node hang together, by node name; nodes in neither need all of theirs."""

    products: Mapping[str, tuple[Call, Absorbed]]
    slots: Mapping[str, Slots]

    @staticmethod
    def of(graph: Graph, facts: Mapping[str, Facts]) -> Rules:
        """The rules of a graph."""
        products: dict[str, tuple[Call, Absorbed]] = {}
        slots: dict[str, Slots] = {}
        for node in graph.nodes():
            if is_product(graph, node):
                call, x = call_of(graph, node), facts[node.inputs[0]]
                own = len(graph.consumers(node.inputs[1])) > 1 or ATTRIBUTE in node.attrs
                same = (
                    np.arange(x.same.size) if own else x.same
                )  # sums would be other weights, or another form
                products[node.name] = call, Absorbed.of(node, call, x.lo, x.hi, same)
            elif (found := slots_of(graph, node)) is not None:
                slots[node.name] = found
        return Rules(products, slots)


def _grouped(graph: Graph, rules: Rules) -> set[str]:
    """Values whose channels are in groups that a form of weights shares something by: none can go alone."""
    found = set[str]()
    for node in map(graph.node, rules.products):
        form = form_of(node.attrs)
        if form is not None and form.share and graph.type(node.inputs[1]).shape[0] > form.share:
            found.add(node.outputs[0])
        if form is not None and form.group:
            found.add(node.inputs[0])
    return found


def kept_channels(graph: Graph, rules: Rules) -> dict[str, np.ndarray]:
    """The fewest channels that give the same results: grown from the outputs until all rules hold."""
    fixed = {*graph.inputs, *graph.outputs}
    values = [*graph.inputs, *(v for n in graph.nodes() for v in n.outputs)]
    fixed |= _grouped(graph, rules)
    kept = {v: np.full((graph.type(v).shape or (1,))[-1], v in fixed) for v in values}
    nodes, tied = graph.nodes()[::-1], _tied(graph, rules)
    before = -1
    while (count := sum(int(k.sum()) for k in kept.values())) != before:
        before = count
        for node in nodes:
            _grow(graph, node, rules, kept)
        for ends in tied:
            stays = np.any([kept[v] for v in ends], axis=0)
            for v in ends:
                kept[v] |= stays
    return kept


def _tied(graph: Graph, rules: Rules) -> list[list[str]]:
    """Operands, and results, of products with the same weights: these stay the same where the same channels
    stay."""
    found: dict[tuple[str, int], list[str]] = {}
    for node in map(graph.node, rules.products):
        for end, value in enumerate((node.inputs[0], node.outputs[0])):
            found.setdefault((node.inputs[1], end), []).append(value)
    return [values for values in found.values() if len(values) > 1]


def _grow(graph: Graph, node: Node, rules: Rules, kept: dict[str, np.ndarray]) -> None:
    computed = [k for k, v in enumerate(node.inputs) if v in kept]
    if node.name in rules.products:
        call, absorbed = rules.products[node.name]
        _at_least(kept[node.outputs[0]], _fewest(node, call))
        kept[node.inputs[0]] |= absorbed.read(kept[node.outputs[0]])
    elif node.name in rules.slots:
        slots = rules.slots[node.name]
        stay = staying(node, slots, kept)
        for slot in slots.ins:
            if slot is not None and not stay[slot].any():  # an operand of concat would have no channel
                stay[slot[0]] = True
        kept[node.outputs[0]] |= stay[slots.out]
        for k in computed:
            slot = slots.ins[k]
            kept[node.inputs[k]] |= True if slot is None else stay[slot]
    else:
        for v in (*node.outputs, *(node.inputs[k] for k in computed)):
            kept[v][:] = True


def staying(node: Node, slots: Slots, kept: Kept) -> np.ndarray:
    """The slots of which a channel stays, in an operand or in the result."""
    stay = np.zeros(slots.count, bool)
    for v, slot in zip((*node.inputs, *node.outputs), (*slots.ins, slots.out), strict=True):
        if slot is not None and v in kept:
            stay[slot[kept[v]]] = True
    return stay


def _fewest(node: Node, call: Call) -> int:
    """A linear layer rounds its factors in another way where there is one scale for all outputs."""
    return 2 if node.op == "linear" and len(call.ins[1].q.scale) > 1 else 1


def _at_least(kept: np.ndarray, count: int) -> None:
    missing = count - int(kept.sum())
    if missing > 0:
        kept[np.flatnonzero(~kept)[:missing]] = True
