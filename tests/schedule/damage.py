"""Ways to damage a plan, and the rules that a plan keeps whatever numbers it would compute."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from edgec.ir import Graph
from edgec.ops.base import call_of, op_of
from edgec.schedule import Plan, Step, Window
from edgec.schedule.plan import Feed

Entry = TypeVar("Entry", Step, Feed)


def family(graph: Graph, value: str) -> set[str]:
    """The value and all that lie in it or in which it lies."""
    found, size = {value}, 0
    while len(found) > size:
        size = len(found)
        for n in graph.nodes():
            near = {*(n.inputs[:1] if op_of(n).is_alias else n.inputs), *n.outputs}
            if (op_of(n).is_alias or op_of(n).is_join) and near & found:
                found |= near
    return found


def _change(plan: Plan, names: set[str], change: Callable[[Window], Window]) -> Plan:
    return replace(plan, windows={v: change(w) if v in names else w for v, w in plan.windows.items()})


def _some(plan: Plan, rng: random.Random, graph: Graph) -> set[str]:
    """A value with its family or, rarely, by itself."""
    name = rng.choice(list(plan.windows))
    return {name} if rng.random() < 0.15 else family(graph, name)


def shift(plan: Plan, rng: random.Random, graph: Graph) -> Plan:
    """Move a window, by words or by a byte."""
    by = rng.choice([-16, -12, -8, -8, -4, -4, 4, 4, 8, 8, 12, 16, 1])
    return _change(plan, _some(plan, rng, graph), lambda w: replace(w, address=w.address + by))


def swap_places(plan: Plan, rng: random.Random, graph: Graph) -> Plan:
    a, b = rng.choices(list(plan.windows), k=2)
    by = plan.windows[b].address - plan.windows[a].address
    plan = _change(plan, family(graph, a), lambda w: replace(w, address=w.address + by))
    plan = _change(plan, family(graph, b), lambda w: replace(w, address=w.address - by))
    return replace(plan, arena=plan.arena + 64)


def more_rows(plan: Plan, rng: random.Random, graph: Graph) -> Plan:
    return _change(plan, _some(plan, rng, graph), lambda w: replace(w, capacity=w.capacity + 1))


def fewer_rows(plan: Plan, rng: random.Random, graph: Graph) -> Plan:
    return _change(plan, _some(plan, rng, graph), lambda w: replace(w, capacity=w.capacity - 1))


def spread_rows(plan: Plan, rng: random.Random, graph: Graph) -> Plan:
    by = rng.choice([-4, -1, 1, 2, 4])
    return _change(plan, _some(plan, rng, graph), lambda w: replace(w, pitch=w.pitch + by))


def move_a_row(plan: Plan, rng: random.Random, graph: Graph) -> Plan:
    """Of a window that is taken apart; another is, first."""
    names = _some(plan, rng, graph)
    some = [v for v in plan.windows if plan.windows[v].slots]
    if some and rng.random() < 0.8:
        names = family(graph, rng.choice(some))
    at, by = rng.random(), rng.choice([-32, -16, -8, -4, -4, 4, 4, 8, 16, 32, 1])

    def change(w: Window, rows: int) -> Window:
        slots = list(w.slots or (w.at(r) - w.address for r in range(rows)))
        slots[int(at * rows)] += by
        return replace(w, slots=tuple(slots))

    windows = {v: change(w, graph.type(v).rows) if v in names else w for v, w in plan.windows.items()}
    return replace(plan, windows=windows)


def swap_steps(plan: Plan, rng: random.Random, graph: Graph) -> Plan:
    steps = list(plan.steps)
    i = rng.randrange(len(steps))
    j = rng.choice([rng.randrange(len(steps)), min(i + 1, len(steps) - 1)])
    steps[i], steps[j] = steps[j], steps[i]
    return replace(plan, steps=tuple(steps))


def move_step(plan: Plan, rng: random.Random, graph: Graph) -> Plan:
    steps = list(plan.steps)
    step = steps.pop(rng.randrange(len(steps)))
    steps.insert(rng.randrange(len(steps) + 1), step)
    return replace(plan, steps=tuple(steps))


def drop_step(plan: Plan, rng: random.Random, graph: Graph) -> Plan:
    k = rng.randrange(len(plan.steps))
    return replace(plan, steps=plan.steps[:k] + plan.steps[k + 1 :])


def repeat_step(plan: Plan, rng: random.Random, graph: Graph) -> Plan:
    i = rng.randrange(len(plan.steps))
    k = rng.choice([i, rng.randrange(len(plan.steps))])
    return replace(plan, steps=(*plan.steps[: k + 1], plan.steps[i], *plan.steps[k + 1 :]))


def split_step(plan: Plan, rng: random.Random, graph: Graph) -> Plan:
    """Harmless by construction: the same rows in two blocks."""
    k = rng.randrange(len(plan.steps))
    step = plan.steps[k]
    cut = rng.randrange(step.first, step.last)
    halves = [replace(step, first=a, last=b) for a, b in ((step.first, cut), (cut, step.last)) if a < b]
    return replace(plan, steps=(*plan.steps[:k], *halves, *plan.steps[k + 1 :]))


def other_rows(plan: Plan, rng: random.Random, graph: Graph) -> Plan:
    k = rng.randrange(len(plan.steps))
    a, b = rng.choice([(-1, -1), (-1, 0), (0, -1), (0, 1), (1, 0), (1, 1)])
    step = plan.steps[k]
    step = replace(step, first=step.first + a, last=step.last + b)
    return replace(plan, steps=(*plan.steps[:k], step, *plan.steps[k + 1 :]))


def whole_input(plan: Plan, rng: random.Random, graph: Graph) -> Plan:
    """An input is in its window from the beginning instead of arriving."""
    v = rng.choice(graph.inputs)
    return replace(plan, steps=tuple(s for s in plan.steps if not isinstance(s, Feed) or s.value != v))


def arriving_input(plan: Plan, rng: random.Random, graph: Graph) -> Plan:
    """An input arrives in the middle of it all instead of being there."""
    v, k = rng.choice(graph.inputs), rng.randrange(len(plan.steps) + 1)
    return replace(plan, steps=(*plan.steps[:k], Feed(v, 0, graph.type(v).rows), *plan.steps[k:]))


def shrink_arena(plan: Plan, rng: random.Random, graph: Graph) -> Plan:
    return replace(plan, arena=plan.arena - 4)


def move_scratch(plan: Plan, rng: random.Random, graph: Graph) -> Plan:
    if not plan.scratch:
        return plan
    name = rng.choice(list(plan.scratch))
    address = rng.randrange(0, plan.arena, rng.choice([8, 8, 8, 4]))
    return replace(
        plan, scratch={**plan.scratch, name: (address, plan.scratch[name][1])}, arena=plan.arena + 16
    )


def shrink_scratch(plan: Plan, rng: random.Random, graph: Graph) -> Plan:
    by = rng.choice([1, 4, 8, 100])
    return replace(plan, scratch={n: (a, max(0, size - by)) for n, (a, size) in plan.scratch.items()})


def other_regions(plan: Plan, rng: random.Random, graph: Graph) -> Plan:
    regions = [list(r) for r in plan.regions]
    if not regions:
        return plan
    a, b = rng.choice(regions), rng.choice(regions)
    match rng.randrange(5):
        case 0:  # one more in two regions, or none if they are the same
            b.append(rng.choice(a))
        case 1:
            a.pop()
        case 2:
            b.append(a.pop())
        case 3:
            i, j = regions.index(a), regions.index(b)
            regions[i], regions[j] = regions[j], regions[i]
        case _:  # harmless: neighbours become one region
            k = regions.index(a)
            regions[k : k + 2] = [[name for r in regions[k : k + 2] for name in r]]
    return replace(plan, regions=tuple(map(tuple, regions)))


DAMAGE = [
    shift, swap_places, more_rows, fewer_rows, spread_rows, swap_steps, move_step, drop_step, repeat_step,
    split_step, other_rows, whole_input, arriving_input, shrink_arena, move_scratch, shrink_scratch,
    other_regions, move_a_row,
]  # fmt: skip


# -- rules ----------------------------------------------------------------


def breaks_a_rule(graph: Graph, plan: Plan) -> bool:
    """Whether the plan breaks a rule that does not show in its numbers: form, bounds, alignment."""
    return (
        _windows_are_bad(graph, plan)
        or _shared_bytes_lie_apart(graph, plan)
        or _rows_are_bad(graph, plan)
        or _regions_are_bad(plan)
        or any(n < 0 or a < 0 or a + n > plan.arena or (n and a % 8) for a, n in plan.scratch.values())
    )


def _windows_are_bad(graph: Graph, plan: Plan) -> bool:
    fed = {s.value for s in plan.steps if isinstance(s, Feed)}
    whole = {v for v in graph.inputs if v not in fed} | set(graph.outputs)
    inside = {v for n in graph.nodes() if op_of(n).is_join for v in n.inputs}
    inside |= {v for n in graph.nodes() if n.op == "toy_part" and n.attrs["at"] for v in n.outputs}
    for n in graph.nodes():
        inside |= set(n.outputs) if op_of(n).is_alias and n.inputs[0] in inside else set()
    for v, w in plan.windows.items():
        t = graph.type(v)
        slots = min(w.capacity, t.rows)
        if w.pitch < t.row_bytes or w.capacity < 1 or w.address < 0 or w.pitch % t.dtype.bytes:
            return True
        if w.address % (t.dtype.bytes if v in inside else 4):
            return True
        if w.slots:
            made = graph.producer(v)
            if made is not None and op_of(made).carries(call_of(graph, made)):
                return True
            if v in fed or (v in whole and t.rows > 1):
                return True
            if min(w.slots) < 0 or any(at % max(4, t.dtype.bytes) for at in w.slots):
                return True
            if w.address + max(w.slots) + t.row_bytes > plan.arena:
                return True
        elif w.address + (slots - 1) * w.pitch + t.row_bytes > plan.arena:
            return True
        if v in whole and t.rows > 1 and w.pitch != t.row_bytes:
            return True
    return False


def _shared_bytes_lie_apart(graph: Graph, plan: Plan) -> bool:
    for n in graph.nodes():
        op, call = op_of(n), call_of(graph, n)
        for k, x in enumerate(n.inputs):
            if not op.is_alias and not op.is_join:
                continue
            outer, inner = (x, n.outputs[0]) if op.is_alias else (n.outputs[0], x)
            theirs, mine = (byte_places(graph, v, plan.windows[v]) for v in (outer, inner))
            if (begin := op.offset(call, k)) is None:
                theirs, mine = ([[at for row in places for at in row]] for places in (theirs, mine))
            width = len(mine[0])
            if [row[begin or 0 : (begin or 0) + width] for row in theirs] != mine:
                return True
    return False


def byte_places(graph: Graph, value: str, w: Window) -> list[list[int]]:
    """Where every byte of every row of a value lies."""
    t = graph.type(value)
    starts = [w.at(r) for r in range(t.rows)]
    return [list(range(at, at + t.row_bytes)) for at in starts]


def _rows_are_bad(graph: Graph, plan: Plan) -> bool:
    """Whether rows are missing, do not exist, or arrive out of order."""
    fed: dict[str, int] = {}
    done: dict[str, set[int]] = {}
    for step in plan.steps:
        v = step.value if isinstance(step, Feed) else graph.node(step.node).outputs[0]
        if not 0 <= step.first < step.last <= graph.type(v).rows:
            return True
        if isinstance(step, Step):
            done.setdefault(step.node, set()).update(range(step.first, step.last))
        elif step.first != fed.get(v, 0):
            return True
        else:
            fed[v] = step.last
    nodes = [n for n in graph.nodes() if not op_of(n).is_alias and not op_of(n).is_join]
    if any(len(done.get(n.name, ())) < graph.type(n.outputs[0]).rows for n in nodes):
        return True
    return any(n < graph.type(v).rows for v, n in fed.items())


def _regions_are_bad(plan: Plan) -> bool:
    names = [name for region in plan.regions for name in region]
    order = [s.node for s in plan.steps if isinstance(s, Step)]
    if len(set(names)) < len(names) or not set(order) <= set(names):
        return True
    numbers = [next(k for k, region in enumerate(plan.regions) if name in region) for name in order]
    return numbers != sorted(numbers)
