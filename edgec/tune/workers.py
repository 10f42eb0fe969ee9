"""Layers measured in parallel."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from edgec.codegen.toolchain import DoesNotFit
from edgec.ir import Graph
from edgec.sim.runner import Cost
from edgec.target import Target
from edgec.tune.measure import measure
from edgec.workers import Workers


def measured(layers: Mapping[str, Graph], target: Target, jobs: int) -> Iterator[tuple[str, Cost | None]]:
    """Key and cost of every layer, as they are done; None for one that does not fit the board.

    Where the caller stops, all workers end at once. Raises the Diagnostic of the first measurement that
    fails, RuntimeError for a bug in edgec.
    """
    with Workers(max(1, min(jobs, len(layers)))) as workers:
        yield from workers.perform(fitting, {key: (layer, target) for key, layer in layers.items()})


def fitting(layer: Graph, target: Target) -> Cost | None:
    """What a layer takes; None where it does not fit the board."""
    try:
        return measure(layer, target)
    except DoesNotFit:
        return None
