"""The checker: replays a plan row by row and proves that no row is lost before its last reader.

It knows the graph, the ops' declarations and the plan, and shares no code with the planner. For
every byte of the arena it keeps which byte of which tensor lies there now. A step's reads and
writes are compared row by row, all rows of the step at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

import numpy as np

from edgec.diagnostics import Diagnostic
from edgec.ir import Graph, Node
from edgec.ops.base import Call, Rows, call_of, op_of
from edgec.schedule.plan import Plan, Step, Window

ALIGNMENT = 4
SCRATCH_ALIGNMENT = 8

_NOBODY, _SCRATCH = -1, -2
_NEVER = np.iinfo(np.int32).max


def check_plan(graph: Graph, plan: Plan) -> None:
    """Raises Diagnostic E502, which names node and row, unless the plan is safe.

    Safe: every row of every result is computed once, in order; when a row is computed all rows it
    needs are in the arena, and stay until no later row needs them; a row is written over one that it
    needs itself only where the op claims this; scratch is apart from all that is live; everything
    is inside the arena and aligned; the outputs are whole at the end.
    """
    _Replay(graph, plan).run()


@dataclass(frozen=True)
class _Tensor:
    """A value in the arena. Byte b of it has the number `base` + b; an alias has its operand's."""

    name: str
    rows: int
    row_bytes: int
    window: Window
    base: int

    def at(self, first: int, last: int) -> slice | np.ndarray:
        """Arena indices of the bytes of rows first .. last-1, in order."""
        w, n = self.window, self.row_bytes
        if w.pitch == n and last <= w.capacity:
            return slice(w.address + first * n, w.address + last * n)
        starts = w.address + np.arange(first, last) % w.capacity * w.pitch
        return (starts[:, None] + np.arange(n)).reshape(-1)

    def start(self, rows: np.ndarray) -> np.ndarray:
        """Arena index of the first byte of each row."""
        return self.window.address + rows % self.window.capacity * self.window.pitch

    def numbers(self, first: int, last: int) -> np.ndarray:
        """The numbers of the bytes of rows first .. last-1."""
        return np.arange(self.base + first * self.row_bytes, self.base + last * self.row_bytes)


@dataclass(frozen=True)
class _Facts:
    """What the op declares of a node."""

    call: Call
    rows: tuple[Rows | None, ...]
    overwrites: tuple[int, ...]
    scratch: int

    @staticmethod
    def of(graph: Graph, node: Node) -> _Facts:
        op, call = op_of(node), call_of(graph, node)
        claims = op.overwrites(call) if len(call.outs) == 1 else ()
        return _Facts(call, op.rows(call), claims, op.kernel(call).scratch)


class _Replay:
    def __init__(self, graph: Graph, plan: Plan) -> None:
        self.graph, self.plan = graph, plan
        self.nodes = {n.name: n for n in graph.nodes()}
        self.facts: dict[str, _Facts] = {}
        self.node: Node | None = None
        self.owner = np.full(plan.arena, _NOBODY, np.int64)
        self.written_at = np.full(plan.arena, _NEVER, np.int32)
        self.done: dict[str, int] = {}
        self.tensors: dict[str, _Tensor] = {}

    def run(self) -> None:
        self.declare()
        for v in self.graph.inputs:
            self.write(self.tensors[v], 0, self.tensors[v].rows)
        for v in self.graph.inputs:
            self.expect(self.tensors[v], 0, self.tensors[v].rows, "the caller writes it")
        for step in self.plan.steps:
            self.step(step)
        self.node = None
        for node in self.nodes.values():
            if not op_of(node).is_alias and self.done.get(node.name, 0) < (rows := self.rows_of(node)):
                self.node = node
                self.fail("a row is never computed", f"{self.done.get(node.name, 0)} of {rows}")
        for v in self.graph.outputs:
            if v in self.tensors:
                self.expect(self.tensors[v], 0, self.tensors[v].rows, "the caller reads it at the end")

    # -- windows ----------------------------------------------------------

    def declare(self) -> None:
        """Every activation has a window inside the arena; an alias has that of its operand."""
        base = 0
        producers = {v: node for node in self.nodes.values() for v in node.outputs}
        for v in [*self.graph.inputs, *producers]:
            self.node = producers.get(v)
            type = self.graph.type(v)
            if (window := self.plan.windows.get(v)) is None:
                self.fail(f"{v} has no window")
            self.window(v, window)
            tensor = _Tensor(v, type.rows, type.row_bytes, window, base)
            if self.node is not None and op_of(self.node).is_alias:
                tensor = self.alias(tensor, self.tensors[self.node.inputs[0]])
            self.tensors[v] = tensor
            base += type.bytes
        self.node = None
        for v in self.plan.windows:
            if v not in self.tensors:
                self.fail(f"there is a window for {v}, which is no activation")

    def window(self, v: str, w: Window) -> None:
        type = self.graph.type(v)
        if w.capacity < (type.rows > 0) or w.pitch < type.row_bytes:
            self.fail(f"the window of {v} does not hold a row", f"{w}")
        used = (min(w.capacity, type.rows) - 1) * w.pitch + type.row_bytes if type.rows else 0
        if w.address < 0 or w.address + used > self.plan.arena:
            self.fail(f"the window of {v} leaves the arena", f"{w}")
        if w.address % max(ALIGNMENT, type.dtype.bytes) or w.pitch % type.dtype.bytes:
            self.fail(f"the window of {v} is not aligned", f"{w}")
        if v in (*self.graph.inputs, *self.graph.outputs) and w.pitch != type.row_bytes:
            self.fail(f"{v} is an input or output and has gaps between rows", f"{w}")

    def alias(self, tensor: _Tensor, operand: _Tensor) -> _Tensor:
        mine, theirs = tensor.at(0, tensor.rows), operand.at(0, operand.rows)
        same = mine == theirs if isinstance(mine, slice) and isinstance(theirs, slice) else None
        if same is None:
            index = np.arange(self.plan.arena)
            same = np.array_equal(index[mine], index[theirs])
        if not same:
            self.fail(f"{tensor.name} is a view of {operand.name} and lies elsewhere")
        return _Tensor(tensor.name, tensor.rows, tensor.row_bytes, tensor.window, operand.base)

    # -- steps ------------------------------------------------------------

    def step(self, step: Step) -> None:
        self.node = None
        if step.node not in self.nodes:
            self.fail(f"a step for {step.node}, which is no node")
        self.node = node = self.nodes[step.node]
        if op_of(node).is_alias:
            self.fail("a step for a view, which computes nothing")
        total = self.rows_of(node)
        if step.first != self.done.get(node.name, 0) or not (step.first < step.last <= total or total == 0):
            self.fail("rows are not computed once and in order", f"{step.first} .. {step.last - 1}")
        self.done[node.name] = step.last
        if node.name not in self.facts:
            self.facts[node.name] = _Facts.of(self.graph, node)
        facts = self.facts[node.name]
        results = [self.tensors[v] for v in node.outputs]
        touched = [self.mark(t, total, step) for t in results]
        scratch = self.scratch(node, facts.scratch)
        for k in facts.call.activations:
            self.read(facts, k, step)
        for at in touched:
            self.written_at[at] = _NEVER
        self.written_at[scratch] = _NEVER
        self.owner[scratch] = _SCRATCH
        for tensor in results:
            self.write(tensor, *_block(tensor, total, step))
        if len(results) > 1:
            for tensor in results:
                first, last = _block(tensor, total, step)
                first = max(first, last - tensor.window.capacity)
                self.expect(tensor, first, last, "the same step has another result")

    def mark(self, tensor: _Tensor, total: int, step: Step) -> slice | np.ndarray:
        """Note for every byte that the step writes to this result the output row that is first to do so."""
        first, last = _block(tensor, total, step)
        at = tensor.at(first, last)
        if tensor.rows == total:
            row = np.repeat(np.arange(first, last, dtype=np.int32), tensor.row_bytes)
        else:
            row = np.full((last - first) * tensor.row_bytes, step.first, np.int32)
        # A ring may be written twice in a step: backwards, so that the first to write stays.
        self.written_at[at if isinstance(at, slice) else at[::-1]] = (
            row if isinstance(at, slice) else row[::-1]
        )
        return at

    def scratch(self, node: Node, needed: int) -> slice:
        """The node's scratch, marked as written before the first row."""
        address, size = self.plan.scratch.get(node.name, (0, 0))
        if size < needed:
            self.fail("the scratch is too small", f"{size} B of {needed} B")
        if address % SCRATCH_ALIGNMENT:
            self.fail("the scratch is not aligned", f"at {address}")
        if address < 0 or address + size > self.plan.arena:
            self.fail("the scratch leaves the arena", f"{address} .. {address + size}")
        span = slice(address, address + size)
        if np.any(self.written_at[span] != _NEVER):
            row = int(self.written_at[span].min())
            self.fail("the scratch overlaps the result", f"row {row}")
        self.written_at[span] = -1
        return span

    def read(self, facts: _Facts, k: int, step: Step) -> None:
        """All rows that the step needs of operand k are there, and last as long as they are needed."""
        assert self.node is not None
        tensor = self.tensors[self.node.inputs[k]]
        rows = facts.rows[k] or Rows.all(self.rows_of(self.node), tensor.rows)
        last_user = np.full(tensor.rows, -1, np.int32)
        for i in range(step.first, step.last):
            if rows.first[i] <= rows.last[i]:
                if rows.first[i] < 0 or rows.last[i] >= tensor.rows:
                    self.fail(f"the op asks for rows of operand {k} that do not exist", f"row {i}")
                last_user[rows.first[i] : rows.last[i] + 1] = i
        needed = np.flatnonzero(last_user >= 0)
        if not needed.size:
            return
        first, last = int(needed[0]), int(needed[-1]) + 1
        user = np.repeat(last_user[first:last], tensor.row_bytes)
        at = tensor.at(first, last)
        intact = (self.owner[at] == tensor.numbers(first, last)) | (user < 0)
        if not intact.all():
            self.lost(
                tensor, first * tensor.row_bytes + int(np.argmin(intact)), f"operand {k} of {self.node.name}"
            )
        written = self.written_at[at]
        bad = written < user
        over = (written == user) & (user >= 0)
        if over.any():
            own = np.unique(written[over])
            bad |= over & ~np.isin(written, own[self.claimed(facts, k, tensor, own)])
        if bad.any():
            byte = int(np.argmax(bad))
            by = "scratch" if written[byte] < 0 else f"result row {written[byte]}"
            what = f"{by} is written over row {first + byte // tensor.row_bytes} of {tensor.name}"
            self.fail(f"{what}, which row {user[byte]} needs", f"row {max(0, int(written[byte]))}")

    def claimed(self, facts: _Facts, k: int, operand: _Tensor, rows: np.ndarray) -> np.ndarray:
        """Which result rows may, by the op's claim, lie over rows of operand k that they need themselves."""
        assert self.node is not None
        if k not in facts.overwrites:
            return np.zeros(rows.shape, bool)
        result = self.tensors[self.node.outputs[0]]
        a, y = operand.start(rows), result.start(rows)
        return (rows < operand.rows) & (y <= a) & (y + result.row_bytes <= a + operand.row_bytes)

    # -- the map ----------------------------------------------------------

    def write(self, tensor: _Tensor, first: int, last: int) -> None:
        self.owner[tensor.at(first, last)] = tensor.numbers(first, last)

    def expect(self, tensor: _Tensor, first: int, last: int, why: str) -> None:
        intact = self.owner[tensor.at(first, last)] == tensor.numbers(first, last)
        if not intact.all():
            self.lost(tensor, first * tensor.row_bytes + int(np.argmin(intact)), why)

    def lost(self, tensor: _Tensor, byte: int, why: str) -> NoReturn:
        """Fail because a byte of a tensor is not where it has to be; say what is there."""
        row = byte // tensor.row_bytes
        index = np.arange(self.plan.arena)[tensor.at(row, row + 1)][byte % tensor.row_bytes]
        number = int(self.owner[index])
        there = {_NOBODY: "nothing was written there", _SCRATCH: "scratch was written over it"}.get(number)
        if there is None:
            other = max((t for t in self.tensors.values() if t.base <= number), key=lambda t: t.base)
            there = f"row {(number - other.base) // other.row_bytes} of {other.name} is there"
        self.fail(f"row {row} of {tensor.name} is needed ({why}), but {there}", f"row {row}")

    def rows_of(self, node: Node) -> int:
        return self.graph.type(node.outputs[0]).rows

    def fail(self, title: str, detail: str = "") -> NoReturn:
        where = f"{self.node.path or self.node.name} ({self.node.op})" if self.node else self.graph.name
        raise Diagnostic(
            "E502",
            f"plan rejected by the checker: {title}",
            where=where,
            facts=[("at", detail)] if detail else [],
            remedies=["report this model: the planner and its checker disagree"],
        )


def _block(tensor: _Tensor, total: int, step: Step) -> tuple[int, int]:
    """The rows of a result that a step writes. One with other rows than the first result is written whole."""
    return (step.first, step.last) if tensor.rows == total else (0, tensor.rows)
