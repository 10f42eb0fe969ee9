"""How long weights are learned, and in what steps."""

from __future__ import annotations

from dataclasses import dataclass

from edgec.ir import Graph
from edgec.ops.base import call_of, op_of

_WORK = 1e12
"""Multiply-accumulates that learning may take in blocks, and again for all of them together."""
_BACK = 3
"""Times the work of computing a sample that learning from it takes."""


@dataclass(frozen=True)
class Recipe:
    """How weights are learned.

    block_steps, steps: of the optimizer, for every layer of a block, and then for all blocks together. batch:
    samples of a step. rate: how far a weight goes in a step at most, as a share of the distance between two
    entries. longest: layers of a block at most. seed: of the order of samples.
    """

    block_steps: int = 150
    steps: int = 600
    batch: int = 32
    rate: float = 0.01
    longest: int = 4
    seed: int = 0


def recipe_for(graph: Graph, share: float = 1.0) -> Recipe:
    """As many steps as take some minutes, with a model of that size, or a share of them."""
    macs = max(sum(op_of(n).macs(call_of(graph, n)) for n in graph.nodes()), 1)
    steps = _WORK / (Recipe.batch * _BACK * macs)
    return Recipe(*(round(share * min(max(steps, 10), most)) for most in (200, 400)))
