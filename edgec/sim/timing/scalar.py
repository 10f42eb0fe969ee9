"""Cores that issue one instruction a cycle: Cortex-M4, M33 and M0+. docs/cycles.md gives the sources."""

from __future__ import annotations

from collections.abc import Sequence

from edgec.sim.timing.core import Core, Issue, Schedule, State
from edgec.sim.timing.decode import Op, Unit

_DIVISION, _SYSTEM = 12, 4
_FLOAT = {"vdiv": 14, "vsqrt": 14, "vmla": 3, "vmls": 3, "vfma": 3, "vfms": 3, "vnmla": 3, "vnmls": 3}


class _Scalar(Core):
    def schedule(self, block: Sequence[Op], before: State | None = None) -> Schedule:
        issues, now, last = [], 0, None
        for op in block:
            cycles, why = self._cycles(op, last)
            issues.append(Issue(op, now + 1, why=why))
            now, last = now + cycles, op
        return Schedule(tuple(issues), now, State())

    def _cycles(self, op: Op, last: Op | None) -> tuple[int, str]:
        """Cycles that an instruction takes behind another, and what it waits for."""
        raise NotImplementedError


class CortexM4(_Scalar):
    """The core of the STM32F4 and STM32L4: DDI 0439, table 3-1."""

    name = "cortex-m4"
    version = 1
    summary = "single issue"
    recent = True
    unaligned = 1

    def refill(self, target: Op) -> int:
        return 3 if target.size == 4 and target.address % 4 else 2

    def _cycles(self, op: Op, last: Op | None) -> tuple[int, str]:
        stalled = op.is_memory and last is not None and _addresses(op) & {*last.writes, last.base}
        wait, why = (1, "address made just before") if stalled else (0, "")
        if op.is_memory and (op.moved > 1 or op.name.startswith(("ldm", "stm", "push", "pop"))):
            return wait + 1 + op.moved, why or f"{op.moved} words"
        if op.unit is Unit.LOAD:
            if (
                last is not None
                and last.unit is Unit.LOAD
                and last.moved == 1
                and not stalled
                and _aligned(op)
            ):
                return 1, ""
            return wait + 2, why or "first of a run of loads"
        if op.unit is Unit.STORE:
            return wait + (2 if op.indexed else 1), why or ("register offset" if op.indexed else "")
        if op.unit is Unit.DIVIDE:
            return _DIVISION, "division"
        if op.unit is Unit.SYSTEM:
            return _SYSTEM, "barrier or system register"
        if op.unit is Unit.FLOAT:
            return _FLOAT.get(op.name, 1), ""
        return (2, "table") if op.name.startswith("tb") else (1, "")


class CortexM33(CortexM4):
    """Arm publishes no table for it; the M4's, without its pairs of 16-bit instructions."""

    name = "cortex-m33"
    summary = "single issue, the timings of the Cortex-M4"


class CortexM0Plus(_Scalar):
    """DDI 0484, table 3-1, with the multiplier of one cycle."""

    name = "cortex-m0plus"
    version = 1
    summary = "single issue, multiplication in 1 cycle"
    multiply = 1

    def refill(self, target: Op) -> int:
        return 1

    def _cycles(self, op: Op, last: Op | None) -> tuple[int, str]:
        if op.is_memory:
            several = op.name in ("ldm", "stm", "push", "pop")
            return (1 + op.moved if several else 2) + (1 if op.jump else 0), ""
        if op.unit is Unit.MULTIPLY:
            return self.multiply, ""
        if op.unit is Unit.SYSTEM:
            return 3, "barrier or system register"
        return (2 if op.name == "bl" else 1), ""


class CortexM0PlusSmall(CortexM0Plus):
    """The same with the multiplier of 32 cycles."""

    summary = "single issue, multiplication in 32 cycles"
    multiply = 32


def _addresses(op: Op) -> set[str]:
    return {r for r, stage in op.reads if stage == "address"}


def _aligned(op: Op) -> bool:
    """Whether a load pipelines: 32-bit encodings may not where they do not begin at a word."""
    return op.size == 2 or op.address % 4 == 0
