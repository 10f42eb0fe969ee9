"""Cortex-M7: two instructions a cycle, in order. docs/cycles.md lists every rule with its source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from edgec.sim.timing.core import Core, Issue, Schedule, State
from edgec.sim.timing.decode import FLAGS, Op, Stage, Unit
from edgec.target import MISS

_STAGES = (Stage.ADDRESS, Stage.EARLY, Stage.LATE, Stage.FACTOR, Stage.SUM, Stage.DATA)
_INDEX = {stage: k for k, stage in enumerate(_STAGES)}

# Cycles from issue until an instruction that reads the result in each of _STAGES may issue.
_LATE = (2, 2, 1, 1, 0, 0)
_EARLY = (1, 1, 0, 1, 0, 0)
_REVERSED = (2, 2, 0, 1, 0, 0)
_SATURATED = (3, 3, 2, 2, 1, 0)
_WORD = (3, 2, 1, 2, 1, 0)
_NARROW = (4, 3, 2, 3, 1, 0)
_PRODUCT = (3, 3, 2, 2, 1, 1)
_FLOAT = (4, 4, 3, 3, 3, 1)
_FLAGS = (1, 1, 1, 1, 1, 1)

_DIVISION = 12
_FLOAT_DIVISION = 16
_SYSTEM = 4
_MISSED, _MISSED_EARLY, _EARLY_FLAGS = 8, 6, 3


class CortexM7(Core):
    """The core of the STM32F7."""

    name = "cortex-m7"
    version = 1
    summary = "dual issue"
    predictor = 64
    chained = True
    miss = MISS[name]
    unaligned = 3

    def schedule(self, block: Sequence[Op], before: State | None = None) -> Schedule:
        before = before or State()
        ready, free, partner, flagged = dict(before.ready), before.free, before.partner, before.flagged
        now, missed, holder = 0, 0, ""
        issues: list[Issue] = []
        for op in block:
            need, reason = _need(op, ready)
            apart = _apart(partner, op) if partner is not None else ""
            second = partner is not None and not apart and need <= now
            if second:
                at, why = now, ""
            else:
                at = max(free, need)
                held = f"{holder} takes {free - now} cycles" if holder and free > now + 1 else ""
                why = reason if need > free else held or apart or (reason if partner is not None else "")
                now = at
            if op.jump:
                missed = _missed(op, None if flagged is None else at - flagged)
            early = _runs_early(op, at, second, partner, ready)
            _produce(op, at, early, ready)
            if FLAGS in op.writes:
                flagged = at
            issues.append(Issue(op, at, second, why))
            if at + _busy(op) > free:
                free, holder = at + _busy(op), op.name
            partner = None if second or _alone(op) else op
        after = State(
            {r: tuple(max(t - now, 0) for t in times) for r, times in ready.items() if max(times) > now},
            free - now,
            None if flagged is None else flagged - now,
            partner,
        )
        return Schedule(tuple(issues), now, after, missed)

    def taken(self, state: State) -> State:
        """The state where a jump was taken: nothing at its target joins the jump's cycle."""
        return replace(state, partner=None, free=max(state.free, 1))


def _missed(op: Op, since_flags: int | None) -> int:
    """What a wrong guess costs: less where the core knows early that it was wrong."""
    if op.jump == "conditional" and op.name == "b" and since_flags is not None:
        return _MISSED_EARLY if since_flags >= _EARLY_FLAGS else _MISSED
    return _MISSED_EARLY if op.jump == "direct" else _MISSED


def _need(op: Op, ready: dict[str, tuple[int, ...]]) -> tuple[int, str]:
    """The first cycle in which all operands are there, and the one that comes last."""
    need, reason = 0, ""
    if op.unit in (Unit.BRANCH, Unit.IT):
        return need, reason  # predicted, resolved behind the issue
    for register, stage in op.reads:
        at = ready.get(register, (0,) * len(_STAGES))[_INDEX[stage]]
        if at > need:
            need, reason = at, f"{register} is not there ({stage})"
    return need, reason


def _alone(op: Op) -> bool:
    """Instructions that share their cycle with no other."""
    return (
        op.unit in (Unit.DIVIDE, Unit.SYSTEM)
        or op.moved > 1
        or op.name.startswith(("ldm", "stm", "push", "pop", "vldm", "vstm", "tb"))
    )


def _apart(a: Op, b: Op) -> str:
    """Why b cannot issue beside a, the older one; empty where it can, its operands willing."""
    units = (a.unit, b.unit)
    if _alone(b):
        return f"{b.name} issues alone"
    if b.unit is Unit.DSP:
        return "dsp operation only as the older of two"
    if units == (Unit.LOAD, Unit.LOAD) and not _two_banks(a, b):
        return "two loads, not known to lie in different banks"
    if units == (Unit.STORE, Unit.STORE):
        return "two stores"
    if units == (Unit.MULTIPLY, Unit.MULTIPLY):
        return "two multiplications"
    if set(units) == {Unit.MULTIPLY, Unit.STORE}:
        return "multiplication and store"
    if units == (Unit.FLOAT, Unit.FLOAT):
        return "two floating-point operations"
    if b.shifts and (a.shifts or a.unit is Unit.SHIFT):
        return "one early shifter"
    both = (set(a.writes) & set(b.writes)) - {FLAGS}
    if both - b.sources:
        return f"both write {sorted(both)[0]}"
    return ""


def _two_banks(a: Op, b: Op) -> bool:
    """Whether two loads surely lie in an even and an odd word."""
    if a.slot is None or b.slot is None or a.slot[0] != b.slot[0] or a.slot[0] == "pc":
        return False
    return (b.slot[1] - a.slot[1]) % 8 == 4


def _runs_early(op: Op, at: int, second: bool, partner: Op | None, ready: dict[str, tuple[int, ...]]) -> bool:
    """Whether an operation is done in the early ALU, a stage before the other."""
    if op.conditional or op.shifts:
        return False
    if op.unit is Unit.SHIFT:
        if op.name == "rrx" or (second and partner is not None and partner.shifts):
            return False
    elif second or op.name not in ("add", "sub", "mov"):
        return False
    k = _INDEX[Stage.EARLY]
    return all(ready[r][k] <= at for r, _ in op.reads if r in ready)


def _produce(op: Op, at: int, early: bool, ready: dict[str, tuple[int, ...]]) -> None:
    """Enter when the results of an operation may be read."""
    if op.base is not None:
        ready[op.base] = tuple(at + t for t in _EARLY)
    results = [r for r in op.writes if r != FLAGS]
    for k, register in enumerate(results):
        ready[register] = tuple(at + k // 2 + t if op.moved > 1 else at + t for t in _latency(op, early))
    if FLAGS in op.writes:
        slow = 1 if op.shifts and not results else 0
        ready[FLAGS] = tuple(at + slow + t for t in _FLAGS)


def _latency(op: Op, early: bool) -> tuple[int, ...]:
    match op.unit:
        case Unit.LOAD:
            narrow = op.name.startswith(("ldrb", "ldrh", "ldrsb", "ldrsh"))
            return _NARROW if narrow else _WORD
        case Unit.MULTIPLY:
            return _PRODUCT
        case Unit.DIVIDE:
            return tuple(_DIVISION - 1 + t for t in _LATE)
        case Unit.FLOAT:
            return _FLOAT
        case Unit.DSP if op.name.startswith(("rev", "rbit")):
            return _REVERSED
        case Unit.DSP if op.name.startswith(("ssat", "usat", "q", "uq", "usad")):
            return _SATURATED
        case _:
            return _EARLY if early else _LATE


def _busy(op: Op) -> int:
    """Cycles until the next instruction that does not share this one's."""
    if op.unit is Unit.DIVIDE:
        return _DIVISION
    if op.unit is Unit.SYSTEM:
        return _SYSTEM
    if op.name in ("vdiv", "vsqrt"):
        return _FLOAT_DIVISION
    if op.name.startswith("tb"):
        return 2
    return max(1, (op.moved + 1) // 2)
