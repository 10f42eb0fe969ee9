"""The order: as good as the best of all topological orders, where there are few enough to try."""

from __future__ import annotations

import itertools

from hypothesis import given, settings

from edgec.ir import Graph
from edgec.schedule.bound import extent, shared
from edgec.schedule.order import _Search, orders, peak
from edgec.schedule.work import Job, job_of
from tests.schedule.toys import graphs, tensor, toy


def possible(job: Job, order: tuple[int, ...]) -> bool:
    at = {w: k for k, w in enumerate(order)}
    return all(at[p] < at[w] for w in order for p in job.before[w])


@settings(deadline=None, max_examples=100)
@given(graphs(most=6))
def test_the_exact_search_finds_the_best_of_all(graph: Graph) -> None:
    job = job_of(graph)
    n = range(len(job.works))
    best = min(peak(job, o) for o in itertools.permutations(n) if possible(job, o))
    found = orders(job)
    assert peak(job, found[0]) == best
    assert all(possible(job, tuple(o)) and sorted(o) == list(n) for o in found)
    assert list(n) in found


@settings(deadline=None, max_examples=60)
@given(graphs())
def test_the_beam_gives_an_order_and_says_its_peak(graph: Graph) -> None:
    job = job_of(graph)
    for width in (1, 8):
        end = _Search(job).beam(width)
        assert possible(job, tuple(end.order)) and len(end.order) == len(job.works)
        assert end.peak == peak(job, end.order) >= peak(job, orders(job)[0])


def test_too_many_states_fall_back_to_the_beam() -> None:
    graph = Graph()
    x = graph.add_input("x", tensor(1, 8))
    ends = []
    for k in range(16):
        wide = toy(graph, [x], tensor(1, 200 + 4 * k), (("all",),))
        ends.append(toy(graph, [wide], tensor(1, 100 - 4 * k), (("all",),)))
    graph.outputs = ends
    job = job_of(graph)
    assert _Search(job).exact(50) is None
    found = orders(job, states=50)[0]
    assert possible(job, tuple(found))
    assert peak(job, found) <= peak(job, range(len(job.works)))


def test_what_can_be_shared() -> None:
    assert shared(100, 60, [(0, 100)]) == 60
    assert shared(60, 100, []) == 60
    assert shared(100, 100, [(-16, 100)]) == 84
    assert shared(100, 40, [(-40, 100)]) == 0
    assert shared(20, 100, [(-40, 20)]) == 20
    assert shared(100, 40, [(-40, 40)]) == 40
    assert shared(100, 40, [(-40, 80)]) == 20
    assert shared(100, 40, [(-40, 20), (40, 100)]) == 40


def test_two_operands_and_their_result() -> None:
    graph = Graph()
    a, b = graph.add_input("a", tensor(4, 8)), graph.add_input("b", tensor(4, 8))
    graph.outputs = [toy(graph, [a, b], tensor(4, 16), claims=(0, 1))]
    job = job_of(graph)
    # Over each operand the result may begin 32 B in front, so all of both may be under it.
    assert extent(job, 0, job.works[0].operands) == 64
    graph = Graph()
    a, b = graph.add_input("a", tensor(4, 8)), graph.add_input("b", tensor(4, 8))
    graph.outputs = [toy(graph, [a, b], tensor(4, 8), (("all",), ("all",)))]
    job = job_of(graph)
    assert extent(job, 0, job.works[0].operands) == 96
