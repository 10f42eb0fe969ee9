"""Attention head by head: whether the order of the heads matters."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import pytest

from edgec.ir import Graph
from edgec.passes.split_attention import SplitAttention
from edgec.schedule import check_plan, make_plan
from edgec.schedule.search import Search
from tests.schedule.executor import draw_inputs, values_of
from tests.schedule.layers import Net

TOKENS, HEADS, DEPTH = 10, 3, 4
WIDTH = HEADS * DEPTH


def block(mask: np.ndarray | None = None) -> Graph:
    """A transformer block, its residual stream beside the heads; mask: of the scores."""
    n = Net("heads", 0)
    x = n.input(TOKENS, WIDTH)
    y = n.linear(n.norm(x), 3 * WIDTH)
    operands = [y, y, y]
    if mask is not None:
        operands.append(n.graph.add_constant("mask", mask.astype(np.float32)))
    views = {f"{k}_view": (j * WIDTH, 0, DEPTH, 3 * WIDTH) for j, k in enumerate("qkv")}
    dims = (1, HEADS, TOKENS, TOKENS, DEPTH, DEPTH)
    a = n.op("attention", operands, {"scale": 0.5, "dims": dims, **views})
    x = n.add(x, n.linear(n.op("reshape", [a], {"shape": (1, TOKENS, WIDTH)}), WIDTH))
    return n.integer(n.add(x, n.linear(n.function(n.linear(n.norm(x), 2 * WIDTH), "gelu"), WIDTH)))


def unlike() -> np.ndarray:
    """Every head looks at more keys than the one before."""
    mask = np.zeros((1, HEADS, TOKENS, TOKENS))
    mask[0, 0, :, 2:] = mask[0, 1, :, 6:] = -np.inf
    return mask


def queries(graph: Graph) -> Iterator[bytes]:
    """The weights of the queries of each head, in order."""
    for node in graph.nodes():
        if node.op == "attention":
            layer = graph.producer(node.inputs[0])
            assert layer is not None
            yield graph.values[layer.inputs[1]].data.tobytes()  # type: ignore[union-attr]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("mask", [None, unlike()], ids=["alike", "unlike"])
def test_all_orders_of_heads_take_as_much(mask: np.ndarray | None, stream: bool) -> None:
    graph = block(mask)
    values = values_of(graph, draw_inputs(graph))
    arenas: dict[bool, set[int]] = {False: set(), True: set()}
    orders = set()
    for order in itertools.permutations(range(HEADS)):
        form = graph.copy()
        assert SplitAttention(heads=True, order=order).run(form).made
        orders.add(tuple(queries(form)))
        assert np.array_equal(values_of(form, values)[form.outputs[0]], values[graph.outputs[0]])
        for regions in (False, True):
            plan = make_plan(form, stream=stream, regions=regions)
            check_plan(form, plan)
            arenas[regions].add(plan.arena)
    assert len(orders) == 6
    assert all(len(found) == 1 for found in arenas.values())


@pytest.mark.parametrize(("mask", "tried"), [(None, False), (unlike(), True)], ids=["alike", "unlike"])
def test_heads_that_differ_are_tried_backwards(mask: np.ndarray | None, tried: bool) -> None:
    search = Search(block(mask), True)
    search.smallest()
    moves = {m for s in search.tried for m in s.moves}
    assert "attention head by head" in moves
    assert ("attention head by head, the last one first" in moves) is tried


def test_the_projections_are_chosen() -> None:
    """Joint, apart and head by head are tried, and each is taken where it is the best."""
    search = Search(block(), True)
    smallest = search.smallest(whatever=True)
    forms = {s.moves[:1] for s in search.tried}
    assert {(), ("keys and values apart from queries",), ("attention head by head",)} <= forms
    assert smallest.arena == min(s.arena for s in search.tried)
    assert Search(block(), True).cheapest(1 << 20).moves[:1] not in forms - {()}
