"""How far the model of the cost is from what the simulated board counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgec.report.schema import Layer

LEAST = 0.01
"""Layers that take a smaller share of the cycles are not looked at for the worst estimate."""


@dataclass(frozen=True)
class Apart:
    """Differences between estimated and counted cycles, as shares of the counted ones.

    average: over all cycles. worst: of any layer that takes LEAST of the cycles, which is `layer`.
    """

    average: float
    worst: float
    layer: str


def apart(layers: Sequence[Layer]) -> Apart | None:
    """The differences of a report's layers; None where cycles are not counted."""
    known = [
        (x["name"], x["cycles_estimate"], x["cycles"])
        for x in layers
        if "cycles_estimate" in x and x.get("cycles")
    ]
    if not known:
        return None
    total = sum(cycles for _, _, cycles in known)
    average = sum(abs(estimate - cycles) for _, estimate, cycles in known) / total
    shares = {n: abs(estimate - cycles) / cycles for n, estimate, cycles in known if cycles >= LEAST * total}
    layer = max(shares, key=lambda n: shares[n])
    return Apart(average, shares[layer], layer)
