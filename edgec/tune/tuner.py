"""The kernels of a graph chosen by what they take on the simulated board, or on a real one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from edgec.codegen.library import kernel_sources
from edgec.diagnostics import Diagnostic
from edgec.ir import Graph
from edgec.options import Progress
from edgec.schedule.cost import Costs
from edgec.schedule.forms import Form
from edgec.sim.runner import Cost
from edgec.target import Target
from edgec.tune import cache
from edgec.tune.candidates import Candidate, candidates, choosable, families, one_layer
from edgec.tune.measure import bench, uncounted
from edgec.tune.on_board import OnBoard
from edgec.tune.workers import measured


@dataclass(frozen=True)
class Tuned:
    """A graph with the features its kernels may use; where a kernel is not what the op chooses from these
    by itself, the node names its family.

    tried: candidates measured for it, now or in an earlier build. changed: nodes with another kernel for it.
    """

    graph: Graph
    tried: int
    changed: int


@dataclass
class Tuner:
    """Chooses kernels for a target; `costs` is what it has measured so far, in cycles of all rows.

    jobs: measurements at a time. on: a board on which to measure, not the simulated one. small: kernels that
    want more scratch than the one that an op chooses by itself are left alone. Raises Diagnostic E101 for a
    target on which nothing is counted.
    """

    target: Target
    progress: Progress
    jobs: int
    small: bool = False
    on: OnBoard | None = None
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
        chosen, own = dict[str, Candidate](), {name: found[0] for name, found in ways.items()}
        best, least = graph.copy(), math.inf
        for features in families(graph.features):
            made = graph.copy()
            made.features = frozenset(features)
            if (picked := self._picked(made, own)) is None:
                continue
            total = sum(self.costs.get(c.form, math.inf) for c in picked.values())
            if total < least:
                chosen, best, least = picked, made, total
        for name, candidate in chosen.items():
            if candidate.form != candidates(best, best.node(name))[0].form:
                best.node(name).attrs["family"] = candidate.family
        changed = sum(c.form != own[name].form for name, c in chosen.items())
        tried = {c.form for found in ways.values() for c in found if c.form in self.costs}
        return Tuned(best, len(tried), changed)

    def _picked(self, graph: Graph, own: Mapping[str, Candidate]) -> dict[str, Candidate] | None:
        """The fastest candidates of nodes in blocks of their own size, of equals the first.

        All call the same products: those that the graph's features make ops choose by themselves. own: what
        ops choose where they have all features. None where a node has no candidate.
        """
        ways = {name: candidates(graph, graph.node(name)) for name in own}
        held = frozenset[str]().union(*(found[0].products for found in ways.values()))
        picked = {}
        for name, found in ways.items():
            most = own[name].scratch if self.small else math.inf
            allowed = [c for c in found if not c.block and c.products <= held and c.scratch <= most]
            if not allowed:
                return None
            picked[name] = min(allowed, key=lambda c: self.costs.get(c.form, math.inf))
        return picked

    def _measure(self, graph: Graph, ways: Mapping[str, list[Candidate]]) -> None:
        """Fill `costs`, from the cache where it can tell."""
        board = bench(self.target, graph) if self.on is None else self.target
        factor = Costs.of(self.target, graph).instruction
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
                    key = cache.key_of(layer, kernel_sources([candidate.kernel]), board, self.on is not None)
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
            for key, found_cost in (
                measured(layers, board, self.jobs) if self.on is None else self.on.measured(layers, board)
            ):
                done += 1
                if found_cost is not None:
                    self._store(key, found_cost)
                    keep(key, found_cost)
                self.progress.step(done, total)
        except (KeyboardInterrupt, Diagnostic):
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
