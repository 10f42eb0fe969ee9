"""Lower bounds: bytes that no placement can do without."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from edgec.schedule.work import Job, Work


def shared(size_in: int, size_out: int, apart: Sequence[tuple[int, int]]) -> int:
    """The most bytes an operand and a result can share at distances outside the open intervals `apart`.

    The outermost ends are distances at which they are disjoint or share some.
    """
    at = {0, size_in - size_out, *(end for interval in apart for end in interval)}
    allowed = (d for d in at if not any(lo < d < hi for lo, hi in apart))
    return max(min(d + size_out, size_in) - max(d, 0) for d in allowed)


def extent(job: Job, work: Work, dying: Collection[int]) -> int:
    """The fewest bytes that the operands which die in a work and its results can take together.

    The operands are disjoint, the results are disjoint, and a result shares with each operand at
    most what the distances allow.
    """
    ins = sum(job.buffers[a].bytes for a in dying)
    outs = sum(job.buffers[y].bytes for y in work.writes)
    alone = 0
    for y in work.writes:
        size = job.buffers[y].bytes
        for a in dying:
            size -= shared(job.buffers[a].bytes, job.buffers[y].bytes, work.apart[a, y])
        alone += max(size, 0)
    return max(ins + alone, outs)


def step_bounds(job: Job, order: Iterable[int]) -> list[int]:
    """Per step of an order: a lower bound on the bytes live in it, scratch included.

    One more entry stands in front, for the time before the first step, when only inputs are live.
    """
    left = [len(r) for r in job.readers]
    live = sum(job.buffers[b].bytes for b in job.inputs)
    bounds = [live]
    live -= sum(job.buffers[b].bytes for b in job.inputs if not left[b] and b not in job.outputs)
    for w in order:
        work = job.works[w]
        for b in work.reads:
            left[b] -= 1
        dying = [b for b in work.reads if not left[b] and b not in job.outputs]
        live -= sum(job.buffers[b].bytes for b in dying)
        bounds.append(live + extent(job, work, dying) + work.scratch)
        live += sum(job.buffers[b].bytes for b in work.writes if left[b] or b in job.outputs)
    return bounds


def lower_bound(job: Job, order: Iterable[int]) -> int:
    """A lower bound on the arena for this order."""
    return max(step_bounds(job, order))
