"""Channels that hold one number for every input, repeat another or are never read are left out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgec.ir import Graph, Node, Quant
from edgec.ops.base import call_of, op_of
from edgec.passes.base import Changes, Pass
from edgec.passes.channel_facts import facts_of
from edgec.passes.channel_heads import without_heads
from edgec.passes.channel_stay import Kept, Rules, kept_channels, staying
from edgec.passes.strips import total_macs


@dataclass(frozen=True)
class RemoveDeadChannels(Pass):
    """Channels that are constant, equal to another or never read are left out of the layers that make them.

    So are heads of attention that nothing reads, or that give nothing.
    What they contributed goes into the biases and weights of the layers that read them, exactly.
    """

    def run(self, graph: Graph) -> Changes:
        changes = Changes()
        before = _work(graph)
        gone: dict[str, int] = {}
        while (removed := _without_dead(graph)) is not None:  # summed weights may have come to nothing
            for name, count in removed.items():
                gone[name] = gone.get(name, 0) + count
        graph.prune()
        for name, count in gone.items():
            changes.did(graph.node(name).path or name, f"{count} dead channel{'s' * (count > 1)} left out")
        for key, (macs, weights) in {"before": before, "after": _work(graph)}.items():
            changes.figures |= {f"macs_{key}": macs, f"weights_{key}": weights}
        changes.figures["channels"] = sum(gone.values())
        return changes


def _without_dead(graph: Graph) -> dict[str, int] | None:
    """Leave dead heads or channels out; how many by node, None where every channel has to stay."""
    facts = facts_of(graph)
    if heads := without_heads(graph, facts):
        graph.prune()
        return heads
    rules = Rules.of(graph, facts)
    kept = kept_channels(graph, rules)
    if all(stays.all() for stays in kept.values()):
        return None
    gone = {}
    for node in graph.nodes():
        if node.name in rules.products:
            _cut_product(graph, node, rules, kept)
            if count := int((~kept[node.outputs[0]]).sum()):
                gone[node.name] = count
        elif node.name in rules.slots:
            _cut_slots(graph, node, rules, kept)
    for value, stays in kept.items():
        if not stays.all():
            type = graph.type(value)
            graph.set_type(value, type.with_(shape=(*type.shape[:-1], int(stays.sum()))))
    return gone


def _cut_product(graph: Graph, node: Node, rules: Rules, kept: Kept) -> None:
    call, absorbed = rules.products[node.name]
    ins, outs = kept[node.inputs[0]], kept[node.outputs[0]]
    if ins.all() and outs.all():
        return
    weights, bias = absorbed.without(call, ~ins)
    quant = _taken(call.ins[1].quant, 0, outs)
    operands = [node.inputs[0], graph.add_constant(node.inputs[1], weights[outs][..., ins], quant)]
    if call.has(2) or bias.any():
        name, quant = (node.inputs[2], call.ins[2].quant) if call.has(2) else (f"{node.name}.bias", None)
        operands.append(graph.add_constant(name, bias[outs], _taken(quant, 0, outs)))
    graph.set_inputs(node, operands)


def _cut_slots(graph: Graph, node: Node, rules: Rules, kept: Kept) -> None:
    slots = rules.slots[node.name]
    stay = staying(node, slots, kept)
    for k, (value, slot) in enumerate(zip(node.inputs, slots.ins, strict=True)):
        data, type = graph.data(value), graph.type(value)
        if data is not None and slot is not None and not stay[slot].all():
            part = np.ascontiguousarray(data[..., stay[slot]])
            quant = _taken(type.quant, data.ndim - 1, stay[slot])
            graph.set_operand(node, k, graph.add_constant(value, part, quant, type.layout))
    if node.op == "reshape":
        shape = call_of(graph, node).ints("shape")
        node.attrs["shape"] = (*shape[:-1], int(stay[slots.out].sum()))


def _taken(quant: Quant | None, axis: int, stays: np.ndarray) -> Quant | None:
    """The quantization of what stays along an axis."""
    if quant is None or quant.axis != axis:
        return quant
    at = np.flatnonzero(stays)
    return Quant(tuple(quant.scale[k] for k in at), tuple(quant.zero_point[k] for k in at), axis)


def _work(graph: Graph) -> tuple[int, int]:
    """Multiply-accumulates of one inference, and the bytes of the weights they are with."""
    products = [n for n in graph.nodes() if op_of(n).macs(call_of(graph, n))]
    weights = {v: graph.type(v).bytes for n in products for v in n.inputs[1:2] if graph.is_constant(v)}
    return total_macs(graph), sum(weights.values())
