"""Cycles of the simulated boards: a model of each core, and of what its memories add."""

from __future__ import annotations

from edgec.sim.timing.core import Core
from edgec.sim.timing.m7 import CortexM7
from edgec.sim.timing.scalar import CortexM0Plus, CortexM0PlusSmall, CortexM4, CortexM33
from edgec.target import Target

CORES: dict[str, type[Core]] = {c.name: c for c in (CortexM7, CortexM4, CortexM33, CortexM0Plus)}


def core_of(target: Target) -> Core | None:
    """The timing model of a board's core; None where there is none, and so no cycles."""
    if target.cpu == CortexM0Plus.name and target.multiply_cycles > 1:
        return CortexM0PlusSmall()
    made = CORES.get(target.cpu)
    return made() if made is not None and target.is_mcu else None
