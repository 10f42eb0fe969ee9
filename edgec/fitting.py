"""Which scheme a build takes: the smallest, or the cheapest that fits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeVar

from edgec.codegen.toolchain import DoesNotFit
from edgec.options import BuildOptions
from edgec.pipeline import Lowered
from edgec.schedule.cost import Costs
from edgec.schedule.forms import Form
from edgec.schedule.search import Scheme, Search
from edgec.target import Target

Linked = TypeVar("Linked")

AROUND = 4096
"""Bytes of stack and data beside the arena, as long as nothing is linked that tells."""


def fitted(
    options: BuildOptions,
    target: Target,
    lowered: Lowered,
    link: Callable[[Lowered, Scheme], Linked],
    tell: Callable[[Scheme], None],
    measured: Mapping[Form, float],
) -> Linked:
    """What linking gave for the scheme that is taken. link: raises DoesNotFit. tell: as in `Search`.
    measured: as in `Costs`.

    With --optimize memory that is the scheme with the smallest arena, int8 residual streams included; without
    it and without a budget the same, at the model's full precision; otherwise the one of the fewest cycles
    that fits, with int8 residual streams where nothing else does. Where the smallest does not fit, one that
    reads constants more often may. Raises the DoesNotFit of the last that was tried.
    """
    limit = options.budget if options.budget is not None else target.sram_bytes
    stream = options.input_mode == "stream"
    costs = replace(Costs.of(target, lowered.graph), measured=measured)
    search = Search(lowered.graph, stream, options.max_overhead, tell, costs)
    if not options.regions or limit is None:
        return link(lowered, search.plain(options.optimize or "memory"))
    if options.optimize == "memory":
        return _least(link, *_smallest(lowered, search))
    try:
        return _cheapest(lowered, search, limit, link, options.budget is None and options.optimize is None)
    except DoesNotFit as error:
        if error.memory != "SRAM" or lowered.narrow is None:
            raise
    narrow = lowered.narrow()
    again = replace(search, graph=narrow.graph)
    return _cheapest(narrow, again, limit, link, False)


def _smallest(lowered: Lowered, search: Search) -> tuple[Lowered, Search]:
    """The model with int8 residual streams, where these make its smallest scheme smaller."""
    if lowered.narrow is not None:
        narrow = lowered.narrow()
        other = replace(search, graph=narrow.graph)
        search = replace(search, below=other.smallest().arena + 1)
        if other.smallest().arena < search.smallest().arena:
            return narrow, other
    return lowered, search


def _least(link: Callable[[Lowered, Scheme], Linked], lowered: Lowered, search: Search) -> Linked:
    """The smallest scheme; if that does not fit, the smallest of all."""
    scheme = search.smallest()
    try:
        return link(lowered, scheme)
    except DoesNotFit as error:
        if error.memory != "SRAM" or (other := search.smallest(whatever=True)).arena >= scheme.arena:
            raise
        return link(lowered, other)


def _cheapest(
    lowered: Lowered, search: Search, limit: int, link: Callable[[Lowered, Scheme], Linked], least: bool
) -> Linked:
    """The scheme of the fewest cycles that fits; with `least`, only the smallest is tried."""
    room = limit - AROUND
    while not least:
        scheme = search.cheapest(room)
        try:
            return link(lowered, scheme)
        except DoesNotFit as error:
            known = limit - (error.need - scheme.arena)
            if error.memory != "SRAM" or scheme.arena > room or known >= room:
                raise
            room = known
    return _least(link, lowered, search)
