"""Where the checker finds the bytes of every value: windows, and values that lie in each other.

Every byte of every value has a number, and bytes that two values share have one: an alias has its
operand's numbers, the operands of a join have those of the result. Numbers run on along a row, and from
row to row as far as the slots of the window lie apart. So the difference between a byte's number and its
address is the same for all rows that lie in a row: that difference is what is kept for every byte of the
arena, and a whole block of rows is compared with one number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import NoReturn

import numpy as np

from edgec.ir import Graph, Node
from edgec.ops.base import call_of, op_of
from edgec.schedule.plan import Window

ALIGNMENT = 4

Fail = Callable[[Node | None, str, str], NoReturn]


@dataclass
class Tensor:
    """A value in the arena: row r in slot r mod capacity, `pitch` bytes from slot to slot.

    slots: where each row has a place of its own, how far behind `address` that is. Byte b of row r has the
    number base + r * stride + b.
    """

    name: str
    rows: int
    row_bytes: int
    address: int
    pitch: int
    capacity: int
    slots: tuple[int, ...] = ()
    stride: int = 0
    base: int = 0

    @staticmethod
    def of(graph: Graph, name: str, w: Window) -> Tensor:
        """With no more slots than rows, and the pitch of a single slot being that of a row."""
        type = graph.type(name)
        capacity = max(min(w.capacity, type.rows), 1)
        pitch = w.pitch if capacity > 1 else type.row_bytes
        return Tensor(name, type.rows, type.row_bytes, w.address, pitch, capacity, w.slots)

    def start(self, row: int) -> int:
        """Address of a row."""
        if self.slots:
            return self.address + self.slots[row]
        return self.address + row % self.capacity * self.pitch

    def held(self, first: int, last: int) -> range:
        """Those of rows first .. last-1, written one after the other, that are still there after the last."""
        return range(first if self.slots else max(first, last - self.capacity), last)

    def together(self, first: int, last: int, block: int) -> bool:
        """Whether rows of a block, of those that one step writes, have bytes of their own.

        Where each row has a place of its own, whether all of the step have.
        """
        if not self.slots:
            return self.capacity >= min(block, last - first, self.rows)
        starts = sorted(self.slots[first:last])
        return all(b - a >= self.row_bytes for a, b in pairwise(starts))

    def key(self, row: int) -> int:
        """What every byte of the row has in the map: its number less its address."""
        return self.base + row * self.stride - self.start(row)

    def runs(self, first: int, last: int) -> Iterator[tuple[int, int, int]]:
        """Rows first .. last-1 in blocks that lie in a row: (first row, address, rows)."""
        if self.slots:
            yield from ((row, self.start(row), 1) for row in range(first, last))
            return
        while first < last:
            slot = first % self.capacity
            count = min(last - first, self.capacity - slot)
            yield first, self.address + slot * self.pitch, count
            first += count

    def spans(self, first: int, last: int) -> list[tuple[int, int]]:
        """The addresses between which rows first .. last-1 lie, gaps between rows included: (begin, end)."""
        if first >= last:
            return []
        if self.slots:
            return [(at, at + self.row_bytes) for _, at, _ in self.runs(first, last)]
        if last - first >= self.capacity:
            first, last = 0, self.capacity
        beyond = self.row_bytes - self.pitch
        return [(at, at + n * self.pitch + beyond) for _, at, n in self.runs(first, last)]

    def places(self) -> np.ndarray:
        """The address of every byte, in order."""
        starts = np.array([self.start(row) for row in range(self.rows)])
        return (starts[:, None] + np.arange(self.row_bytes)).reshape(-1)


def inner_of(graph: Graph) -> set[str]:
    """Values that begin inside the rows of another one: aligned as their elements, no more."""
    found: set[str] = set()
    for node in graph.nodes():
        op = op_of(node)
        if op.is_join:
            found.update(node.inputs)
        elif op.is_alias and (op.offset(call_of(graph, node), 0) or node.inputs[0] in found):
            found.update(node.outputs)
    return found


@dataclass(frozen=True)
class _Link:
    """Two values that share bytes. offset: where in each row of `whole` that of `part` begins, None where
    both have all bytes, under shapes of different rows."""

    node: Node
    whole: Tensor
    part: Tensor
    offset: int | None


def tensors_of(graph: Graph, windows: dict[str, Tensor], fail: Fail) -> int:
    """Number all bytes; returns how many numbers there are. Fails where values do not lie as they have to."""
    links = list(_links(graph, windows, fail))
    rigid: dict[str, list[tuple[Tensor, int]]] = {v: [] for v in windows}
    for x in links:
        if x.offset is not None:
            rigid[x.whole.name].append((x.part, x.offset))
            rigid[x.part.name].append((x.whole, -x.offset))
    group: dict[str, int] = {}
    members: list[list[Tensor]] = []
    for v, tensor in windows.items():
        if v not in group:
            members.append(_aligned(tensor, rigid, group, len(members)))
    loose = [x for x in links if x.offset is None]
    for x in loose:
        if x.whole.stride != x.whole.row_bytes or x.part.stride != x.part.row_bytes:
            _elsewhere(x, fail)
    _level(loose, group, members)
    for x in links:
        if x.part.base != x.whole.base + (x.offset or 0):
            _elsewhere(x, fail)
    return _apart(loose, group, members)


def _links(graph: Graph, windows: dict[str, Tensor], fail: Fail) -> Iterator[_Link]:
    for node in graph.nodes():
        op = op_of(node)
        if not (op.is_alias or op.is_join):
            continue
        call, result = call_of(graph, node), windows[node.outputs[0]]
        for k, v in enumerate(node.inputs[:1] if op.is_alias else node.inputs):
            if v not in windows:
                fail(node, f"{v}, a constant, would have to lie in the arena", "")
            whole, part = (windows[v], result) if op.is_alias else (result, windows[v])
            offset = op.offset(call, k)
            if offset is None and whole.row_bytes == part.row_bytes:
                offset = 0
            link = _Link(node, whole, part, offset)
            if not _lies_right(link):
                _elsewhere(link, fail)
            yield link


def _lies_right(x: _Link) -> bool:
    if x.offset is None:
        return np.array_equal(x.whole.places(), x.part.places())
    same = (x.whole.rows, x.whole.capacity, x.whole.slots) == (x.part.rows, x.part.capacity, x.part.slots)
    pitch = x.whole.pitch == x.part.pitch or x.whole.capacity == 1
    inside = 0 <= x.offset <= x.whole.row_bytes - x.part.row_bytes
    return same and pitch and inside and x.part.address == x.whole.address + x.offset


def _aligned(
    root: Tensor, rigid: dict[str, list[tuple[Tensor, int]]], group: dict[str, int], number: int
) -> list[Tensor]:
    """All values that lie row by row in each other with `root`, numbered from it."""
    found, group[root.name] = [root], number
    for tensor in found:
        for other, offset in rigid[tensor.name]:
            if other.name not in group:
                group[other.name] = number
                other.base = tensor.base + offset
                found.append(other)
    extent = max(t.base + t.row_bytes for t in found) - min(t.base for t in found)
    for tensor in found:
        tensor.stride = tensor.pitch if tensor.capacity > 1 and not tensor.slots else extent
    return found


def _level(loose: list[_Link], group: dict[str, int], members: list[list[Tensor]]) -> None:
    """Give the groups that a loose link joins the same numbers."""
    settled: set[int] = set()
    near: dict[int, list[tuple[Tensor, Tensor]]] = {}
    for x in loose:
        near.setdefault(group[x.whole.name], []).append((x.whole, x.part))
        near.setdefault(group[x.part.name], []).append((x.part, x.whole))
    for start in near:
        queue = [] if start in settled else [start]
        settled.add(start)
        for g in queue:
            for mine, theirs in near[g]:
                other = group[theirs.name]
                if other in settled:
                    continue
                settled.add(other)
                queue.append(other)
                by = mine.base - theirs.base
                for tensor in members[other]:
                    tensor.base += by


def _apart(loose: list[_Link], group: dict[str, int], members: list[list[Tensor]]) -> int:
    """Move groups that share nothing to numbers of their own, from 0 on."""
    union = list(range(len(members)))

    def top(g: int) -> int:
        while union[g] != g:
            g = union[g]
        return g

    for x in loose:
        union[top(group[x.whole.name])] = top(group[x.part.name])
    families: dict[int, list[Tensor]] = {}
    for g, tensors in enumerate(members):
        families.setdefault(top(g), []).extend(tensors)
    total = 0
    for tensors in families.values():
        low = min(t.base for t in tensors)
        high = max(t.base + max(t.rows - 1, 0) * t.stride + t.row_bytes for t in tensors)
        for t in tensors:
            t.base += total - low
        total += high - low
    return total


def _elsewhere(x: _Link, fail: Fail) -> NoReturn:
    kind = "view" if op_of(x.node).is_alias else "part"
    fail(x.node, f"{x.part.name} is a {kind} of {x.whole.name} and lies elsewhere", "")
