"""Time as the pictures of memory have it: a stretch for every region, as wide as its work is long."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edgec.schedule.plan import Plan, Step

_EDGE = 0.012
"""The share of the width for what is before the first step, and for what is after the last."""


@dataclass(frozen=True)
class Band:
    """A region on the axis: steps first .. last-1; nodes in order of execution."""

    index: int
    nodes: tuple[str, ...]
    first: int
    last: int
    begin: float
    end: float


@dataclass(frozen=True)
class Axis:
    """Places in time between 0 and 1. begins[k], ends[k]: of step k-1; the first entry is before all steps,
    the last after them."""

    bands: tuple[Band, ...]
    begins: np.ndarray
    ends: np.ndarray

    @staticmethod
    def of(plan: Plan) -> Axis:
        """Widths go with the root of the number of rows: a layer that is one step is seen next to a
        row loop of thousands."""
        found = _bands(plan)
        steps = len(plan.steps)
        rows = np.array([max(1, s.last - s.first) for s in plan.steps])
        weights = [math.sqrt(int(rows[a:b].sum())) for _, _, a, b in found]
        inner = 1 - 2 * _EDGE if found else 0
        floor = inner * min(0.012, 0.5 / max(1, len(found)))
        spare, total = inner - floor * len(found), sum(weights)
        edges = np.full(steps + 3, _EDGE if found else 0.5)
        edges[0], edges[-1] = 0, 1
        at, bands = _EDGE, []
        for (index, nodes, first, last), weight in zip(found, weights, strict=True):
            width = floor + spare * weight / total
            edges[first + 1 : last + 2] = at + width * np.arange(last - first + 1) / (last - first)
            bands.append(Band(index, nodes, first, last, at, at + width))
            at += width
        return Axis(tuple(bands), edges[:-1], edges[1:])


def _bands(plan: Plan) -> list[tuple[int, tuple[str, ...], int, int]]:
    """(index, nodes, first step, last step + 1) of every region; rows that arrive belong to the next one."""
    nodes = dict.fromkeys(s.node for s in plan.steps if isinstance(s, Step))
    regions = plan.regions or tuple((n,) for n in nodes)
    number = {node: k for k, members in enumerate(regions) for node in members}
    found: list[tuple[int, tuple[str, ...], int, int]] = []
    for at, step in enumerate(plan.steps):
        if isinstance(step, Step) and not (found and found[-1][0] == number[step.node]):
            found.append(
                (number[step.node], regions[number[step.node]], found[-1][3] if found else 0, at + 1)
            )
        elif isinstance(step, Step):
            found[-1] = (*found[-1][:3], at + 1)
    if found:
        found[-1] = (*found[-1][:3], len(plan.steps))
    elif plan.steps:
        found.append((0, (), 0, len(plan.steps)))
    return found
