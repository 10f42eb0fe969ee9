"""The kernels of a graph chosen by what they take on the simulated board."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from edgec.codegen.library import kernel_sources
from edgec.ir import Graph
from edgec.options import Progress
from edgec.schedule.cost import Costs
from edgec.schedule.forms import Form
from edgec.sim.runner import Cost
from edgec.target import Target
from edgec.tune import cache
from edgec.tune.candidates import Candidate, choosable, one_layer
from edgec.tune.measure import bench, uncounted
from edgec.tune.workers import measured


@dataclass(frozen=True)
class Tuned:
    """A graph whose nodes name their families of kernels (attribute family) where these are not what the op
    chooses by itself. tried: candidates measured for it, now or in an earlier build. changed: such nodes."""

    graph: Graph
    tried: int
    changed: int


@dataclass
class Tuner:
    """Chooses kernels for a target; `costs` is what it has measured so far, in cycles of all rows.

    jobs: measurements at a time. small: kernels that want more scratch than the one that an op chooses by
    itself are left alone. Raises Diagnostic E101 for a target on which nothing is counted.
    """

    target: Target
    progress: Progress
    jobs: int
    small: bool = False
    costs: dict[Form, float] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        if not self.target.is_mcu:
            raise uncounted(self.target)

    def tune(self, graph: Graph) -> Tuned:
        """Measure the candidates of all layers; the graph with the fastest family of each.

        Of layers that differ in their numbers only, the first is measured. Where a family can take blocks of
        several sizes, the one that it takes by itself counts here: their size is the planner's choice.
        """
        ways = {node.name: found for node, found in choosable(graph)}
        self._measure(graph, ways)
        made, changed = graph.copy(), 0
        for name, found in ways.items():
            best = self._best(found)
            if best is not found[0]:
                made.node(name).attrs["family"] = best.family
                changed += 1
        tried = {c.form for found in ways.values() for c in found if c.form in self.costs}
        return Tuned(made, len(tried), changed)

    def _best(self, found: list[Candidate]) -> Candidate:
        """The fastest of the candidates in blocks of their own size; of equals the first."""
        own = found[0]
        allowed = [c for c in found if not c.block and (c.scratch <= own.scratch or not self.small)]
        timed = [c for c in allowed if c.form in self.costs]
        return min(timed, key=lambda c: self.costs[c.form]) if own in timed else own

    def _measure(self, graph: Graph, ways: Mapping[str, list[Candidate]]) -> None:
        """Fill `costs`, from the cache where it can tell."""
        board, factor = bench(self.target, graph), Costs.of(self.target, graph).instruction
        forms: dict[str, list[Form]] = {}
        layers: dict[str, Graph] = {}
        seen = set(self.costs)
        for name, found in ways.items():
            keys: list[tuple[Candidate, str]] = []
            for candidate in (c for c in found if c.form not in seen):
                seen.add(candidate.form)
                key = next((k for other, k in keys if candidate.same_code(other)), "")
                if not key:
                    layer = one_layer(graph, graph.node(name), candidate)
                    key = cache.key_of(layer, kernel_sources([candidate.kernel]), board)
                    layers[key] = layer
                    keys.append((candidate, key))
                forms.setdefault(key, []).append(candidate.form)

        def keep(key: str, cost: Cost) -> None:
            cycles = cost.instructions * factor if cost.cycles is None else cost.cycles
            self.costs.update(dict.fromkeys(forms[key], float(cycles)))

        total = len(layers)
        for key in list(layers):
            if (cost := self._known(key)) is not None:
                keep(key, cost)
                del layers[key]
        known = total - len(layers)
        self.progress.stage(f"tune {len(ways)} layers: {total} kernels to measure, {known} of them known")
        if not layers:
            return
        done = known
        try:
            for key, found_cost in measured(layers, board, self.jobs):
                done += 1
                if found_cost is not None:
                    self._store(key, found_cost)
                    keep(key, found_cost)
                self.progress.step(done, total)
        except KeyboardInterrupt:
            self.progress.note(f"{done} of {total} kernels are measured, and kept for the next build")
            raise

    def _known(self, key: str) -> Cost | None:
        try:
            return cache.load(key)
        except cache.Damaged as error:
            self.progress.note(f"measured again: {cache.path_of(key)}, {error}")
            return None

    def _store(self, key: str, cost: Cost) -> None:
        try:
            cache.store(key, cost)
        except OSError as error:
            self.progress.warn(f"a measurement cannot be kept for the next build: {error}")
