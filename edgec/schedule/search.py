"""The search over schemes: rewrites that trade work for memory, each planned, the best kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

from edgec.ir import Graph
from edgec.ops.base import call_of, op_of
from edgec.passes.clone_producer import CloneProducer
from edgec.passes.rerun_sites import Site, rerun_sites
from edgec.passes.running_sums import RunningSums
from edgec.passes.split_attention import SplitAttention
from edgec.schedule.plan import Plan
from edgec.schedule.planner import Goal, Packed, pack
from edgec.schedule.stripping import stripped

LEAVES = (1.3, 1.6, 2.0)
"""Shares of a network's own work for which strips are tried on the way to what may be spent."""
NEAR = 1.1
"""Schemes up to so many times the smallest are given to the solver."""


@dataclass(frozen=True)
class Scheme:
    """A graph that computes the same as another, bit for bit, and where its rows go.

    macs: multiply-accumulates of one inference, with all that is computed twice. moves: what was done to
    the graph to come here, in words.
    """

    graph: Graph
    packed: Packed
    macs: int
    moves: tuple[str, ...] = ()

    @property
    def arena(self) -> int:
        """Bytes of the arena."""
        return self.packed.size

    def solved(self) -> Scheme:
        """The same with the best addresses that the solver finds."""
        return replace(self, packed=self.packed.solved())

    @property
    def plan(self) -> Plan:
        """The plan."""
        return self.packed.plan(self.graph)


@dataclass
class Search:
    """What is searched: the integer graph as it was lowered, and what its schemes may cost.

    stream: inputs arrive row by row. most: multiply-accumulates that a scheme may take, as a share of the
    graph's own. tell: hears of every scheme that is tried.
    """

    graph: Graph
    stream: bool = False
    most: float = 1.0
    tell: Callable[[Scheme], None] = lambda scheme: None
    tried: list[Scheme] = field(default_factory=list)
    _found: list[Scheme] = field(default_factory=list)
    _more: Iterator[Scheme] | None = None

    @cached_property
    def macs(self) -> int:
        """The graph's own multiply-accumulates; at least one."""
        return max(1, macs_of(self.graph))

    def plain(self, optimize: Goal = "speed") -> Scheme:
        """Every layer in one step: no row loops."""
        return self._planned(self.graph, (), optimize, regions=False)

    def smallest(self) -> Scheme:
        """The scheme with the smallest arena."""
        return self._best([self.plain("memory"), *self.schemes()])

    def cheapest(self, room: int) -> Scheme:
        """The first scheme, cheap ones first, whose arena is at most `room`; else the smallest."""
        found = [self.plain()]
        if found[0].arena > room:
            for scheme in self.schemes():
                found.append(scheme)
                if scheme.arena <= room:
                    break
        if found[-1].arena <= room:
            return found[-1]
        return self._best(found)

    def _best(self, schemes: list[Scheme]) -> Scheme:
        """The smallest once the solver has looked at those that it may make smaller than the smallest."""
        ranked = sorted(schemes, key=lambda s: s.arena)
        best = ranked[0].solved()
        for scheme in ranked[1:]:
            near = scheme.arena <= ranked[0].arena * NEAR
            if near and scheme.packed.bound < best.arena and (found := scheme.solved()).arena < best.arena:
                best = found
        return best

    def pareto(self) -> list[Scheme]:
        """All schemes that no other beats in both bytes and multiply-accumulates, the largest arena first."""
        for _ in (self.plain("memory"), *self.schemes()):
            pass
        found: list[Scheme] = []
        allowed = (s for s in self.tried if s.macs <= self.most * self.macs)
        for scheme in sorted(allowed, key=lambda s: (s.macs, s.arena)):
            if not found or scheme.arena < found[-1].arena:
                found = [s for s in found if s.macs < scheme.macs] + [scheme]
        return found

    def schemes(self) -> Iterator[Scheme]:
        """Schemes worth a look, cheap ones first; each is planned once, however often one asks."""
        if self._more is None:
            self._more = self._search()
        yield from self._found
        for scheme in self._more:
            self._found.append(scheme)
            yield scheme

    def _search(self) -> Iterator[Scheme]:
        best = None
        for graph, moves in self._forms():
            scheme = self._planned(graph, moves)
            yield scheme
            if best is None or scheme.arena <= best.arena:
                best = scheme
        assert best is not None
        for most in dict.fromkeys((1.0, self.most)):  # leave to spend more never ends with more memory
            for scheme in self._reruns(best, most):
                yield (best := scheme)
        if self.most > 1.0:
            yield from self._strips(best)

    def _strips(self, best: Scheme) -> Iterator[Scheme]:
        """The widest ops in strips of columns, as long as narrower ones make it smaller.

        Forms that cost little are tried whatever may be spent, so that more leave is never worse.
        """
        graph, before, least = best.graph, best.moves, best.arena
        for most in sorted({m for m in LEAVES if m < self.most} | {self.most}):
            worse = 0
            for form in stripped(graph, most * self.macs):
                sets = f"{form.sets} set{'s' * (form.sets != 1)} of layers"
                moves = (*before, f"{sets} in {form.strips} strips of columns")
                scheme = self._planned(form.graph, moves, again=form.again)
                if scheme.macs <= self.most * self.macs:
                    yield scheme
                worse = 0 if scheme.arena < least else worse + 1
                least = min(least, scheme.arena)
                if worse > 2:
                    break

    def _forms(self) -> Iterator[tuple[Graph, tuple[str, ...]]]:
        """The graph, and forms of it that compute nothing twice."""
        yield self.graph, ()
        graph = self.graph.copy()
        moves: tuple[str, ...] = ()
        if RunningSums().run(graph).made:
            moves = ("running sums",)
            yield graph, moves
        for heads in (False, True):
            split = graph.copy()
            changed = SplitAttention(heads=heads).run(split).made
            free = _free_reruns(split)
            if free:
                CloneProducer(free).run(split)
            if changed or free:
                named = "attention head by head" if heads else "keys and values apart from queries"
                done = (named,) if changed else ()
                yield split, (*moves, *done, *(("layers run twice at no cost",) if free else ()))
            if not changed:
                break

    def _reruns(self, best: Scheme, most: float) -> Iterator[Scheme]:
        """Layers run again instead of being stored, as long as this makes the best scheme smaller.

        most: as `Search.most`.
        """
        own = self.macs
        while True:
            groups: dict[str, list[Site]] = {}
            for site in rerun_sites(best.graph, max(0.0, most - best.macs / own)):
                if not (self.stream and site.inputs):
                    groups.setdefault(site.kind, []).append(site)
            found = None
            for sites in groups.values():
                if best.macs + sum(s.macs for s in sites) > most * own or not _matters(best, sites):
                    continue
                graph = best.graph.copy()
                CloneProducer(tuple(sites)).run(graph)
                where = graph.node(sites[0].chain[-1]).path or sites[0].value
                alike = f" and {len(sites) - 1} like it" if len(sites) > 1 else ""
                scheme = self._planned(graph, (*best.moves, f"{where}{alike} run twice"))
                if scheme.arena < (found or best).arena:
                    found = scheme
            if found is None:
                return
            best = found
            yield best

    def _planned(
        self,
        graph: Graph,
        moves: tuple[str, ...],
        optimize: Goal = "memory",
        *,
        regions: bool = True,
        again: frozenset[str] = frozenset(),
    ) -> Scheme:
        packed = pack(graph, optimize, stream=self.stream, regions=regions, again=again)
        scheme = Scheme(graph, packed, macs_of(graph, packed), moves)
        self.tried.append(scheme)
        self.tell(scheme)
        return scheme


def macs_of(graph: Graph, packed: Packed | None = None) -> int:
    """Multiply-accumulates of one inference; of what is packed, with all rows that are computed again."""
    if packed is None:
        return sum(op_of(n).macs(call_of(graph, n)) for n in graph.nodes())
    rows: dict[str, int] = {}
    for name, count in packed.rows:
        rows[name] = rows.get(name, 0) + count
    total = 0
    for name, count in rows.items():
        call = call_of(graph, node := graph.node(name))
        total += op_of(node).macs(call) * count // max(call.outs[0].rows, 1)
    return total


def _free_reruns(graph: Graph) -> tuple[Site, ...]:
    """Sites that cost no multiply-accumulate and hold nothing longer than it is held anyway."""
    found: dict[tuple[str, tuple[tuple[str, int], ...]], Site] = {}
    for site in rerun_sites(graph, 0.0):
        if site.macs == 0 and site.held == 0:
            found.setdefault((site.value, site.consumers), site)
    return tuple(found.values())


def _matters(scheme: Scheme, sites: list[Site]) -> bool:
    """Whether what the sites would not store any more is a large part of the arena."""
    places, windows = scheme.packed.draft.job.places, scheme.packed.draft.windows
    return max(windows[places[s.value].buffer].bytes for s in sites if s.value in places) * 20 >= scheme.arena
