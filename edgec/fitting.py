"""Which scheme a build takes: the smallest, or the cheapest that fits."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from edgec.codegen.toolchain import DoesNotFit
from edgec.options import BuildOptions
from edgec.pipeline import Lowered
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
) -> Linked:
    """What linking gave for the scheme that is taken. link: raises DoesNotFit. tell: as in `Search`.

    With --optimize memory that is the scheme with the smallest arena, int8 residual streams included; without
    it and without a budget the same, at the model's full precision; otherwise the cheapest that fits, with
    int8 residual streams where nothing else does. Raises the DoesNotFit of the last that was tried.
    """
    limit = options.budget if options.budget is not None else target.sram_bytes
    search = Search(lowered.graph, options.input_mode == "stream", options.max_overhead, tell)
    if not options.regions or limit is None:
        return link(lowered, search.plain(options.optimize or "memory"))
    if options.optimize == "memory":
        return link(*_smallest(lowered, search))
    try:
        return _cheapest(lowered, search, limit, link, options.budget is None and options.optimize is None)
    except DoesNotFit as error:
        if error.memory != "SRAM" or lowered.narrow is None:
            raise
    narrow = lowered.narrow()
    again = Search(narrow.graph, search.stream, search.most, search.tell)
    return _cheapest(narrow, again, limit, link, False)


def _smallest(lowered: Lowered, search: Search) -> tuple[Lowered, Scheme]:
    scheme = search.smallest()
    if lowered.narrow is not None:
        narrow = lowered.narrow()
        other = Search(narrow.graph, search.stream, search.most, search.tell).smallest()
        if other.arena < scheme.arena:
            return narrow, other
    return lowered, scheme


def _cheapest(
    lowered: Lowered, search: Search, limit: int, link: Callable[[Lowered, Scheme], Linked], least: bool
) -> Linked:
    """The first scheme that fits, cheap ones first; with `least`, only the smallest is tried."""
    room = limit - AROUND
    while True:
        scheme = search.smallest() if least else search.cheapest(room)
        try:
            return link(lowered, scheme)
        except DoesNotFit as error:
            known = limit - (error.need - scheme.arena)
            if error.memory != "SRAM" or least or scheme.arena > room or known >= room:
                raise
            room = known
