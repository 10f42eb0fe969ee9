"""The checker: replays a plan row by row and proves that no row is lost before its last reader.

It knows the graph, the ops' declarations and the plan, and shares no code with the planner. For
every byte of the arena it keeps which byte of which value lies there now (check_places.py). A step of
many rows is replayed at once where nothing that it writes touches what it reads, else row by row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

import numpy as np

from edgec.diagnostics import Diagnostic
from edgec.ir import Graph, Node
from edgec.ops.base import Rows, call_of, op_of
from edgec.schedule.check_places import ALIGNMENT, Tensor, inner_of, tensors_of
from edgec.schedule.plan import Feed, Plan, Step, Window

SCRATCH_ALIGNMENT = 8

_NOBODY, _SCRATCH = -1, -2
"""Numbers of bytes that hold nothing."""


def check_plan(graph: Graph, plan: Plan) -> None:
    """Raises Diagnostic E502, which names node and row, unless the plan is safe.

    Safe: when a row is computed all rows it needs are in the arena, its own predecessor included
    where the op carries sums on; a row is written over one that it needs itself only where the op
    claims this, and then the kernel has scratch for copies; rows that a kernel computes together have bytes
    of their own; scratch is apart from all that is live;
    rows of a graph input arrive in order, or lie in the arena, whole, before the first step; every
    row is computed at least once; the steps of a region follow each other, and every node that has
    steps is in one region; everything is inside the arena and aligned; the outputs are whole at the end.
    """
    _Replay(graph, plan).run()


@dataclass(frozen=True)
class _Operand:
    """What the rows of a result need of one operand."""

    index: int
    tensor: Tensor
    first: list[int]
    last: list[int]
    claimed: bool

    def union(self, first: int, last: int) -> tuple[int, int]:
        """The lowest row that result rows first .. last-1 need, and the first behind the highest."""
        if last - first == 1:
            a, b = self.first[first], self.last[first] + 1
            return (a, b) if a < b else (0, 0)
        some = [
            (a, b + 1) for a, b in zip(self.first[first:last], self.last[first:last], strict=True) if a <= b
        ]
        return (min(a for a, _ in some), max(b for _, b in some)) if some else (0, 0)


@dataclass(frozen=True)
class _Facts:
    """What the op declares of a node, and where its results lie."""

    node: Node
    rows: int
    operands: tuple[_Operand, ...]
    results: tuple[Tensor, ...]
    carries: bool
    scratch: int
    copies: int
    together: int
    """Rows of a block, which the kernel may write in any order."""
    span: tuple[int, int]
    """The scratch of the plan: its address and the first behind it."""

    def block(self, tensor: Tensor, first: int, last: int) -> tuple[int, int]:
        """The rows of a result that are written: all of one that has other rows than the first result."""
        return (first, last) if tensor.rows == self.rows else (0, tensor.rows)


class _Replay:
    def __init__(self, graph: Graph, plan: Plan) -> None:
        self.graph, self.plan = graph, plan
        self.nodes = {n.name: n for n in graph.nodes()}
        self.facts: dict[str, _Facts] = {}
        self.node: Node | None = None
        self.tensors: dict[str, Tensor] = {}
        self.done: dict[str, np.ndarray] = {}
        self.computing: _Facts | None = None
        self.fed = {s.value: 0 for s in plan.steps if isinstance(s, Feed)}
        """Rows that have arrived, of the inputs that arrive by rows."""

    def run(self) -> None:
        self.declare()
        self.regions()
        whole = [self.tensors[v] for v in self.graph.inputs if v not in self.fed]
        for tensor in whole:
            self.write(tensor, 0, tensor.rows)
        for tensor in whole:
            self.expect(tensor, 0, tensor.rows, "the caller writes it")
        for step in self.plan.steps:
            if isinstance(step, Feed):
                self.feed(step)
            else:
                self.step(step)
        self.finish()

    def finish(self) -> None:
        """Everything was computed, all input has arrived, and the outputs are there."""
        self.node = None
        for v, n in self.fed.items():
            if n < self.tensors[v].rows:
                self.fail(f"rows of {v} never arrive", f"{n} of {self.tensors[v].rows}")
        for node in self.nodes.values():
            if op_of(node).is_alias or op_of(node).is_join:
                continue
            rows = self.tensors[node.outputs[0]].rows
            done = self.done.get(node.name, np.zeros(rows, bool))
            if not done.all() or (rows == 0 and node.name not in self.done):
                self.node = node
                self.fail("a row is never computed", f"{done.sum()} of {rows}")
        for v in self.graph.outputs:
            if v in self.tensors:
                self.expect(self.tensors[v], 0, self.tensors[v].rows, "the caller reads it at the end")

    # -- what a plan has to look like -------------------------------------

    def declare(self) -> None:
        """Every activation has a window inside the arena; one that lies in another lies where it has to."""
        producers = {v: node for node in self.nodes.values() for v in node.outputs}
        inner = inner_of(self.graph)
        for v in [*self.graph.inputs, *producers]:
            self.node = producers.get(v)
            if (window := self.plan.windows.get(v)) is None:
                self.fail(f"{v} has no window")
            self.window(v, window, 1 if v in inner else ALIGNMENT)
            self.tensors[v] = Tensor.of(self.graph, v, window)
        self.node = None
        for v in self.plan.windows:
            if v not in self.tensors:
                self.fail(f"there is a window for {v}, which is no activation")
        total = tensors_of(self.graph, self.tensors, self.blame)
        # Beyond the arena there is room for the gap behind the last row of a window.
        room = self.plan.arena + max((t.pitch for t in self.tensors.values()), default=0)
        index = np.arange(room, dtype=np.int32 if total + room < 2**31 else np.int64)
        self.map, self.rubbish = _NOBODY - index, _SCRATCH - index

    def window(self, v: str, w: Window, alignment: int) -> None:
        type = self.graph.type(v)
        if w.capacity < (type.rows > 0) or w.pitch < type.row_bytes:
            self.fail(f"the window of {v} does not hold a row", f"{w}")
        if w.slots and (len(w.slots) != type.rows or min(w.slots) < 0):
            self.fail(f"the window of {v} has no place for a row", f"{len(w.slots)} of {type.rows}")
        last = max(w.slots) if w.slots else (min(w.capacity, type.rows) - 1) * w.pitch
        used = last + type.row_bytes if type.rows else 0
        if w.address < 0 or w.address + used > self.plan.arena:
            self.fail(f"the window of {v} leaves the arena", f"{w}")
        size = max(ALIGNMENT, type.dtype.bytes)
        places = (w.address % max(alignment, type.dtype.bytes), *(at % size for at in w.slots))
        if any(places) or w.pitch % type.dtype.bytes:
            self.fail(f"the window of {v} is not aligned", f"{w}")
        handed = v in self.graph.outputs or (v in self.graph.inputs and v not in self.fed)
        gaps = w.slots or w.pitch != type.row_bytes
        if (handed and type.rows > 1 and gaps) or (v in self.fed and w.slots):
            self.fail(f"{v} is an input or output and has gaps between rows", f"{w}")

    def regions(self) -> None:
        """Nodes with steps are in one region each, and the steps of a region follow each other."""
        region = {}
        for r, names in enumerate(self.plan.regions):
            for name in names:
                self.node = self.nodes.get(name)
                if self.node is None or name in region:
                    self.fail(
                        f"region {r} has {name}, which is " + ("in another, too" if self.node else "no node")
                    )
                region[name] = r
        now = -1
        for step in self.plan.steps:
            if isinstance(step, Feed) or step.node not in self.nodes:
                continue
            self.node = self.nodes[step.node]
            if op_of(self.node).is_alias or op_of(self.node).is_join:
                self.fail("a step for a view, which computes nothing")
            if step.node not in region:
                self.fail("a step of a node that is in no region")
            if region[step.node] < now:
                self.fail("the steps of a region do not follow each other", f"region {region[step.node]}")
            now = region[step.node]
        self.node = None

    # -- steps ------------------------------------------------------------

    def feed(self, step: Feed) -> None:
        """Rows of an input arrive."""
        self.node = None
        if step.value not in self.graph.inputs:
            self.fail(f"rows arrive for {step.value}, which is no input")
        tensor = self.tensors[step.value]
        if step.first != self.fed[step.value] or not step.first < step.last <= tensor.rows:
            self.fail(
                f"rows of {step.value} do not arrive once and in order", f"{step.first} .. {step.last - 1}"
            )
        self.write(tensor, step.first, step.last)
        self.fed[step.value] = step.last

    def step(self, step: Step) -> None:
        self.node = None
        if step.node not in self.nodes:
            self.fail(f"a step for {step.node}, which is no node")
        self.node = node = self.nodes[step.node]
        facts = self.facts.get(node.name)
        if facts is None:
            facts = self.facts[node.name] = self.learn(node)
        first, last = step.first, step.last
        if not 0 <= first < last <= facts.rows and not first == last == facts.rows == 0:
            self.fail("a step for rows that do not exist", f"{first} .. {last - 1} of {facts.rows}")
        if any(not t.together(*facts.block(t, first, last), facts.together) for t in facts.results):
            self.fail("rows of one block share bytes", f"rows {first} .. {last - 1}")
        self.done[node.name][first:last] = True
        self.computing = facts
        if last - first > 1 and not self.at_once(facts, first, last):
            for i in range(first, last):
                self.row(facts, i)
        elif last - first == 1:
            self.row(facts, first)
        if len(facts.results) > 1:
            for tensor in facts.results:
                a, b = facts.block(tensor, first, last)
                self.expect(tensor, tensor.held(a, b).start, b, "the same step has another result")
        self.computing = None

    def learn(self, node: Node) -> _Facts:
        """All that the checker wants to know of a node; fails where its scratch breaks a rule."""
        op, call = op_of(node), call_of(self.graph, node)
        results = tuple(self.tensors[v] for v in node.outputs)
        claims = op.overwrites(call) if len(results) == 1 else ()
        if op.carries(call) and any(t.slots for t in results):
            self.fail("rows that go on from each other lie one by one, not in a ring")
        declared, rows, operands = op.rows(call), results[0].rows, []
        for k in call.activations:
            tensor = self.tensors[node.inputs[k]]
            r = declared[k] or Rows.all(rows, tensor.rows)
            wrong = (r.first <= r.last) & ((r.first < 0) | (r.last >= tensor.rows))
            if wrong.any():
                self.fail(f"the op asks for rows of operand {k} that do not exist", f"row {np.argmax(wrong)}")
            operands.append(_Operand(k, tensor, r.first.tolist(), r.last.tolist(), k in claims))
        kernel = op.kernel(call)
        address, size = self.plan.scratch.get(node.name, (0, 0))
        if size < kernel.scratch:
            self.fail("the scratch is too small", f"{size} B of {kernel.scratch} B")
        if size and address % SCRATCH_ALIGNMENT:
            self.fail("the scratch is not aligned", f"at {address}")
        if size < 0 or address < 0 or address + size > self.plan.arena:
            self.fail("the scratch leaves the arena", f"{address} .. {address + size}")
        self.done[node.name] = np.zeros(rows, bool)
        span = (address, address + size) if size else (0, 0)
        sizes = (kernel.scratch, kernel.copies, kernel.block)
        return _Facts(node, rows, tuple(operands), results, op.carries(call), *sizes, span)

    def at_once(self, facts: _Facts, first: int, last: int) -> bool:
        """Replay several rows in one go, if what they write lies apart from all they need.

        Returns False, having changed nothing, if the rows have to be taken one by one.
        """
        writes = [s for t in facts.results for s in t.spans(*facts.block(t, first, last))]
        needs = [(x.tensor, *x.union(first, last)) for x in facts.operands]
        reads = [s for t, a, b in needs for s in t.spans(a, b)]
        if facts.carries:
            needs.append((facts.results[0], max(first - 1, 0), first))
        if _meet([facts.span], [*writes, *(s for t, a, b in needs for s in t.spans(a, b))]):
            return False
        if _meet(writes, reads) or not all(self.intact(t, a, b) for t, a, b in needs):
            return False
        self.spoil(facts)
        for t in facts.results:
            self.write(t, *facts.block(t, first, last))
        return True

    def row(self, facts: _Facts, i: int) -> None:
        """Compute one row: scratch is written, all that the row needs is read, the row is written."""
        self.spoil(facts)
        for x in facts.operands:
            a, b = x.union(i, i + 1)
            self.expect(x.tensor, a, b, f"operand {x.index} of {facts.node.name}", i)
        if facts.carries and i > 0:
            self.expect(facts.results[0], i - 1, i, f"row {i} goes on from it", i)
        for result in facts.results:
            block = facts.block(result, i, i + 1)
            writes = result.spans(*block)
            if _meet(writes, [facts.span]):
                self.fail("the scratch overlaps the result", f"row {i}")
            for x in facts.operands:
                a, b = x.union(i, i + 1)
                if _meet(writes, x.tensor.spans(a, b)):
                    self.overlay(facts, x, result, i, writes)
            self.write(result, *block)

    def overlay(
        self, facts: _Facts, x: _Operand, result: Tensor, i: int, writes: list[tuple[int, int]]
    ) -> None:
        """Result row i may lie over rows of x that it needs where the op claims so, and leaves room to copy.

        The claim is good where the row begins no later than each of them, and ends no later than
        that one, or than row i if it needs this one and it comes behind.
        """
        for r in range(*x.union(i, i + 1)):
            a = x.tensor.start(r)
            if not _meet(writes, [(a, a + x.tensor.row_bytes)]):
                continue
            goal = i if r < i <= x.last[i] else r
            end = x.tensor.start(goal) + x.tensor.row_bytes
            y = result.start(i)
            good = x.claimed and i < x.tensor.rows and y <= a and y + result.row_bytes <= end
            if not good:
                what = f"result row {i} is written over row {r} of {x.tensor.name}"
                self.fail(f"{what}, which row {i} needs", f"row {i}")
            size, wanted = facts.span[1] - facts.span[0], facts.scratch + facts.copies
            if size < wanted:
                self.fail("the scratch has no room for copies", f"row {i}, {size} B of {wanted} B")

    # -- the map ----------------------------------------------------------

    def spoil(self, facts: _Facts) -> None:
        a, b = facts.span
        self.map[a:b] = self.rubbish[a:b]

    def write(self, tensor: Tensor, first: int, last: int) -> None:
        for row, at, n in tensor.runs(tensor.held(first, last).start, last):
            if n == 1 or tensor.pitch == tensor.row_bytes:
                self.map[at : at + n * tensor.row_bytes] = tensor.key(row)
            else:
                slots = self.map[at : at + n * tensor.pitch].reshape(n, -1)
                slots[:, : tensor.row_bytes] = tensor.key(row)

    def intact(self, tensor: Tensor, first: int, last: int) -> bool:
        """Whether rows first .. last-1 are where they have to be."""
        for row, at, n in tensor.runs(first, last):
            if n == 1 or tensor.pitch == tensor.row_bytes:
                found = self.map[at : at + n * tensor.row_bytes]
            else:
                found = self.map[at : at + n * tensor.pitch].reshape(n, -1)[:, : tensor.row_bytes]
            if not (found == tensor.key(row)).all():
                return False
        return True

    def expect(self, tensor: Tensor, first: int, last: int, why: str, user: int | None = None) -> None:
        if not self.intact(tensor, first, last):
            row = next(r for r in range(first, last) if not self.intact(tensor, r, r + 1))
            self.lost(tensor, row, why, user)

    def lost(self, tensor: Tensor, row: int, why: str, user: int | None) -> NoReturn:
        """Fail because a row is not where it has to be; say what is there."""
        at = tensor.start(row)
        byte = int(np.argmax(self.map[at : at + tensor.row_bytes] != tensor.key(row)))
        number = int(self.map[at + byte]) + at + byte
        facts, lost = self.computing, f"row {row} of {tensor.name}"
        if facts is not None and user is not None:
            mine = [_row_of(t, number) for t in facts.results if t.name != tensor.name]
            over = [f"result row {r}" for r in mine if r is not None]
            over += ["scratch"] * (number == _SCRATCH and facts.span[0] <= at + byte < facts.span[1])
            if over:
                self.fail(f"{over[0]} is written over {lost}, which row {user} needs", f"row {user}")
        there = {_NOBODY: "nothing was written there", _SCRATCH: "scratch was written over it"}.get(number)
        if there is None:
            other = next(t for t in self.tensors.values() if _row_of(t, number) is not None)
            there = f"row {_row_of(other, number)} of {other.name} is there"
        self.fail(f"{lost} is needed ({why}), but {there}", f"row {row}")

    def blame(self, node: Node | None, title: str, detail: str) -> NoReturn:
        self.node = node
        self.fail(title, detail)

    def fail(self, title: str, detail: str = "") -> NoReturn:
        where = f"{self.node.path or self.node.name} ({self.node.op})" if self.node else self.graph.name
        raise Diagnostic(
            "E502",
            f"plan rejected by the checker: {title}",
            where=where,
            facts=[("at", detail)] if detail else [],
            remedies=["report this model: the planner and its checker disagree"],
        )


def _meet(xs: list[tuple[int, int]], ys: list[tuple[int, int]]) -> bool:
    """Whether one of the spans shares a byte with one of the others."""
    return any(a < d and c < b for a, b in xs for c, d in ys)


def _row_of(tensor: Tensor, number: int) -> int | None:
    """The row of a tensor that has the byte of this number."""
    row, byte = divmod(number - tensor.base, tensor.stride) if tensor.stride else (-1, 0)
    return row if 0 <= row < tensor.rows and byte < tensor.row_bytes else None
