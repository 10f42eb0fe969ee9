"""Windows taken apart: every row is placed by itself, where there is room from its first to its last event.

In a ring, which slot is free changes from row to row: of three rows of a 3 x 3 convolution two live most of
the time, and nothing else fits into the third.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from edgec.schedule.lives import Tenancy
from edgec.schedule.pull import Program
from edgec.schedule.work import ALIGN, Job

ROWS = 3000
"""Rows that are placed by themselves; where there would be more, all windows stay whole."""
REACH = ALIGN * 0xFFFF
"""The longest way from a window's first byte to a row: slots are stored in 16 bits, in units of ALIGN."""


def scattered(job: Job, program: Program, windows: Sequence[Tenancy]) -> list[list[Tenancy]] | None:
    """Per window the tenancies of its rows, or itself where it stays in one piece; None if all do.

    Those do that the user sees, that are looked at under several shapes, or that kernels take more than a row
    of at a time: what they gain from rows that lie one behind the other is not given away.
    """
    apart = {k for k, t in enumerate(windows) if _may(job, t)}
    rings = any(windows[k].capacity < windows[k].buffer.units for k in apart)
    if not rings or sum(windows[k].buffer.units for k in apart) > ROWS:
        return None
    return [_rows(_until_step(job, program, t)) if k in apart else [t] for k, t in enumerate(windows)]


def _may(job: Job, t: Tenancy) -> bool:
    b = t.index
    if b < 0 or t.rows or t.buffer.units < 2 or not t.bytes or b in job.inputs or b in job.outputs:
        return False
    works = [job.works[w] for w in (*job.writers[b], *job.readers[b])]
    if any(job.works[w].carries for w in job.writers[b]):
        return False  # a row goes on where the one before it lies, or apart from it
    reads = [r for w in works for r in w.reads if r.place.buffer == b]
    single = not any(w.feeds or w.at_once or w.block > 1 for w in works)
    few = all(int((r.last - r.first).max(initial=0)) + 1 < t.buffer.units for r in reads)
    return single and few and all(p.span == 1 for p in job.places.values() if p.buffer == b)


def _until_step(job: Job, program: Program, t: Tenancy) -> Tenancy:
    """The window where rows live until all that are computed in the same step are there."""
    death = t.death.copy()
    for w, first, last in program.chunks:
        if w in job.writers[t.index] and last - first > 1:
            np.maximum(death[first:last], 2 * program.times[w][last - 1], out=death[first:last])
    return replace(t, death=death)


def _rows(t: Tenancy) -> list[Tenancy]:
    return [
        replace(t, capacity=1, birth=t.birth[k : k + 1], death=t.death[k : k + 1], first=k)
        for k in range(t.buffer.units)
    ]
