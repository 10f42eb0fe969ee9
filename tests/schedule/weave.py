"""Plans of regions without a planner: any interleaving of rows, in the smallest rings that are safe for it.

The rows of a region's nodes come in any order that their needs allow, in blocks of any size; rows of
inputs arrive at any time; some rows are computed again. Then follows, by trying, how many rows
each window has to hold, and windows that are in use together lie apart.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from edgec.ir import Graph, Node
from edgec.ops.base import call_of, op_of
from edgec.schedule import Plan, Step, Window
from edgec.schedule.plan import Feed
from tests.schedule.toy_run import needs_of, right


def weave(graph: Graph, rng: random.Random) -> Plan:
    """A right plan of a graph of toys."""
    order = _Order(graph, rng)
    order.run()
    homes = _homes(graph)
    _watch(graph, order.steps, homes)
    end = len(order.steps)
    for home in {id(h): h for h, _ in homes.values()}.values():
        whole = {v for v in graph.inputs if v not in order.fed} | set(graph.outputs)
        shown = bool(whole & set(home.inside))
        sure = home.loose or bool(whole & set(home.inside) & set(graph.inputs))
        home.capacity = home.rows if sure else max(home.smallest(), order.together(home.inside))
        if home.capacity < home.rows and not shown:
            home.capacity += rng.random() < 0.2
        home.pitch = home.width + (0 if home.loose or shown else rng.choice([0, 0, 4, home.grain]))
        if set(graph.inputs) & whole & set(home.inside):
            home.times.append(-1)
        if set(graph.outputs) & set(home.inside):
            home.times.append(end)
    plan = _placed(graph, order, homes, rng)
    return _over_operands(graph, plan, homes, rng)


# -- the order of rows ----------------------------------------------------


class _Order:
    """Draws the steps."""

    def __init__(self, graph: Graph, rng: random.Random) -> None:
        self.graph, self.rng = graph, rng
        self.producer = {v: n for n in graph.nodes() for v in n.outputs}
        self.fed = {v: 0 for v in graph.inputs if rng.random() < 0.6}
        self.done: dict[str, int] = {}
        self.steps: list[Step | Feed] = []
        self.regions: list[list[Node]] = []
        for node in graph.nodes():
            if op_of(node).is_alias or op_of(node).is_join:
                continue
            if not self.regions or rng.random() < 0.4:
                self.regions.append([])
            self.regions[-1].append(node)

    def run(self) -> None:
        for region in self.regions:
            while ready := [n for n in region if self.done.get(n.name, 0) < self.rows(n)]:
                ready = [n for n in ready if self.able(n, self.done.get(n.name, 0))]
                if not ready or self.rng.random() < 0.2:
                    self.feed()
                if ready:
                    self.compute(self.rng.choice(ready))
                if self.rng.random() < 0.1:
                    self.again(self.rng.choice(region))
        while any(n < self.graph.type(v).rows for v, n in self.fed.items()):
            self.feed()

    def rows(self, node: Node) -> int:
        return self.graph.type(node.outputs[0]).rows

    def feed(self) -> None:
        late = [v for v, n in self.fed.items() if n < self.graph.type(v).rows]
        if late:
            v = self.rng.choice(late)
            last = min(self.fed[v] + self.rng.choice([1, 1, 2, 6]), self.graph.type(v).rows)
            self.steps.append(Feed(v, self.fed[v], last))
            self.fed[v] = last

    def compute(self, node: Node) -> None:
        first = self.done.get(node.name, 0)
        last = first + 1
        most = min(first + self.rng.choice([1, 1, 1, 2, 6]), self.rows(node))
        while last < most and self.able(node, last):
            last += 1
        self.steps.append(Step(node.name, first, last))
        self.done[node.name] = last

    def again(self, node: Node) -> None:
        if done := self.done.get(node.name, 0):
            row = self.rng.randrange(done)
            self.steps.append(Step(node.name, row, row + 1))

    def able(self, node: Node, i: int) -> bool:
        return all(self.there(x, b) for _, x, _, b in needs_of(call_of(self.graph, node), node, i))

    def together(self, values: Iterable[str]) -> int:
        """The most rows of one of the values that a kernel may write in any order."""
        most = 1
        for step in self.steps:
            if isinstance(step, Step) and not set(values).isdisjoint(self.graph.node(step.node).outputs):
                node = self.graph.node(step.node)
                block = op_of(node).kernel(call_of(self.graph, node)).block
                most = max(most, min(block, step.last - step.first))
        return most

    def there(self, v: str, rows: int) -> bool:
        """Whether the first rows of a value have all been computed at some time."""
        node = self.producer.get(v)
        if node is None:
            return self.fed.get(v, rows) >= rows
        if op_of(node).is_join:
            return all(self.there(x, rows) for x in node.inputs)
        if op_of(node).is_alias:
            x = node.inputs[0]
            ratio = self.graph.type(v).row_bytes / self.graph.type(x).row_bytes
            aligned = self.graph.type(v).rows == self.graph.type(x).rows
            return self.there(x, rows if aligned else int(-(-rows * ratio // 1)))
        return self.done.get(node.name, 0) >= rows


# -- where rows live ------------------------------------------------------


@dataclass
class _Home:
    """Values that lie row by row in one, or (loose) share their bytes under shapes of different rows."""

    rows: int
    width: int
    grain: int
    inside: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Value -> first byte of a row, and the first behind."""
    loose: bool = False
    events: list[tuple[bool, str, int]] = field(default_factory=list)
    """Writes (True) and reads of a row, in order."""
    times: list[int] = field(default_factory=list)
    capacity: int = 0
    pitch: int = 0
    address: int = 0

    @property
    def bytes(self) -> int:
        return (self.capacity - 1) * self.pitch + self.width

    def smallest(self) -> int:
        return next(c for c in range(1, self.rows + 1) if c == self.rows or self.enough(c))

    def enough(self, capacity: int) -> bool:
        """Whether every read finds the row that was last written to its slot."""
        slots: dict[tuple[str, int], int] = {}
        for write, v, row in self.events:
            a, b = self.inside[v]
            if write:
                slots[v, row % capacity] = row
                continue
            for (w, slot), there in slots.items():
                c, d = self.inside[w]
                if slot == row % capacity and a < d and c < b and there != row:
                    return False
        return True


def _homes(graph: Graph) -> dict[str, tuple[_Home, int]]:
    """Every activation -> its home, and where in each row it begins."""
    homes: dict[str, tuple[_Home, int]] = {}
    for node in reversed(list(graph.nodes())):
        if op_of(node).is_join:
            y, call = node.outputs[0], call_of(graph, node)
            _settle(graph, homes, y)
            for k, v in enumerate(node.inputs):
                home, at = homes[y]
                homes[v] = (home, at + (op_of(node).offset(call, k) or 0))
    for v in graph.inputs:
        _settle(graph, homes, v)
    for node in graph.nodes():
        for v in node.outputs:
            if op_of(node).is_alias:
                home, at = homes[node.inputs[0]]
                offset = op_of(node).offset(call_of(graph, node), 0)
                home.loose |= offset is None
                homes[v] = (home, at + (offset or 0))
            _settle(graph, homes, v)
    return homes


def _settle(graph: Graph, homes: dict[str, tuple[_Home, int]], v: str) -> None:
    t = graph.type(v)
    home, at = homes.setdefault(v, (_Home(t.rows, t.row_bytes, t.dtype.bytes), 0))
    home.inside[v] = (at, at + t.row_bytes)


def _watch(graph: Graph, steps: list[Step | Feed], homes: dict[str, tuple[_Home, int]]) -> None:
    """Note who is written and read when."""

    def note(time: int, write: bool, v: str, row: int) -> None:
        homes[v][0].events.append((write, v, row))
        homes[v][0].times.append(time)

    for time, step in enumerate(steps):
        if isinstance(step, Feed):
            for r in range(step.first, step.last):
                note(time, True, step.value, r)
            continue
        node = graph.node(step.node)
        call = call_of(graph, node)
        for i in range(step.first, step.last):
            for _, x, a, b in needs_of(call, node, i):
                for r in range(a, b):
                    note(time, False, x, r)
            if op_of(node).carries(call) and i > 0:
                note(time, False, node.outputs[0], i - 1)
            for v in node.outputs:
                note(time, True, v, i)
    for v in graph.outputs:
        for r in range(graph.type(v).rows if v in homes else 0):
            note(len(steps), False, v, r)


# -- addresses ------------------------------------------------------------


def _placed(graph: Graph, order: _Order, homes: dict[str, tuple[_Home, int]], rng: random.Random) -> Plan:
    """First fit, in any order."""
    taken: list[tuple[int, int, int, int]] = []
    scratch: dict[str, tuple[int, int]] = {}

    def fit(times: list[int], size: int, align: int) -> int:
        begin, end = min(times, default=0), max(times, default=0)
        busy = [(a, b) for a, b, c, d in taken if begin <= d and c <= end]
        address = 0
        while any(address < b and a < address + size for a, b in busy):
            address += align
        taken.append((address, address + size, begin, end))
        return address

    jobs: list[_Home | Node] = list({id(h): h for h, _ in homes.values()}.values())
    jobs += [n for region in order.regions for n in region]
    for job in rng.sample(jobs, len(jobs)):
        if isinstance(job, _Home):
            job.address = fit(job.times, job.bytes, 4)
            continue
        kernel = op_of(job).kernel(call_of(graph, job))
        times = [t for t, s in enumerate(order.steps) if isinstance(s, Step) and s.node == job.name]
        if size := kernel.scratch + kernel.copies * (rng.random() < 0.5):
            scratch[job.name] = (fit(times, size, 8), size)
    windows = {}
    for v, (home, at) in homes.items():
        t = graph.type(v)
        same = t.rows == home.rows
        pitch, capacity = (home.pitch, home.capacity) if same else (t.row_bytes, t.rows)
        windows[v] = Window(home.address + at, pitch, capacity)
    regions = tuple(tuple(n.name for n in region) for region in order.regions)
    arena = max((b for _, b, _, _ in taken), default=0)
    return Plan(tuple(order.steps), windows, scratch, arena, 0, False, regions)


def _over_operands(graph: Graph, plan: Plan, homes: dict[str, tuple[_Home, int]], rng: random.Random) -> Plan:
    """Results over operands that they may overwrite, where this does no harm."""
    for node in graph.nodes():
        call = call_of(graph, node)
        if op_of(node).is_alias or op_of(node).is_join or not op_of(node).overwrites(call):
            continue
        x = node.inputs[rng.choice(op_of(node).overwrites(call))]
        (mine, _), y = homes[node.outputs[0]], node.outputs[0]
        if x not in homes or homes[x][0] is mine:
            continue
        by = plan.windows[x].address - plan.windows[y].address
        moved = {v: replace(w, address=w.address + by) for v, w in plan.windows.items() if v in mine.inside}
        other = replace(plan, windows={**plan.windows, **moved})
        bad = any(w.address < 0 or w.address % 4 for w in moved.values())
        bad |= any(w.address + w.bytes > plan.arena for w in moved.values())
        if not bad and right(graph, other):
            plan = other
    return plan
