"""The graph as the scheduler sees it: buffers of rows, and works that read and write their rows."""

from __future__ import annotations

import math
from collections.abc import Container, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from edgec.ir import Graph, GraphError, Node
from edgec.ops.base import Call, Op, Rows, call_of, op_of
from edgec.ops.kernel import Kernel
from edgec.schedule.recall import number

ALIGN = 4
"""Every window begins at a multiple of it: what int16 and int32 kernels need. An int8 tensor could do with
less, but one rule for all keeps word loads aligned, and costs at most 3 bytes a tensor."""
SCRATCH_ALIGN = 8
_UNITS = 1 << 16
"""A buffer of more units than these is taken as one."""


@dataclass(frozen=True)
class Buffer:
    """Bytes in the arena, in equal units. Several values share one where alias ops relate them.

    unit: bytes of the shortest row of any of the values. multiple: a window holds a multiple of so many
    units, for a longer row not to be torn.
    """

    name: str
    values: tuple[str, ...]
    unit: int
    units: int
    multiple: int = 1
    align: int = ALIGN

    @property
    def bytes(self) -> int:
        """Bytes of all units, rounded up so that buffers packed back to back stay aligned."""
        return up(self.unit * self.units)


@dataclass(frozen=True)
class Place:
    """Where the rows of a value lie in its buffer: row i in units i*span .. (i+1)*span-1.

    span 0: the buffer is one unit, which holds all rows. offset: bytes before the row in its first unit.
    bytes: of a row.
    """

    buffer: int
    rows: int
    span: int
    offset: int
    bytes: int

    def units(self, first: np.ndarray, last: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The first and the last unit of rows first .. last; 1, 0 where there are none."""
        none = first > last
        lo, hi = first * self.span, (last + 1) * self.span - 1 if self.span else last * 0
        return np.where(none, 1, lo), np.where(none, 0, hi)


@dataclass(frozen=True)
class Read:
    """One operand of a work: output row i reads units first[i] .. last[i], none where first > last.

    claimed: output row i may be laid over row i of `place`, which it needs (`Op.overwrites`).
    """

    place: Place
    first: np.ndarray
    last: np.ndarray
    claimed: bool

    @cached_property
    def final(self) -> tuple[np.ndarray, np.ndarray] | None:
        """The units that are read, and the last row that reads each; None unless rows only move on."""
        rows = np.flatnonzero(self.first <= self.last)
        first, last = self.first[rows], self.last[rows]
        if (np.diff(first) < 0).any() or (np.diff(last) < 0).any():
            return None
        units = np.arange(int(last.max(initial=-1)) + 1)
        reader = np.searchsorted(first, units, "right") - 1
        is_read = (reader >= 0) & (last[reader] >= units) if rows.size else units > 0
        return units[is_read], rows[reader[is_read]]


@dataclass(frozen=True)
class Work:
    """One kernel, or the arrival of an input's rows (which reads nothing).

    node: its name, or the input's. rows: of the result. scratch: bytes, rounded up to ALIGN. carries: row i
    reads row i-1 of the result. at_once: all rows are computed in one call. again: rows are computed anew
    for every row of the reader, if there is one reader only. block: rows that are computed in one step where
    there are so many, with one pass over the constants of `kernel`, which an arrival has not.
    """

    node: str
    rows: int
    reads: tuple[Read, ...]
    writes: tuple[Place, ...]
    scratch: int = 0
    carries: bool = False
    at_once: bool = False
    again: bool = False
    feeds: bool = False
    block: int = 1
    kernel: Kernel | None = None

    @property
    def step(self) -> int:
        """Rows that are computed together: all of them, or a block."""
        return self.rows if self.at_once else self.block

    @cached_property
    def operands(self) -> tuple[int, ...]:
        """The buffers it reads, each once."""
        return tuple(dict.fromkeys(r.place.buffer for r in self.reads))

    @cached_property
    def results(self) -> tuple[int, ...]:
        """The buffers it writes, each once."""
        return tuple(dict.fromkeys(p.buffer for p in self.writes))


@dataclass(frozen=True, eq=False)
class Job:
    """All there is to schedule: works in the graph's own topological order, streamed inputs first.

    places: of every activation value. inputs: buffers that are full before the first step. outputs: buffers
    that are whole in the end.
    """

    buffers: tuple[Buffer, ...]
    works: tuple[Work, ...]
    places: Mapping[str, Place]
    inputs: frozenset[int]
    outputs: frozenset[int]

    @cached_property
    def overlaps(self) -> dict[tuple[int, int, int], int]:
        """What `bound.overlap` has found: (work, operand, result) -> bytes."""
        return {}

    @cached_property
    def writers(self) -> list[list[int]]:
        """Per buffer: the works that write it; several where it is a join."""
        found: list[list[int]] = [[] for _ in self.buffers]
        for w, work in enumerate(self.works):
            for b in work.results:
                found[b].append(w)
        return found

    @cached_property
    def before(self) -> list[frozenset[int]]:
        """Per work: the works whose results it reads."""
        return [frozenset(p for b in w.operands for p in self.writers[b]) for w in self.works]

    @cached_property
    def readers(self) -> list[frozenset[int]]:
        """Per buffer: the works that read it."""
        found: list[set[int]] = [set() for _ in self.buffers]
        for w, work in enumerate(self.works):
            for b in work.operands:
                found[b].add(w)
        return [frozenset(r) for r in found]

    @cached_property
    def needs(self) -> list[list[tuple[int, list[int]]]]:
        """Per work: (producer, rows) for every producer; rows[i]: how many rows of it row i wants done."""
        found: list[list[tuple[int, list[int]]]] = []
        for work in self.works:
            wants: dict[int, np.ndarray] = {}
            for read in work.reads:
                for p in self.writers[read.place.buffer]:
                    span = next(x.span for x in self.works[p].writes if x.buffer == read.place.buffer)
                    done = read.last // span + 1 if span else np.full(work.rows, self.works[p].rows)
                    rows = np.where(read.first <= read.last, done, 0)
                    rows = np.maximum.accumulate(rows) if rows.size else rows
                    wants[p] = np.maximum(wants[p], rows) if p in wants else rows
            found.append([(p, rows.tolist()) for p, rows in wants.items()])
        return found

    @cached_property
    def anew(self) -> list[list[tuple[int, list[int], list[int]]]]:
        """Per work: (producer, first row, last row + 1) of what is computed anew for each of its rows."""
        found: list[list[tuple[int, list[int], list[int]]]] = []
        for work in self.works:
            mine = []
            for read in work.reads:
                b = read.place.buffer
                p = self.writers[b][0] if self.writers[b] else -1
                if p >= 0 and self.works[p].again and len(self.readers[b]) == 1 and b not in self.outputs:
                    span = self.works[p].writes[0].span
                    if span and self.buffers[b].multiple == 1:
                        ends = np.where(read.first <= read.last, read.last // span + 1, 0)
                        mine.append((p, (read.first // span).tolist(), ends.tolist()))
            found.append(mine)
        return found

    @cached_property
    def numbered(self) -> list[tuple[list[tuple[int, int]], list[tuple[int, int]]]]:
        """Per work `needs` and `anew`, with a number for the rows that is equal where they are."""
        return [
            (
                [(p, number(tuple(rows))) for p, rows in needs],
                [(p, number((tuple(firsts), tuple(ends)))) for p, firsts, ends in anew],
            )
            for needs, anew in zip(self.needs, self.anew, strict=True)
        ]

    def waits(self, w: int) -> list[int]:
        """The works all of whose rows the first row of work w needs, if that is more than one."""
        return [p for p, need in self.needs[w] if need and need[0] >= self.works[p].rows > 1]


def up(size: int, align: int = ALIGN) -> int:
    """The next multiple of `align`."""
    return -(-size // align) * align


def calls_of(graph: Graph) -> dict[str, tuple[Call, Kernel]]:
    """The call and the kernel of every node that has one, by node."""
    found = {}
    for node in graph.nodes():
        if not _is_free(op := op_of(node)):
            call = call_of(graph, node)
            found[node.name] = call, op.kernel(call)
    return found


def job_of(
    graph: Graph,
    calls: Mapping[str, tuple[Call, Kernel]] | None = None,
    *,
    stream: bool = False,
    claims: bool = True,
    again: Container[str] = (),
) -> Job:
    """The scheduling problem of an integer graph.

    calls: what `calls_of` gives, where it is known. stream: inputs arrive row by row. claims: whether
    results may be laid over operand rows that they need themselves although kernels then copy rows. again:
    nodes whose rows are computed anew for every row that reads them. Raises GraphError where a view of a
    constant was not folded.
    """
    buffers, places = _buffers(graph)
    works = [_feed(v, places[v]) for v in graph.inputs] if stream else []
    works += [
        _work(graph.node(name), call, kernel, places, claims, name in again)
        for name, (call, kernel) in (calls or calls_of(graph)).items()
    ]
    inputs = frozenset() if stream else frozenset(places[v].buffer for v in graph.inputs)
    outputs = frozenset(places[v].buffer for v in graph.outputs if v in places)
    return Job(tuple(buffers), tuple(works), places, inputs, outputs)


def _is_free(op: Op) -> bool:
    return op.is_alias or op.is_join


# -- buffers --------------------------------------------------------------


def _buffers(graph: Graph) -> tuple[list[Buffer], dict[str, Place]]:
    """The buffers, and the place of every activation."""
    root = {v: (v, 0) for v in graph.inputs}
    for node in graph.nodes():
        op, call = op_of(node), None
        for v in node.outputs:
            root[v] = (v, 0)
        if op.is_alias:
            source = node.inputs[0]
            if source not in root:
                raise GraphError(f"{node.name} ({node.op}): a view of a constant has to be folded")
            call = call_of(graph, node)
            base, at = root[source]
            root[node.outputs[0]] = (base, at + (op.offset(call, 0) or 0))
        elif op.is_join:
            call = call_of(graph, node)
            into = node.outputs[0]
            for k, v in enumerate(node.inputs):
                old, shift = root[v][0], (op.offset(call, k) or 0) - root[v][1]
                for x, (base, at) in list(root.items()):
                    if base == old:
                        root[x] = (into, at + shift)
    groups: dict[str, list[str]] = {}
    for v, (base, _) in root.items():
        groups.setdefault(base, []).append(v)
    buffers: list[Buffer] = []
    places: dict[str, Place] = {}
    for base, values in groups.items():
        buffer = _buffer(graph, base, values, {v: root[v][1] for v in values})
        for v in values:
            type = graph.type(v)
            row = graph.type(base).row_bytes if _is_part(graph, base, v) else type.row_bytes
            span = row // buffer.unit if buffer.unit else 0
            places[v] = Place(len(buffers), type.rows, span, root[v][1], type.row_bytes)
        buffers.append(buffer)
    return buffers, places


def _is_part(graph: Graph, base: str, v: str) -> bool:
    """Whether the rows of v are parts of those of base."""
    return graph.type(v).bytes < graph.type(base).bytes


def _buffer(graph: Graph, base: str, values: list[str], offsets: Mapping[str, int]) -> Buffer:
    types = [graph.type(v) for v in values if not _is_part(graph, base, v)]
    size, rows = types[0].bytes, [t.row_bytes for t in types]
    align = max(ALIGN, *(graph.type(v).dtype.bytes for v in values))
    unit = min(rows)
    if not size:
        return Buffer(base, tuple(values), 0, 0, 1, align)
    if any(r % unit for r in rows) or size // unit > _UNITS:
        return Buffer(base, tuple(values), size, 1, 1, align)
    return Buffer(base, tuple(values), unit, size // unit, math.lcm(*(r // unit for r in rows)), align)


# -- works ----------------------------------------------------------------


def _feed(value: str, place: Place) -> Work:
    return Work(value, place.rows, (), (place,), feeds=True)


def _work(
    node: Node, call: Call, kernel: Kernel, places: Mapping[str, Place], claims: bool, again: bool
) -> Work:
    op = op_of(node)
    declared = op.rows(call)
    rows = call.outs[0].rows
    writes = tuple(places[v] for v in node.outputs)
    may: tuple[int, ...] = ()
    # Laid apart, the result begins a row in front of its operand: in place costs a copy, and saves that row.
    if len(call.outs) == 1 and (not kernel.copies or (claims and kernel.copies < call.outs[0].row_bytes)):
        may = op.overwrites(call)
    reads = []
    for k in call.activations:
        place = places[node.inputs[k]]
        wanted = declared[k] or Rows.all(rows, call.ins[k].rows)
        reads.append(Read(place, *place.units(wanted.first, wanted.last), claimed=k in may))
    return Work(
        node.name,
        rows,
        tuple(reads),
        writes,
        up(kernel.scratch + (kernel.copies if may else 0)),
        op.carries(call),
        kernel.at_once or any(p.rows != rows for p in writes),
        again and len(writes) == 1,
        block=max(min(kernel.block, rows), 1),
        kernel=kernel,
    )
