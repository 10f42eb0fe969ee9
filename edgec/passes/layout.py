"""Layout: in which order of axes every tensor is stored, so that as little as possible is moved."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from edgec.ir import Graph, Node
from edgec.passes.base import Changes, Pass
from edgec.passes.layout_costs import Costs
from edgec.passes.layout_rules import (
    Perm,
    identity,
    permuted_attrs,
    permuted_operands,
    result_perm,
)
from edgec.passes.rewrite import add, inverse

ROUNDS = 8
"""Sweeps over the graph; two or three find nothing more in any model seen."""


@dataclass(frozen=True)
class SolveLayout(Pass):
    """Tensors are stored channels-last where that saves moving them; images are taken pixel by pixel.

    Every op that works on any order of axes gets the order that costs the fewest bytes moved:
    starting from the model's own, sets of ops change together as long as the sum falls.
    """

    def run(self, graph: Graph) -> Changes:
        changes, costs = Changes(), Costs(graph)
        for _ in range(ROUNDS):
            flips = [_flip(costs, seed, perm) for seed, perm in costs.wishes()]
            if not any(flips):
                break
        for name in graph.inputs:
            _prefer_pixels(costs, name)
        for name, perm in costs.labels.items():
            if perm == identity(len(perm)):
                continue
            if (node := graph.producer(name)) is None:
                _permute_input(graph, name, perm)
                changes.did(name, f"taken with its axes in the order {perm}")
            else:
                _permute_node(graph, node, perm)
                changes.did(node.path or name, f"computed with axes in the order {perm}")
        return changes


def _flip(costs: Costs, seed: str, perm: Perm) -> bool:
    """Give a node an order and all others that follow from it; kept if fewer bytes move."""
    if costs.labels.get(seed) == perm or not costs.allows(seed, perm):
        return False
    new = {seed: perm}
    queue = [seed]
    while queue:
        for other, wish in costs.neighbours(queue.pop(), new):
            if other not in new and costs.labels.get(other) != wish and costs.allows(other, wish):
                new[other] = wish
                queue.append(other)
    if _try(costs, new):
        return True
    return len(new) > 1 and _try(costs, {seed: perm})


def _prefer_pixels(costs: Costs, name: str) -> None:
    """Take an image pixel by pixel, as cameras deliver it, where that costs no more."""
    graph, type = costs.graph, costs.graph.type(name)
    decided = name in graph.input_perms or type.layout == "NHWC" or costs.labels.get(name) != identity(4)
    if decided or len(type.shape) != 4 or type.shape[1] not in (1, 3, 4):
        return
    touched = costs.touched({name: identity(4)})
    before = costs.total(touched)
    costs.labels[name] = (0, 2, 3, 1)
    if costs.total(touched) > before:
        costs.labels[name] = identity(4)


def _try(costs: Costs, new: dict[str, Perm]) -> bool:
    old = {name: costs.labels[name] for name in new}
    touched = costs.touched(new)
    before = costs.total(touched)
    costs.labels.update(new)
    if costs.total(touched) < before:
        return True
    costs.labels.update(old)
    return False


def _permute_input(graph: Graph, name: str, perm: Perm) -> None:
    type = graph.type(name)
    users = graph.consumers(name)
    layout = "".join(type.layout[p] for p in perm) if type.layout else ""
    graph.set_type(name, type.with_(shape=tuple(type.shape[p] for p in perm), layout=layout))
    taken = graph.input_perms.get(name, identity(len(perm)))
    graph.input_perms[name] = tuple(taken[p] for p in perm)
    first = users[0][0]
    back = add(graph, "transpose", [name], {"perm": inverse(perm)}, first, type)
    _use(graph, users, back)


def _permute_node(graph: Graph, node: Node, perm: Perm) -> None:
    out = node.outputs[0]
    type, last = graph.type(out), result_perm(graph, node, perm)
    node.attrs = dict(permuted_attrs(graph, node, perm))
    for k in permuted_operands(graph, node):
        graph.set_operand(node, k, _permuted(graph, node, node.inputs[k], perm))
    if last == identity(len(last)):
        return
    layout = "".join(type.layout[p] for p in last) if type.layout else ""
    users, is_output = graph.consumers(out), out in graph.outputs
    graph.set_type(out, type.with_(shape=tuple(type.shape[p] for p in last), layout=layout))
    if users or is_output:
        attrs, first = {"perm": inverse(last)}, users[0][0] if users else None
        back = graph.add("transpose", [out], [type], attrs, path=node.path, before=first).outputs[0]
        _use(graph, users, back)
        graph.outputs = [back if v == out else v for v in graph.outputs]


def _permuted(graph: Graph, node: Node, value: str, perm: Perm) -> str:
    """The value with its axes permuted; missing leading axes are added first."""
    type = graph.type(value)
    shape = (*(1,) * (len(perm) - len(type.shape)), *type.shape)
    permuted = tuple(shape[p] for p in perm)
    if (data := graph.data(value)) is not None:
        if data.size == 1:
            return value
        return graph.add_constant(value, data.reshape(shape).transpose(perm).copy(), type.quant)
    if shape != type.shape:
        value = add(graph, "reshape", [value], {"shape": shape}, node, type.with_(shape=shape, layout=""))
        type = graph.type(value)
    layout = "".join(type.layout[p] for p in perm) if type.layout else ""
    return add(graph, "transpose", [value], {"perm": perm}, node, type.with_(shape=permuted, layout=layout))


def _use(graph: Graph, users: Iterable[tuple[Node, int]], value: str) -> None:
    for user, k in users:
        graph.set_operand(user, k, value)
