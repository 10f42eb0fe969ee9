"""Weights fetched in slices while the core computes: one half of a window is filled, the other one read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from edgec.ir import Graph
from edgec.ops.kernel import Cut, Kernel
from edgec.schedule.cost import Costs, spent_by
from edgec.schedule.plan import Plan, Step
from edgec.target import Target
from edgec.target_parts import Region

ALIGN = 32
"""Both halves begin at a multiple of it: a line of any data cache."""
STEP = 4
"""Slices begin at a multiple of so many results (`Cut`)."""
HALVES = (1024, 2048, 4096, 8192)
"""Bytes of half a window that are tried. Larger ones push what lies behind them out of the fastest memory."""
SLICE = 300
"""Cycles that a slice takes beside its work: the calls, and what the data cache has to be told."""
WORD, WORD_CYCLES = 4, 4
"""Bytes that DMA copies at a time, and the cycles that this takes at least."""


@dataclass(frozen=True)
class Slice:
    """Results first .. first+results-1 of rows: `bytes` bytes of a table, from `offset` on."""

    first: int
    results: int
    offset: int
    bytes: int


@dataclass(frozen=True)
class Prefetch:
    """What is fetched: the slices of each node's constants, for each block of its rows one after the other.

    They go to the halves of a window in turn. half: bytes of each.
    """

    half: int
    nodes: Mapping[str, tuple[Slice, ...]]

    @property
    def room(self) -> int:
        """Bytes of the window."""
        return 2 * self.half


def slices(nodes: Mapping[str, Kernel], half: int) -> Prefetch:
    """The constants of nodes in slices of at most `half` bytes, about equal ones of each. Nodes of which a
    slice needs more are left out; so are those whose constants are one slice."""
    found = dict[str, tuple[Slice, ...]]()
    for name, kernel in nodes.items():
        cut, data = cut_of(kernel)
        count = int(kernel.fields[cut.results].value)  # type: ignore[arg-type]
        part = data.nbytes // len(data)
        most = half // part * cut.group // STEP * STEP
        if STEP <= most < count:
            each = -(-count // -(-count // most) // STEP) * STEP
            found[name] = tuple(
                Slice(first, n, first // cut.group * part, -(-n // cut.group) * part)
                for first in range(0, count, each)
                for n in [min(each, count - first)]
            )
    return Prefetch(half, found)


def cut_of(kernel: Kernel) -> tuple[Cut, np.ndarray]:
    """How a kernel's table is cut, and the table."""
    assert kernel.cut is not None
    data = kernel.fields[kernel.cut.table].value
    assert isinstance(data, np.ndarray)
    return kernel.cut, data


def windows(room: int) -> Iterator[int]:
    """Bytes of half a window that are worth trying within `room` bytes."""
    return (half for half in HALVES if 2 * half <= room)


def fetch_cycles(home: Region, size: int) -> int:
    """Cycles that it takes to fetch so many bytes of a memory: its beats, or words at the speed of DMA."""
    words = max(home.beat_cycles * WORD / home.beat_bytes, WORD_CYCLES)
    return home.wait_states + round(size / WORD * words)


def lost(
    graph: Graph, plan: Plan, target: Target, home: Region, chosen: Prefetch, passes: Mapping[str, int]
) -> dict[str, int]:
    """Cycles that fetching costs, by node: calls, and waits for what is not there yet. passes: over a table.

    The first slice of a step is waited for. The others come while the one before is used, which takes a share
    of the node's cycles by the estimate of `spent_by`, without waits.
    """
    own = spent_by(graph, plan, replace(Costs.of(target, graph), byte=0.0)).layers
    steps, found = Counter(s.node for s in plan.steps if isinstance(s, Step)), dict[str, int]()
    for name, parts in chosen.nodes.items():
        arrive = sum(fetch_cycles(home, p.bytes) for p in parts)
        found[name] = steps[name] * fetch_cycles(home, parts[0].bytes)
        found[name] += passes[name] * (len(parts) * SLICE + max(0, arrive - own[name] // passes[name]))
    return found
