"""The search over schemes: rewrites that trade work for memory, each planned, the best kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import inf

from edgec.ir import Graph
from edgec.passes.clone_producer import CloneProducer
from edgec.passes.rerun_sites import Site, rerun_sites
from edgec.schedule.blocks import BLOCKS, in_blocks, natural_blocks, slimmer
from edgec.schedule.cost import PLAIN, Costs, Spent, spent, spent_by
from edgec.schedule.free_forms import free_forms
from edgec.schedule.plan import Plan
from edgec.schedule.planner import Goal, Packed, pack
from edgec.schedule.stripping import stripped

LEAVES = (1.3, 1.6, 2.0)
"""Shares of a network's own work for which strips are tried on the way to what may be spent."""
NEAR = 1.1
"""Schemes up to so many times the smallest are given to the solver."""
READS = 1.1
"""How many times the bytes of constants that layers one by one read the smallest scheme may read."""
SLIM = 3
"""Schemes, the smallest first, that are planned with less scratch, too."""
SAVED = 0.02
"""Share of the arena that less scratch has to save: it takes cycles."""
SLOWER = 1.05
"""How many times the cycles of layers one by one it may take, as estimated, that computes nothing twice."""
WORTH = 0.01
"""Share of the cycles below which a scheme that may be cheaper is not looked for."""


@dataclass(frozen=True)
class Scheme:
    """A graph that computes the same as another, bit for bit, and where its rows go.

    spent: of one inference, with all that is computed twice. moves: what was done to the graph to come here,
    in words. again: nodes whose rows are computed anew for every row that reads them.
    """

    graph: Graph
    packed: Packed
    spent: Spent
    moves: tuple[str, ...] = ()
    again: frozenset[str] = frozenset()
    regions: bool = True

    @property
    def arena(self) -> int:
        """Bytes of the arena."""
        return self.packed.size

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one inference."""
        return self.spent.macs

    def solved(self, below: float = inf) -> Scheme:
        """The same with the best addresses that the solver finds. below: bytes; only less is of interest."""
        return replace(self, packed=self.packed.solved(below))

    @property
    def plan(self) -> Plan:
        """The plan."""
        return self.packed.plan(self.graph)


@dataclass
class Search:
    """What is searched: the integer graph as it was lowered, and what its schemes may cost.

    stream: inputs arrive row by row. most: multiply-accumulates that a scheme may take, as a share of the
    graph's own. tell: hears of every scheme that is tried. costs: of the board, in cycles. below: bytes
    that an arena has to be smaller than to be of interest.
    """

    graph: Graph
    stream: bool = False
    most: float = 1.0
    tell: Callable[[Scheme], None] = lambda scheme: None
    costs: Costs = PLAIN
    below: float = inf
    tried: list[Scheme] = field(default_factory=list, init=False)
    _found: list[Scheme] = field(default_factory=list, init=False)
    _more: Iterator[Scheme] | None = field(default=None, init=False)
    _kept: dict[object, Scheme] = field(default_factory=dict, init=False)
    """What is asked for more than once."""

    @cached_property
    def macs(self) -> int:
        """The graph's own multiply-accumulates; at least one."""
        return max(1, self.unstreamed.macs)

    @cached_property
    def unstreamed(self) -> Spent:
        """What the graph takes with every layer in one step."""
        return spent_by(self.graph, None, self.costs)

    def plain(self, optimize: Goal = "speed") -> Scheme:
        """Every layer in one step: no row loops."""
        return self._once(optimize, lambda: self._planned(self.graph, (), optimize, regions=False))

    def smallest(self, *, whatever: bool = False) -> Scheme:
        """The scheme with the smallest arena, of those that are hardly slower than layers one by one.

        Those that spend work beyond the graph's own may be. whatever: any scheme may, and blocks of one row
        are tried too.
        """
        return self._once(("smallest", whatever), lambda: self._smallest(whatever))

    def _smallest(self, whatever: bool) -> Scheme:
        found = [self.plain("memory"), *self.schemes()]
        if whatever:
            least = self._resized(min(found, key=lambda s: s.arena), 1)
            return self._best(found if least is None else [*found, least])
        found = [s for s in found if self._is_quick(s.spent)]
        best = self._best(found)
        most = min(s.arena for s in found)  # unsolved, as they are
        slim = (self._slim(s, most) for s in sorted(found, key=lambda s: s.arena)[:SLIM])
        quick = [s for s in slim if s is not None and self._is_quick(s.spent)]
        other = self._best(quick) if quick else best
        return other if other.arena < best.arena * (1 - SAVED) else best

    def _slim(self, scheme: Scheme, below: int) -> Scheme | None:
        """The scheme with less scratch for the layers at which it needs the most memory; None where this
        does not make it much smaller, and smaller than `below`."""
        saves = slimmer(scheme.graph)
        below = min(below, int(scheme.arena * (1 - SAVED)) + 1)
        full = {n: 1 for n in saves if scheme.packed.peaks.get(n, 0) >= below}
        if not saves or not self._is_quick(spent_by(in_blocks(scheme.graph, full), None, self.costs)):
            return None
        least = self._resized(scheme, 1, below)
        if least is None or least.arena >= below:
            return None
        peaks = least.packed.peaks
        few = {n: 1 for n, more in saves.items() if peaks.get(n, 0) + more > max(peaks.values())}
        if not few or len(few) == len(saves):
            return least
        moves = (*scheme.moves, f"{len(few)} layer{'s' * (len(few) != 1)} with less scratch")
        graph = in_blocks(scheme.graph, few)
        slim = self._planned(graph, moves, again=scheme.again, regions=scheme.regions, below=below)
        return min(least, slim, key=lambda s: (s.arena, s.spent.cycles))

    def _is_quick(self, spent: Spent) -> bool:
        """Whether row loops cost next to nothing, or a scheme computes anything twice, as it is free to."""
        reads, cycles = READS * self.unstreamed.reads, max(SLOWER, self.most) * self.unstreamed.cycles
        return spent.macs > self.macs or (spent.reads <= reads and spent.cycles <= cycles)

    def cheapest(self, room: int) -> Scheme:
        """The scheme of the fewest cycles, as estimated, whose arena is at most `room`; else the smallest.

        What may be cheaper by less than WORTH of the cycles is not looked for. Forms that run layers again
        are looked at where no other fits, and blocks of one row where nothing else does.
        """
        best: Scheme | None = None
        found: list[Scheme] = []
        for scheme in self._cheap_first():
            found.append(scheme)
            if scheme.arena <= room:
                best = self._wider(scheme, room, min(best or scheme, scheme, key=_cycles))
            enough = best is not None and best.spent.cycles <= self._least_cycles * (1 + WORTH)
            if best is not None and (enough or len(found) > len(self._forms)):
                return best
        least = self._best(found)
        if least.arena > room:
            single = [s for x in found if (s := self._resized(x, 1)) is not None]
            fits = [s for s in single if s.arena <= room]
            return fits[0] if fits else self._best([least, *single])
        return least

    def _once(self, key: object, find: Callable[[], Scheme]) -> Scheme:
        if key not in self._kept:
            self._kept[key] = find()
        return self._kept[key]

    def _cheap_first(self) -> Iterator[Scheme]:
        yield self.plain()
        yield from self.schemes()

    @cached_property
    def _least_cycles(self) -> int:
        """Fewer cycles no scheme takes: layers one by one, in the best blocks that there are."""
        forms = [in_blocks(self.graph, dict.fromkeys(natural_blocks(self.graph), rows)) for rows in BLOCKS]
        return min(spent_by(form, None, self.costs).cycles for form in forms)

    def _wider(self, scheme: Scheme, room: int, best: Scheme) -> Scheme:
        """The scheme in the largest blocks that fit, where it becomes cheaper than `best`.

        Arenas grow with blocks, so that it is found by halving. Larger blocks that would save no more than
        WORTH of the cycles are not tried.
        """
        sizes = self._worthwhile(scheme)
        low, high = 0, len(sizes)  # the first `low` fit, those from `high` on do not
        while low < high:
            middle = high - 1 if not low and high == len(sizes) else (low + high) // 2
            wide = self._resized(scheme, sizes[middle])
            assert wide is not None
            if wide.arena <= room:
                low, best = middle + 1, min(best, wide, key=_cycles)
            else:
                high = middle
        return best

    def _worthwhile(self, scheme: Scheme) -> list[int]:
        """Sizes of blocks, ascending, each of which saves some of the scheme's cycles."""
        natural, sizes = natural_blocks(scheme.graph), list[int]()
        now = spent_by(scheme.graph, None, self.costs).cycles
        for rows in BLOCKS:
            if rows > max(natural.values(), default=BLOCKS[-1]):
                form = in_blocks(scheme.graph, {n: max(rows, own) for n, own in natural.items()})
                cycles = spent_by(form, None, self.costs).cycles
                if cycles < now * (1 - WORTH):
                    now = cycles
                    sizes.append(rows)
        return sizes

    def _resized(self, scheme: Scheme, rows: int, below: float = inf) -> Scheme | None:
        """The scheme in blocks of so many rows, or in larger ones that kernels take by themselves; with
        `rows` 1, all in single rows. None where that changes nothing. below: as in `pack`."""
        natural = natural_blocks(scheme.graph)
        blocks = {n: max(rows, own) for n, own in natural.items()}
        if rows == 1:
            blocks = dict.fromkeys([*natural, *slimmer(scheme.graph)], 1)
        if blocks == natural:
            return None
        graph = in_blocks(scheme.graph, blocks)
        moves = (*scheme.moves, f"{rows} row{'s' * (rows > 1)} for each pass over weights")
        again, regions = scheme.again, scheme.regions
        return self._once(
            (id(scheme.graph), regions, rows, below),
            lambda: self._planned(graph, moves, again=again, regions=regions, below=below),
        )

    def _best(self, schemes: list[Scheme]) -> Scheme:
        """The smallest once the solver has looked at those that it may make smaller than the smallest."""
        ranked = sorted(schemes, key=lambda s: s.arena)
        best = ranked[0].solved()
        for scheme in ranked[1:]:
            near = scheme.arena <= ranked[0].arena * NEAR
            if near and scheme.packed.bound < best.arena:
                best = min(best, scheme.solved(best.arena), key=lambda s: s.arena)
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
        for graph, moves in self._forms:
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

    @cached_property
    def _forms(self) -> list[tuple[Graph, tuple[str, ...]]]:
        return free_forms(self.graph)

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
                scheme = self._planned(graph, (*best.moves, f"{where}{alike} run twice"), below=best.arena)
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
        below: float = inf,
    ) -> Scheme:
        below = min(below, self.below)
        packed = pack(graph, optimize, stream=self.stream, regions=regions, again=again, below=below)
        cost = spent(graph, packed.job, packed.steps, self.costs)
        scheme = Scheme(graph, packed, cost, moves, again, regions)
        self.tried.append(scheme)
        self.tell(scheme)
        return scheme


def _cycles(scheme: Scheme) -> int:
    return scheme.spent.cycles


def _matters(scheme: Scheme, sites: list[Site]) -> bool:
    """Whether what the sites would not store any more is a large part of the arena."""
    places, windows = scheme.packed.job.places, scheme.packed.draft.windows
    return max(windows[places[s.value].buffer].bytes for s in sites if s.value in places) * 20 >= scheme.arena
