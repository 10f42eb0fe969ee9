"""The memory timeline: which rows of which tensor lie where, from which step to which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from edgec.ir import Graph
from edgec.schedule.plan import Feed, Plan, Step, Window
from edgec.schedule.work import Buffer, Job, Work, job_of

Kind = Literal["input", "output", "tensor", "window", "scratch"]


@dataclass(frozen=True)
class Part:
    """Bytes that are in use in steps first .. last, both included: rows that are born and die together, or
    a ring while it holds anything."""

    address: int
    bytes: int
    first: int
    last: int


@dataclass(frozen=True)
class Stay:
    """A tensor, with all its views, or a node's scratch in the arena.

    name: of the value; of the node whose scratch it is. path: the user's module path of the layer that
    computes it, the name where there is none. kind: "window" is a ring of `capacity` of `rows` rows;
    inputs and outputs may be rings too. first, last: steps, both included; -1 is before the first step,
    the number of steps is after the last. parts: in order of `first`; between them the bytes are free.
    """

    name: str
    path: str
    kind: Kind
    address: int
    bytes: int
    first: int
    last: int
    rows: int
    capacity: int
    parts: tuple[Part, ...]
    values: tuple[str, ...] = ()
    """All values that lie in it: of views, and of rows side by side, too."""

    @property
    def title(self) -> str:
        """How a reader is told of it: "features.3, 3 of 96 rows"."""
        if self.kind == "scratch":
            return f"scratch of {self.layer}"
        window = f", {self.capacity} of {self.rows} rows" if self.capacity < self.rows else ""
        return f"{f'{self.kind} {self.name}' if self.kind in ('input', 'output') else self.layer}{window}"

    @property
    def layer(self) -> str:
        """The path; of TFLite's joined names ("a;b;c") the first."""
        return self.path.partition(";")[0]


def timeline(graph: Graph, plan: Plan) -> list[Stay]:
    """Everything that lies in the arena, in order of its first step.

    A row lives from the step that writes it to the last that reads it; one that is computed again
    lives again. A ring is in use from end to end while it holds anything.
    """
    job = job_of(graph, stream=True)
    fed = {s.value for s in plan.steps if isinstance(s, Feed)}
    lives = _replay(job, plan, [v for v in graph.inputs if v not in fed])
    found = []
    for buffer, held in zip(job.buffers, lives, strict=True):
        if held is not None:
            found.append(_stay(graph, plan, job, buffer, held))
    found += _scratch(graph, plan)
    return sorted(found, key=lambda s: (s.first, s.address, s.last, s.name))


# -- lives of rows --------------------------------------------------------


@dataclass(frozen=True)
class _Lives:
    """Units of a buffer, each with the first and the last step of its life."""

    unit: np.ndarray
    first: np.ndarray
    last: np.ndarray


class _Held:
    """A buffer while the plan is replayed: since when each unit lives, and until when it is known to."""

    def __init__(self, buffer: Buffer) -> None:
        self.first = np.full(buffer.units, -2, np.int64)
        self.last = np.full(buffer.units, -2, np.int64)
        self.gone: list[_Lives] = []

    def write(self, begin: int, end: int, at: int, *, again: bool) -> None:
        """Units begin .. end-1 are written. again: as they were before by the same work."""
        first, last = self.first[begin:end], self.last[begin:end]
        if again:
            unit = begin + np.flatnonzero(first > -2)
            self.gone.append(_Lives(unit, self.first[unit], self.last[unit]))
            first[:] = at
        first[first == -2] = at
        last[:] = at

    def lives(self) -> _Lives | None:
        """All lives; None where nothing was ever there."""
        unit = np.flatnonzero(self.first > -2)
        every = [*self.gone, _Lives(unit, self.first[unit], self.last[unit])]
        found = _Lives(*(np.concatenate([getattr(x, k) for x in every]) for k in ("unit", "first", "last")))
        return found if found.unit.size else None


def _replay(job: Job, plan: Plan, whole: Sequence[str]) -> list[_Lives | None]:
    """Per buffer the lives of its units. whole: inputs that are there before the first step."""
    held = [_Held(b) for b in job.buffers]
    for v in whole:
        b = job.places[v].buffer
        held[b].write(0, job.buffers[b].units, -1, again=False)
    works = {(w.feeds, w.node): w for w in job.works}
    reads = {
        id(w): [(r.place.buffer, r.first.tolist(), r.last.tolist()) for r in w.reads] for w in works.values()
    }
    done: dict[int, int] = {}
    for at, step in enumerate(plan.steps):
        work = works[isinstance(step, Feed), _name(step)]
        for b, first, last in reads[id(work)]:
            until = held[b].last
            for span in dict.fromkeys(
                zip(first[step.first : step.last], last[step.first : step.last], strict=True)
            ):
                until[span[0] : span[1] + 1] = at
        again = step.first < done.get(id(work), 0)
        done[id(work)] = max(done.get(id(work), 0), step.last)
        _write(job, held, work, step, at, again=again)
    for b in job.outputs:
        held[b].last[held[b].first > -2] = len(plan.steps)
    return [h.lives() for h in held]


def _write(job: Job, held: Sequence[_Held], work: Work, step: Step | Feed, at: int, *, again: bool) -> None:
    for place in work.writes:
        begin, end = step.first * place.span, step.last * place.span
        if place.rows != work.rows or not place.span:
            begin, end = 0, job.buffers[place.buffer].units
        if work.carries and begin:
            held[place.buffer].last[begin - place.span : begin] = at
        # Of a row that several works write, side by side, it cannot be told which of them begins it anew.
        alone = len(job.writers[place.buffer]) == 1
        held[place.buffer].write(begin, end, at, again=again and alone and bool(place.span))


def _name(step: Step | Feed) -> str:
    return step.value if isinstance(step, Feed) else step.node


# -- where they lie -------------------------------------------------------


def _stay(graph: Graph, plan: Plan, job: Job, buffer: Buffer, lives: _Lives) -> Stay:
    window, type = plan.windows[buffer.name], graph.type(buffer.name)
    source = graph.producer(buffer.name)
    kind: Kind = "tensor" if window.capacity >= type.rows else "window"
    if buffer.name in graph.inputs:
        kind = "input"
    elif any(v in graph.outputs for v in buffer.values):
        kind = "output"
    if window.slots:
        parts = _scattered(window, lives)
    elif window.capacity < type.rows:
        parts = _ring(window, lives)
    else:
        parts = _whole(window, buffer, job.places[buffer.name].span, lives)
    return Stay(
        buffer.name,
        source.path if source is not None else buffer.name,
        kind,
        window.address,
        window.bytes,
        min(p.first for p in parts),
        max(p.last for p in parts),
        type.rows,
        window.capacity,
        tuple(sorted(parts, key=lambda p: (p.first, p.address, p.last))),
        buffer.values,
    )


def _ring(window: Window, lives: _Lives) -> list[Part]:
    """The stretches in which the ring holds anything."""
    order = np.argsort(lives.first, kind="stable")
    first, last = lives.first[order], np.maximum.accumulate(lives.last[order])
    cut = np.flatnonzero(first[1:] > last[:-1] + 1)
    begins, ends = first[np.append(0, cut + 1)], last[np.append(cut, len(last) - 1)]
    return [Part(window.address, window.bytes, int(a), int(b)) for a, b in zip(begins, ends, strict=True)]


def _scattered(window: Window, lives: _Lives) -> list[Part]:
    """Every row by itself."""
    return [
        Part(window.at(int(unit)), window.pitch, int(first), int(last))
        for unit, first, last in zip(lives.unit, lives.first, lives.last, strict=True)
    ]


def _whole(window: Window, buffer: Buffer, span: int, lives: _Lives) -> list[Part]:
    """Neighbouring units that are born and die together, as one part. span: units of a row."""
    padded = window.pitch - span * buffer.unit if span else 0
    other = (np.diff(lives.unit) != 1) | (np.diff(lives.first) != 0) | (np.diff(lives.last) != 0)
    if padded:
        other |= lives.unit[1:] % span == 0
    cut = np.flatnonzero(other)
    begins, ends = np.append(0, cut + 1), np.append(cut, len(lives.unit) - 1)
    return [
        Part(
            window.address
            + int(lives.unit[a]) * buffer.unit
            + (int(lives.unit[a]) // span * padded if padded else 0),
            int(lives.unit[b] - lives.unit[a] + 1) * buffer.unit,
            int(lives.first[a]),
            int(lives.last[a]),
        )
        for a, b in zip(begins, ends, strict=True)
    ]


def _scratch(graph: Graph, plan: Plan) -> list[Stay]:
    """Scratch is in use in the steps of its node."""
    runs: dict[str, list[list[int]]] = {}
    for at, step in enumerate(plan.steps):
        if isinstance(step, Step) and step.node in plan.scratch:
            mine = runs.setdefault(step.node, [])
            if mine and mine[-1][1] == at - 1:
                mine[-1][1] = at
            else:
                mine.append([at, at])
    found = []
    for node, mine in runs.items():
        address, size = plan.scratch[node]
        parts = tuple(Part(address, size, a, b) for a, b in mine)
        path = graph.node(node).path or node
        found.append(Stay(node, path, "scratch", address, size, parts[0].first, parts[-1].last, 1, 1, parts))
    return found
