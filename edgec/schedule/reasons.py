"""Why the fullest step of a plan needs what it needs: which rows are held, and which op forces it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from edgec.ir import Graph
from edgec.schedule.lives import tenancies
from edgec.schedule.plan import Feed, Plan, Step
from edgec.schedule.pull import pull
from edgec.schedule.timeline import Stay
from edgec.schedule.usage import Usage
from edgec.schedule.work import Job, Work, job_of

MOST = 3
"""Reasons that are told: those of the largest tensors."""
_SMALL = 8
"""A tensor of less than this share of the bytes live needs no reason."""


@dataclass(frozen=True)
class Hold:
    """A tensor in the fullest step: its bytes there, and why it is there."""

    name: str
    bytes: int
    why: str


@dataclass(frozen=True)
class Tight:
    """The region that cannot shrink.

    nodes: its nodes, in order of execution; index: in the plan's regions, -1 where the plan has none.
    bytes: the fewest with which it runs. holds: what it cannot do without, largest first.
    """

    index: int
    nodes: tuple[str, ...]
    bytes: int
    holds: tuple[Hold, ...]


@dataclass(frozen=True)
class FarApart:
    """An input whose rows arrive and that has to be kept (nearly) whole for two readers, nodes by name.

    needs: rows that the reader alone would need at a time. held: rows that both together need, of `rows`.
    """

    value: str
    readers: tuple[str, str]
    needs: tuple[int, int]
    held: int
    rows: int


def tightest(graph: Graph, plan: Plan, usage: Usage) -> Tight:
    """The region with the most bytes live, and what forces them."""
    peak = usage.peak
    index = next((k for k, nodes in enumerate(plan.regions) if peak.node in nodes), -1)
    if index < 0 and peak.step >= 0 and isinstance(plan.steps[peak.step], Feed):
        later = (s.node for s in plan.steps[peak.step :] if isinstance(s, Step))
        node = next(later, "")
        index = next((k for k, nodes in enumerate(plan.regions) if node in nodes), -1)
    nodes = plan.regions[index] if index >= 0 else (peak.node,) if peak.node else ()
    why = _Why(graph, plan)
    stays = {s.name: s for s in usage.stays if s.kind != "scratch"}
    holds = []
    for tenant in peak.tenants[:MOST]:
        if tenant.bytes * _SMALL >= peak.bytes and tenant.name in stays:
            stay = stays[tenant.name]
            holds.append(Hold(_label(stay), tenant.bytes, why.held(stay, peak.step)))
    return Tight(index, nodes, peak.bytes, tuple(holds))


def far_apart(graph: Graph, plan: Plan) -> FarApart | None:
    """An input that arrives row by row, whose last reader needs few rows of it, but only when another has
    read nearly all.

    Not where the planner merely preferred to keep it: pulled row by row, it is needed that long too.
    """
    if not any(isinstance(s, Feed) for s in plan.steps):
        return None
    job = job_of(graph, stream=True)
    pulled = tenancies(job, pull(job, [tuple(range(len(job.works)))]))
    for v in graph.inputs:
        place, window, rows = job.places[v], plan.windows[v], graph.type(v).rows
        readers = [w for w in job.works if place.buffer in w.operands]
        least = min(window.capacity, pulled[place.buffer].capacity // max(place.span, 1))
        if rows < 4 or len(readers) < 2 or least * 4 < rows * 3:
            continue
        needs = {w.node: _at_a_time(w, place.buffer) // max(place.span, 1) for w in readers}
        ends = {s.node: k for k, s in enumerate(plan.steps) if isinstance(s, Step) and s.node in needs}
        first, *others = sorted(ends, key=lambda n: ends[n])
        last = others[-1]
        awaited = _awaited(job, last)
        if any(needs[n] * 2 > rows and n not in awaited for n in ends):
            continue  # this one needs it whole by itself
        return FarApart(v, (first, last), (needs[first], needs[last]), least, rows)
    return None


def _awaited(job: Job, node: str) -> set[str]:
    """The nodes whose results a node needs, and theirs, and so on."""
    front = [k for k, w in enumerate(job.works) if w.node == node and not w.feeds]
    found: set[int] = set()
    while front:
        new = job.before[front.pop()] - found
        found |= new
        front += new
    return {job.works[k].node for k in found if not job.works[k].feeds}


def _label(stay: Stay) -> str:
    return f"{stay.kind} {stay.name}" if stay.kind == "input" else stay.layer


def _at_a_time(work: Work, buffer: int) -> int:
    """The most units of a buffer that one row of a result needs."""
    spans = [r.last - r.first + 1 for r in work.reads if r.place.buffer == buffer]
    return max((int(s.max()) for s in spans if s.size), default=0)


class _Why:
    def __init__(self, graph: Graph, plan: Plan) -> None:
        self.graph, self.plan = graph, plan
        self.job: Job = job_of(graph, stream=any(isinstance(s, Feed) for s in plan.steps))
        self.works = {w.node: w for w in self.job.works if not w.feeds}
        self.begins: dict[str, int] = {}
        self.ends: dict[str, int] = {}
        for at, step in enumerate(plan.steps):
            if isinstance(step, Step):
                self.begins.setdefault(step.node, at)
                self.ends[step.node] = at

    def held(self, stay: Stay, at: int) -> str:
        """Why a tensor is there in a step."""
        buffer = self.job.places[stay.name].buffer
        readers = sorted(
            (w for w in self.works.values() if buffer in w.operands), key=lambda w: self.ends[w.node]
        )
        if stay.kind == "output":
            return "an output has to be whole at the end"
        if not readers:
            return "nothing reads it" if stay.kind != "input" else "an input has its place, also if unread"
        if stay.capacity < stay.rows:
            return f"{stay.capacity} of its {stay.rows} rows, {self._window(readers, buffer, stay)}"
        last = readers[-1]
        whole = next((w for w in readers if self.needs_all(w, buffer) and self.ends[w.node] >= at), None)
        if whole is not None and stay.rows > 1:
            return f"{self._name(whole.node)} needs all {stay.rows} rows of it"
        if len(readers) > 1 and self.ends[readers[0].node] < self.ends[last.node]:
            behind = self._barrier(last, buffer)
            return f"read by {self._name(readers[0].node)}, held until {self._name(last.node)}{behind}"
        if stay.kind == "input" and stay.first < 0:
            return "the input is whole before the first step"
        if self.begins[last.node] <= at:
            return f"{self._name(last.node)} reads it while it runs"
        return f"held until {self._name(last.node)}{self._barrier(last, buffer)}"

    def needs_all(self, work: Work, buffer: int) -> bool:
        """Whether a result row of a work needs every row of a buffer."""
        units = self.job.buffers[buffer].units
        return _at_a_time(work, buffer) >= units or (work.at_once and buffer in work.operands)

    def _window(self, readers: Iterable[Work], buffer: int, stay: Stay) -> str:
        names = list(readers)
        most = max(names, key=lambda w: _at_a_time(w, buffer))
        span = max(self.job.places[stay.name].span, 1)
        rows = -(-_at_a_time(most, buffer) // span)
        if len(names) > 1 and rows < stay.capacity:
            return f"held until {self._name(names[-1].node)} after {self._name(names[0].node)} has read them"
        return f"{self._name(most.node)} needs {rows} at a time"

    def _barrier(self, reader: Work, buffer: int) -> str:
        """Which op between a tensor and its last reader lets nothing pass until it has seen all rows."""
        behind = self._ancestors(reader)
        after = [w for w in self.works.values() if w.node in behind and self._follows(w, buffer)]
        for work in sorted(after, key=lambda w: self.begins[w.node]):
            for b in work.operands:
                if self.job.buffers[b].units > 1 and self.needs_all(work, b) and work.node != reader.node:
                    name = self.job.buffers[b].name
                    return (
                        f", which waits for {self._name(work.node)}: it needs all rows of {self._value(name)}"
                    )
        return ""

    def _ancestors(self, work: Work) -> set[str]:
        found: set[str] = set()
        front = list(work.operands)
        seen: set[int] = set()
        while front:
            b = front.pop()
            if b in seen:
                continue
            seen.add(b)
            for w in self.job.writers[b]:
                found.add(self.job.works[w].node)
                front += self.job.works[w].operands
        return found

    def _follows(self, work: Work, buffer: int) -> bool:
        """Whether a work reads a buffer, or what is made of it."""
        ancestors = self._ancestors(work) | {work.node}
        return any(buffer in self.works[n].operands for n in ancestors if n in self.works)

    def _name(self, node: str) -> str:
        n = self.graph.node(node)
        return f"{(n.path or node).partition(';')[0]} ({n.op})"

    def _value(self, value: str) -> str:
        source = self.graph.producer(value)
        return (source.path or source.name).partition(";")[0] if source is not None else f"input {value}"
