"""Cycles of the simulated boards: a model of each core, and of what its memories add."""

from __future__ import annotations

from edgec.sim.timing.core import Core
from edgec.sim.timing.m7 import CortexM7
from edgec.sim.timing.scalar import CortexM0Plus, CortexM0PlusSmall, CortexM4, CortexM33
from edgec.target import Target

CORES: dict[str, type[Core]] = {c.name: c for c in (CortexM7, CortexM4, CortexM33, CortexM0Plus)}


def describe(target: Target) -> str:
    """Which model a board's cycles come from: core, its version, caches and waits. ValueError without one."""
    core = core_of(target)
    if core is None:
        raise ValueError(f"no model of {target.cpu}")
    parts = [core.summary]
    caches = [(target.icache, "I"), (target.dcache, "D")]
    sizes = [f"{_size(c.size)} {kind}-cache" for c, kind in caches if c is not None]
    waits = [
        f"{r.name} {r.wait_states}"
        for r in target.regions
        if r.wait_states and r.cached and {"code", "weights"} & set(r.holds)
    ]
    if sizes:
        parts.append(" + ".join(sizes))
    if waits:
        parts.append(f"{' + '.join(waits)} wait states")
    return f"{core.name} v{core.version}: {', '.join(parts)}"


def _size(size: int) -> str:
    return f"{size // 1024} KB" if size >= 1024 else f"{size} B"


def core_of(target: Target) -> Core | None:
    """The timing model of a board's core; None where there is none, and so no cycles."""
    if target.cpu == CortexM0Plus.name and target.multiply_cycles > 1:
        return CortexM0PlusSmall()
    made = CORES.get(target.cpu)
    return made() if made is not None and target.is_mcu else None
