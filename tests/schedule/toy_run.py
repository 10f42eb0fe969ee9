"""An executor that runs a plan of any ops on numbers.

The checker is tested against it: it keeps an arena, obeys the plan literally, and does the worst that
an op's declarations allow. A result row is filled with rubbish before the operands are read, unless the
op claims that it may be laid over them; scratch is filled with rubbish around every row; rows of a block
are computed one by one and, once more, all together, the last of them first; rows of a
fed input are nowhere before they arrive. Whatever a plan loses shows in the rows computed from it.
A "byte" is a 62-bit number here, so that no two are equal by chance.
"""

from __future__ import annotations

import itertools

import numpy as np

from edgec.ir import Graph, Node
from edgec.ops.base import Call, call_of, op_of
from edgec.schedule import Plan, Step, Window
from edgec.schedule.plan import Feed


def _mix(*parts: np.ndarray | int) -> int:
    """A number in which every byte of every part shows."""
    h = 0xCBF29CE484222325
    for part in parts:
        data = part.tobytes() if isinstance(part, np.ndarray) else part.to_bytes(8, "little", signed=True)
        h = hash((h, data))
    return h & (2**63 - 1)


def _bytes(seed: int, n: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2**62, n)


def _row(node: Node, k: int, i: int, operands: list[np.ndarray], n: int) -> np.ndarray:
    return _bytes(_mix(*map(ord, node.name), k, i, *operands), n)


def inputs(graph: Graph) -> dict[str, np.ndarray]:
    """Bytes [rows, row bytes] for every graph input."""
    found = {}
    for k, v in enumerate(graph.inputs):
        t = graph.type(v)
        found[v] = _bytes(1000 + k, t.bytes).reshape(t.rows, t.row_bytes)
    return found


def needs_of(call: Call, node: Node, i: int) -> list[tuple[int, str, int, int]]:
    """What row i needs: (operand, its name, first row, the first behind the last)."""
    declared = op_of(node).rows(call)
    return [
        (k, node.inputs[k], int(r.first[i]), int(r.last[i]) + 1)
        for k, r in enumerate(declared)
        if r is not None and r.first[i] <= r.last[i]
    ]


def expected(graph: Graph) -> dict[str, np.ndarray]:
    """Every activation, [rows, row bytes], computed with a place of its own for each."""
    values = inputs(graph)
    for node in graph.nodes():
        types = graph.out_types(node)
        op, call = op_of(node), call_of(graph, node)
        if op.is_join:
            values[node.outputs[0]] = np.concatenate([values[v] for v in node.inputs], axis=1)
            continue
        if op.is_alias:
            shape, at = (types[0].rows, types[0].row_bytes), op.offset(call, 0)
            x = values[node.inputs[0]]
            values[node.outputs[0]] = x.reshape(shape) if at is None else x[:, at : at + shape[1]]
            continue
        for k, (v, t) in enumerate(zip(node.outputs, types, strict=True)):
            values[v] = np.zeros((t.rows, t.row_bytes), np.int64)
            for i in range(t.rows):
                needed = [values[x][a:b] for _, x, a, b in needs_of(call, node, i)]
                needed += [values[v][i - 1]] * (op.carries(call) and i > 0)
                values[v][i] = _row(node, k, i, needed, t.row_bytes)
    return values


def _slot(w: Window, row: int, n: int) -> slice:
    start = w.at(row)
    return slice(start, start + n)


def right(graph: Graph, plan: Plan) -> bool:
    """Whether every row that the plan computes in its arena is right, and the inputs at the beginning or
    as they arrive, the results at the end of their step and the outputs at the end are whole."""
    run = _Run(graph, plan)
    fed = {s.value for s in plan.steps if isinstance(s, Feed)}
    whole = [v for v in graph.inputs if v not in fed]
    for v in whole:
        run.store(v, 0, run.want[v])
    good = all(run.holds(v, 0, graph.type(v).rows) for v in whole)
    for step in plan.steps:
        if isinstance(step, Feed):
            run.store(step.value, step.first, run.want[step.value][step.first : step.last])
            continue
        node = graph.node(step.node)
        good &= _computed(run, node, step)
        for v in node.outputs:
            w = plan.windows[v]
            first = step.first if w.slots else max(step.first, step.last - w.capacity)
            good &= run.holds(v, first, step.last)
    return good and all(run.holds(v, 0, graph.type(v).rows) for v in graph.outputs if v in run.want)


def _computed(run: _Run, node: Node, step: Step) -> bool:
    good, block = True, op_of(node).kernel(call_of(run.graph, node)).block
    for first in range(step.first, step.last, block):
        rows = range(first, min(first + block, step.last))
        before = run.arena.copy()
        good &= len(rows) < 2 or run.compute_block(node, rows)
        run.arena = before
        for i in rows:
            good &= run.compute(node, i)
    return good


class _Run:
    """An arena and what it should hold."""

    def __init__(self, graph: Graph, plan: Plan) -> None:
        self.graph, self.plan, self.want = graph, plan, expected(graph)
        self.arena = np.full(plan.arena, -1)
        self.rubbish = np.random.default_rng(7)

    def spoil(self, at: slice) -> None:
        self.arena[at] = self.rubbish.integers(0, 2**62, self.arena[at].size)

    def store(self, v: str, first: int, rows: np.ndarray) -> None:
        for r, row in enumerate(rows):
            self.arena[_slot(self.plan.windows[v], first + r, row.size)] = row

    def load(self, v: str, a: int, b: int) -> np.ndarray:
        n, w = self.graph.type(v).row_bytes, self.plan.windows[v]
        return np.array([self.arena[_slot(w, r, n)] for r in range(a, b)]).reshape(b - a, n)

    def holds(self, v: str, a: int, b: int) -> bool:
        return np.array_equal(self.load(v, a, b), self.want[v][a:b])

    def compute(self, node: Node, i: int) -> bool:
        """Row i of a node; whether it is right and its scratch was large enough."""
        op, call, windows = op_of(node), call_of(self.graph, node), self.plan.windows
        at, size = self.plan.scratch.get(node.name, (0, 0))
        scratch, needs = slice(at, at + size), needs_of(call, node, i)
        self.spoil(scratch)
        kept, wanted = {}, op.kernel(call).scratch
        for k, x, a, b in needs:
            lies = _lies(windows[x], windows[node.outputs[0]], call, k, i, (a, b))
            if (
                k in op.overwrites(call)
                and len(call.outs) == 1
                and i < call.ins[k].rows
                and all(lies.values())
            ):
                kept[k] = self.load(x, a, b)
            wanted = op.kernel(call).scratch + op.kernel(call).copies if lies else wanted
        own = [self.load(v, i - 1, i)[0] for v in node.outputs if op.carries(call) and i > 0]
        for v, t in zip(node.outputs, call.outs, strict=True):
            self.spoil(_slot(windows[v], i, t.row_bytes))
        operands = [kept[k] if k in kept else self.load(x, a, b) for k, x, a, b in needs] + own
        for k, (v, t) in enumerate(zip(node.outputs, call.outs, strict=True)):
            self.store(v, i, _row(node, k, i, operands, t.row_bytes)[None])
        self.spoil(scratch)
        return size >= wanted and all(self.holds(v, i, i + 1) for v in node.outputs)

    def compute_block(self, node: Node, rows: range) -> bool:
        """Rows of a node whose kernel reads all they need, then writes them; whether they are right."""
        call, windows = call_of(self.graph, node), self.plan.windows
        at, size = self.plan.scratch.get(node.name, (0, 0))
        self.spoil(slice(at, at + size))
        operands = [[self.load(x, a, b) for _, x, a, b in needs_of(call, node, i)] for i in rows]
        sizes = [t.row_bytes for t in call.outs]
        for i, (v, n) in itertools.product(rows, zip(node.outputs, sizes, strict=True)):
            self.spoil(_slot(windows[v], i, n))
        for i in reversed(rows):
            for k, (v, n) in enumerate(zip(node.outputs, sizes, strict=True)):
                self.store(v, i, _row(node, k, i, operands[i - rows[0]], n)[None])
        self.spoil(slice(at, at + size))
        return all(self.holds(v, rows[0], rows[-1] + 1) for v in node.outputs)


def _lies(x: Window, y: Window, call: Call, k: int, i: int, need: tuple[int, int]) -> dict[int, bool]:
    """Rows of operand k that result row i needs and lies over: whether as a claim allows.

    Beginning no later than the row, and ending no later; if row i is needed and comes behind, than row i.
    """
    n, found = call.ins[k].row_bytes, {}
    mine = _slot(y, i, call.outs[0].row_bytes)
    for r in range(*need):
        theirs = _slot(x, r, n)
        if mine.start < theirs.stop and theirs.start < mine.stop:
            limit = _slot(x, i, n).stop if r < i < need[1] else theirs.stop
            found[r] = mine.start <= theirs.start and mine.stop <= limit
    return found
