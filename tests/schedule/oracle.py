"""The smallest arena of a small network by exhaustive search; shares no code with the planner.

The space that is searched:

- orders of the ops (streamed inputs are ops that read nothing), in all topological orders, cut into
  regions of neighbours in every way;
- within a region the rows of its last op are computed one at a time, and before each, in the same way, those
  that it needs and that are not there yet: always the next row of the operand of which the smallest part is
  done. Ops that nothing in their region reads compute a row as soon as their operands allow it. What was
  never wanted is computed at the end. An op of blocks computes a block where others compute a row, and keeps
  all of the block until it is done;
- a value is a ring of as few rows as are live together; inputs that are not streamed, and outputs, are whole.
  A row lives from the moment it is computed to that in which it is last read;
- windows begin at multiples of 4 bytes, scratch at multiples of 8, wherever no two live rows share a
  byte. A row may be laid over rows that its op reads for the last time where the op claims it
  (`Op.overwrites`, and `_clash` for how); if its kernel has to copy rows for this (`Kernel.copies`), its
  scratch is larger.

Views are not understood. For every program a bound comes from the bytes that are live at one time; the
placement of those whose bound is below the best so far is solved exactly.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from edgec.ir import Graph
from edgec.ops.base import call_of, op_of

Region = tuple[str, ...]


@dataclass
class _Operand:
    value: str
    first: list[int]
    last: list[int]
    wanted: list[int]
    """Per output row: the last row that it or an earlier one needs."""
    claimed: bool


@dataclass
class _Op:
    name: str
    result: str
    rows: int
    operands: list[_Operand] = field(default_factory=list)
    scratch: int = 0
    copies: int = 0
    carries: bool = False
    block: int = 1
    kept: bool = False
    """Whether the rows of a block are all kept until it is done."""


@dataclass
class _Window:
    """A value or a scratch with the lives of its rows: (offset, bytes, birth, death), in half events."""

    name: str
    bytes: int
    align: int
    rows: list[tuple[int, int, int, int]]


def smallest_arena(graph: Graph, stream: bool = False) -> tuple[int, list[Region]]:
    """The smallest arena in bytes over the space above, and a schedule that has it.

    Raises AssertionError for a graph with views.
    """
    search = _Search(graph, stream)
    found: list[tuple[int, int, list[Region], list[_Window]]] = []
    for regions in search.schedules():
        windows = search.windows(regions)
        found.append((search.bound(windows), len(found), regions, windows))
    found.sort(key=lambda f: f[:2])
    best, schedule, seen = None, found[0][2], set()
    for bound, _, regions, windows in found:
        if best is not None and bound >= best:
            break
        key = repr(windows)
        if key not in seen:
            seen.add(key)
            if (arena := search.placed(windows, best)) != best:
                best, schedule = arena, regions
    assert best is not None
    return best, schedule


class _Search:
    def __init__(self, graph: Graph, stream: bool) -> None:
        self.bytes = {v: x.type.row_bytes for v, x in graph.values.items() if x.data is None}
        self.count = {v: x.type.rows for v, x in graph.values.items() if x.data is None}
        self.outputs = set(graph.outputs)
        self.whole = set(graph.outputs) | (set() if stream else set(graph.inputs))
        self.given = [] if stream else list(graph.inputs)
        self.ops = {v: _Op(v, v, self.count[v]) for v in graph.inputs} if stream else {}
        for node in graph.nodes():
            op, call = op_of(node), call_of(graph, node)
            assert not op.is_alias and not op.is_join and len(node.outputs) == 1, node.op
            kernel, claims = op.kernel(call), op.overwrites(call)
            made = _Op(node.name, node.outputs[0], call.outs[0].rows, carries=op.carries(call))
            made.scratch, made.copies = kernel.scratch, kernel.copies
            made.block = max(made.rows, 1) if kernel.at_once else kernel.block
            made.kept = kernel.block > 1
            for k, rows in enumerate(op.rows(call)):
                if rows is not None:
                    first, last = rows.first.tolist(), rows.last.tolist()
                    wanted = np.maximum.accumulate(np.where(rows.first <= rows.last, rows.last, -1)).tolist()
                    made.operands.append(_Operand(node.inputs[k], first, last, wanted, k in claims))
            for a in made.operands:  # a value that is read twice is claimed by both or not at all
                a.claimed = all(b.claimed for b in made.operands if b.value == a.value)
            self.ops[node.name] = made
        self.numbers: dict[Region, int] = {}
        self.known: dict[Region, list[tuple[_Op, int]]] = {}
        self.logs: dict[tuple[tuple[str, int], ...], int] = {}
        self.maker = {op.result: op for op in self.ops.values()}

    # -- schedules --------------------------------------------------------

    def schedules(self) -> Iterator[list[Region]]:
        """All orders in all cuts, but for those that compute the same rows in the same order."""
        seen = set()
        for order in self.orders([], set()):
            for cuts in range(2 ** (len(order) - 1)):
                ends = [k + 1 for k in range(len(order) - 1) if cuts >> k & 1] + [len(order)]
                regions = [tuple(order[a:b]) for a, b in zip([0, *ends], ends, strict=False)]
                key = tuple(self.number(r) for r in regions)
                if key not in seen:
                    seen.add(key)
                    yield regions

    def number(self, region: Region) -> int:
        """A number that regions share if they compute the same rows in the same order."""
        if region not in self.numbers:
            rows = tuple((op.name, row) for op, row in self.events(region))
            self.numbers[region] = self.logs.setdefault(rows, len(self.logs))
        return self.numbers[region]

    def orders(self, done: list[str], made: set[str]) -> Iterator[list[str]]:
        if len(done) == len(self.ops):
            yield list(done)
        for op in self.ops.values():
            wants = {x.value for x in op.operands if x.value in self.maker}
            if op.name not in done and wants <= made:
                yield from self.orders([*done, op.name], made | {op.result})

    # -- one schedule -----------------------------------------------------

    def events(self, region: Region) -> list[tuple[_Op, int]]:
        """The rows of a region in the order in which they are computed."""
        if region in self.known:
            return self.known[region]
        log = self.known[region] = []
        done = dict.fromkeys(region, 0)
        inside = {self.ops[n].result: self.ops[n] for n in region}
        read = {x.value for n in region for x in self.ops[n].operands}
        loose = [self.ops[n] for n in region if self.ops[n].result not in read]

        def missing(op: _Op) -> _Op | None:
            """Of the operands that lack a row for the op's next one, the maker of the least complete."""
            row = min(done[op.name] + op.block, op.rows) - 1
            makers = [(inside[x.value], x.wanted[row]) for x in op.operands if x.value in inside]
            behind = [m for m, last in makers if done[m.name] <= last]
            return min(behind, key=lambda m: done[m.name] / m.rows, default=None)

        def compute(op: _Op) -> None:
            for _ in range(min(op.block, op.rows - done[op.name])):
                log.append((op, done[op.name]))
                done[op.name] += 1
            for other in loose:
                if any(x.value == op.result for x in other.operands):
                    while done[other.name] < other.rows and missing(other) is None:
                        compute(other)

        def want(op: _Op, row: int) -> None:
            while done[op.name] <= row:
                if (maker := missing(op)) is not None:
                    want(maker, done[maker.name])
                else:
                    compute(op)

        want(self.ops[region[-1]], self.ops[region[-1]].rows - 1)
        for name in region:
            want(self.ops[name], self.ops[name].rows - 1)
        return log

    def windows(self, regions: list[Region]) -> list[_Window]:
        """Every value's and every scratch's window under a schedule."""
        log = [event for region in regions for event in self.events(region)]
        birth = {v: [-2] * n for v, n in self.count.items()}
        death = {v: [-2] * n for v, n in self.count.items()}
        stretches: dict[str, list[tuple[int, int]]] = {}
        for k, (op, row) in enumerate(log):
            now = 2 * k
            birth[op.result][row] = now
            left = min(op.block - row % op.block, op.rows - row) - 1 if op.kept else 0
            death[op.result][row] = max(death[op.result][row], now + 2 * left)
            if op.carries and row:
                death[op.result][row - 1] = max(death[op.result][row - 1], now - 1)
            for x in op.operands:
                for r in range(x.first[row], x.last[row] + 1):
                    death[x.value][r] = now
            runs = stretches.setdefault(op.name, [])
            if runs and runs[-1][1] == now - 2:
                runs[-1] = (runs[-1][0], now)
            else:
                runs.append((now, now))
        for v in self.outputs:
            death[v] = [2 * len(log)] * self.count[v]
        found = []
        for v, rows in self.count.items():
            lives = list(zip(birth[v], death[v], strict=True))
            size, ring = self.bytes[v], rows if v in self.whole else _ring(lives)
            units = [(r % ring * size, size, *life) for r, life in enumerate(lives)]
            found.append(_Window(v, _up(size * ring, 4), 4, units))
        for op in self.ops.values():
            if op.scratch or op.copies:
                size = _up(op.scratch, 4)
                units = [(0, size, *s) for s in stretches[op.name]]
                found.append(_Window("scratch of " + op.name, size, 8, units))
        return found

    def bound(self, windows: list[_Window]) -> int:
        """The most bytes that are live in one event, less those that may be shared by claims."""
        changes: dict[int, int] = {}
        for w in windows:
            for _, size, birth, death in w.rows:
                changes[birth] = changes.get(birth, 0) + size
                changes[death + 1] = changes.get(death + 1, 0) - size
        shared: dict[int, int] = {}
        rows = {w.name: w.rows for w in windows}
        for op in self.ops.values():
            claimed = {x.value for x in op.operands if x.claimed}
            for _, size, now, _ in rows[op.result]:
                dying = sum(n for v in claimed for _, n, _, death in rows[v] if death == now)
                if dying:
                    shared[now] = min(size, dying)
        live, most = 0, 0
        for t in sorted(changes):
            live += changes[t]
            most = max(most, live - shared.get(t, 0))
        return _up(most, 4)

    # -- placement --------------------------------------------------------

    def placed(self, windows: list[_Window], below: int | None) -> int | None:
        """The smallest arena for these windows if it is smaller than `below`, else `below`."""
        from ortools.sat.python import cp_model

        top = below - 4 if below is not None else sum(_up(w.bytes, 8) for w in windows)
        top += sum(_up(op.copies, 8) for op in self.ops.values()) if below is None else 0
        model = cp_model.CpModel()
        at = {w.name: model.new_int_var(0, top // w.align, w.name) for w in windows}
        byte = {w.name: at[w.name] * w.align for w in windows}
        arena = model.new_int_var(0, top, "arena")
        copies = {op.name: model.new_bool_var(op.name) for op in self.ops.values() if op.copies}
        size = {w.name: w for w in windows}
        for w in windows:
            model.add(byte[w.name] + w.bytes <= arena)
        for i, a in enumerate(windows):
            for y in windows[i + 1 :]:
                self._part(model, byte, a, y, copies, top)
        for name, chosen in copies.items():
            small = size["scratch of " + name]
            more = _up(self.ops[name].scratch + self.ops[name].copies, 4)
            model.add(byte[small.name] + more <= arena).only_enforce_if(chosen)
            large = _Window(small.name, more, 8, [(0, more, b, d) for _, _, b, d in small.rows])
            for other in windows:
                if other is not small:
                    gaps = _clash(other, large)
                    _forbid(model, byte[large.name] - byte[other.name], gaps, top).only_enforce_if(chosen)
        model.minimize(arena)
        solver = cp_model.CpSolver()
        solver.parameters.num_workers = 1
        solver.parameters.random_seed = 0
        status = solver.solve(model)
        if status == cp_model.INFEASIBLE:
            return below
        assert status == cp_model.OPTIMAL, solver.status_name(status)
        return int(solver.objective_value)

    def _part(self, model, byte, a: _Window, y: _Window, copies, top: int) -> None:  # type: ignore[no-untyped-def]
        """Keep two windows apart, but for what an op between them claims."""
        plain = _clash(a, y)
        if not plain:
            return
        distance = byte[y.name] - byte[a.name]
        for operand, result, sign in ((a, y, 1), (y, a, -1)):
            op = self.maker.get(result.name)
            reads = [x for x in op.operands if x.value == operand.name and x.claimed] if op else []
            if op is None or not reads:
                continue
            claimed = [(sign * lo, sign * hi) for lo, hi in _clash(operand, result, reads[0])]
            _forbid(model, distance, [(min(g), max(g)) for g in claimed], top)
            if op.name in copies:
                _forbid(model, distance, plain, top).only_enforce_if(copies[op.name].negated())
            return
        _forbid(model, distance, plain, top)


def _ring(lives: list[tuple[int, int]]) -> int:
    """The fewest slots in which no row is written over one that is still live."""
    for ring in range(1, len(lives)):
        if all(lives[r][1] < lives[r + ring][0] for r in range(len(lives) - ring)):
            return ring
    return len(lives)


def _clash(a: _Window, y: _Window, reads: _Operand | None = None) -> list[tuple[int, int]]:
    """Open intervals of the distance from a to y in which two live rows would share a byte.

    reads: y is computed from a, and row i of y may lie over a row that dies as it is computed if it begins
    no later than that row, and ends no later than it, or than row i if that is needed and comes behind.
    """
    found = set()
    for i, (p, n, birth, death) in enumerate(y.rows):
        for r, (q, m, born, died) in enumerate(a.rows):
            if born > death or birth > died:
                continue
            lo, hi = q - p - n, q - p + m
            if reads is not None and died == birth and i < len(a.rows):
                goal = a.rows[i if r < i <= reads.last[i] else r]
                lo = max(lo, min(q, goal[0] + m - n) - p)
            if lo < hi:
                found.add((lo, hi))
    return sorted(found)


def _forbid(model, distance, gaps: list[tuple[int, int]], top: int):  # type: ignore[no-untyped-def]
    """A constraint that keeps a difference of addresses out of open intervals."""
    from ortools.sat.python import cp_model

    allowed, low = [], -top
    for lo, hi in sorted(gaps):
        if lo >= low:
            allowed.append((low, lo))
        low = max(low, hi)
    if low <= top:
        allowed.append((low, top))
    domain = cp_model.Domain.from_intervals([list(x) for x in allowed])
    return model.add_linear_expression_in_domain(distance, domain)


def _up(size: int, align: int) -> int:
    return -(-size // align) * align
