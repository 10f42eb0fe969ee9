"""Sets of ops in strips of columns whose rows are computed anew: less memory for more work."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from statistics import median

import numpy as np

from edgec.ir import Graph
from edgec.ops.base import call_of, op_of
from edgec.passes.strip_candidates import strip_candidates
from edgec.passes.strips import Strips

LEVELS = (3, 6, 10, 14, 18)
"""Into how many parts the widest rows of a network are to be cut, one try each."""
STEPS = 16
"""Widths are compared in so many steps up to the widest."""


@dataclass(frozen=True)
class Stripped:
    """A graph in which sets of ops run over strips of columns.

    again: nodes whose rows are computed anew for every row that reads them. strips: how many, all sets
    together. sets: how many sets.
    """

    graph: Graph
    again: frozenset[str]
    strips: int
    sets: int


def stripped(graph: Graph, most: float) -> Iterator[Stripped]:
    """Forms of an integer graph with ever narrower strips.

    In each form no set keeps more bytes of wide rows than a limit, the widest sets first, of those of about
    the same width the first ones, as long as all rows together take at most `most` multiply-accumulates. Sets
    that are dear for what they save come last.
    """
    wide = [w for names in strip_candidates(graph) if (w := _Wide.of(graph, names)) is not None]
    if not wide:
        return
    dear = 3 * median(w.price for w in wide)
    most_bytes = max(w.bytes for w in wide)
    wide.sort(key=lambda w: (w.price > dear, -round(STEPS * w.bytes / most_bytes)))
    cheap = [w for w in wide if w.price <= dear]
    seen = set[frozenset[str]]()
    for sets in (cheap, wide):
        for parts in LEVELS:
            form = _form(graph, sets, most_bytes // parts, most)
            if form is not None and form.again not in seen:
                seen.add(form.again)
                yield form


@dataclass(frozen=True)
class _Wide:
    """A set of ops, and those of them whose rows others of the set read more than once.

    again: such an op and how often, on the average, a row of it is read. bytes: of such rows that are live
    together. extra: multiply-accumulates of computing them anew. columns: of the result.
    """

    names: tuple[str, ...]
    again: tuple[tuple[str, float], ...]
    bytes: int
    extra: float
    columns: int

    @property
    def price(self) -> float:
        """Multiply-accumulates for every byte that need not be kept."""
        return self.extra / self.bytes

    def anew(self, count: int) -> Iterator[tuple[str, float]]:
        """What is computed anew where the set runs in so many strips, and how often."""
        for name, times in self.again:
            yield from ((f"{name}_strip{k}", times) for k in range(count))

    @staticmethod
    def of(graph: Graph, names: tuple[str, ...]) -> _Wide | None:
        again, held, extra = [], 0, 0.0
        for name in names:
            node = graph.node(name)
            readers = graph.consumers(node.outputs[0])
            if len(readers) != 1 or readers[0][0].name not in names:
                continue
            reader, k = readers[0]
            rows = op_of(reader).rows(call_of(graph, reader))[k]
            if rows is None:
                continue
            count = np.maximum(rows.last - rows.first + 1, 0)
            type = graph.type(node.outputs[0])
            if count.sum() > type.rows:
                again.append((name, float(count.sum()) / type.rows))
                held += int(count.max()) * type.row_bytes
                extra += op_of(node).macs(call_of(graph, node)) * (again[-1][1] - 1)
        if not again:
            return None
        return _Wide(names, tuple(again), held, extra, graph.type(graph.node(names[-1]).outputs[0]).shape[2])


def _form(graph: Graph, wide: list[_Wide], limit: int, most: float) -> Stripped | None:
    made, anew, strips, sets = graph.copy(), dict[str, float](), 0, 0
    for w in wide:
        count = min(-(-w.bytes // max(limit, 1)), w.columns)
        if count < 2:
            continue
        trial, times = made.copy(), anew | dict(w.anew(count))
        if Strips(w.names, count).run(trial).made and _macs(trial, times) <= most:
            made, anew = trial, times
            strips, sets = strips + count, sets + 1
    return Stripped(made, frozenset(anew), strips, sets) if sets else None


def _macs(graph: Graph, times: Mapping[str, float]) -> float:
    """Multiply-accumulates of a graph whose nodes are computed so many times."""
    return sum(op_of(n).macs(call_of(graph, n)) * times.get(n.name, 1.0) for n in graph.nodes())
