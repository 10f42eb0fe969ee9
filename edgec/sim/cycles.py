"""A first estimate of a basic block's cycles; see docs/simulation.md for what it leaves out.

Cortex-M4: the instruction timings of Arm's Technical Reference Manual (DDI 0439, table
3-1), with loads that follow each other pipelined. Cortex-M7: Arm publishes no timings; two
instructions are paired where neither needs the other, at most one of them touches memory
and at most one multiplies, and the results of loads and multiplications come a cycle later.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

MODEL = "first estimate: issue and latency of instructions; memories without wait states"

TAKEN = {"cortex-m4": 2, "cortex-m7": 1}
"""Cycles that a jump costs beyond its own: refilling the pipeline, or the predictor's average."""

_DIVIDE = {"cortex-m4": 7, "cortex-m7": 8}
_MULTIPLY = re.compile(r"mul|ml[as]|sm[lmu]|um[lu]|umaal")
_MULTIPLE = ("push", "pop", "ldm", "stm", "vpush", "vpop", "vldm", "vstm")


@dataclass(frozen=True)
class Instruction:
    """What the model needs of an instruction. listed: registers in its list, 0 without one."""

    mnemonic: str
    reads: frozenset[int]
    writes: frozenset[int]
    listed: int

    @property
    def is_load(self) -> bool:
        """A load of one or two registers."""
        return self.mnemonic.startswith(("ldr", "vldr"))

    @property
    def is_store(self) -> bool:
        """A store of one or two registers."""
        return self.mnemonic.startswith(("str", "vstr"))

    @property
    def is_memory(self) -> bool:
        """Anything that loads or stores."""
        return self.is_load or self.is_store or self.is_multiple

    @property
    def is_multiple(self) -> bool:
        """A load or store of a list of registers."""
        return self.mnemonic.startswith(_MULTIPLE)

    @property
    def is_multiply(self) -> bool:
        """Anything on the multiplier."""
        return bool(_MULTIPLY.match(self.mnemonic))

    @property
    def is_divide(self) -> bool:
        """A division."""
        return self.mnemonic.startswith(("sdiv", "udiv"))

    @property
    def is_branch(self) -> bool:
        """The end of a block."""
        return self.mnemonic[0] == "b" and self.mnemonic[:2] not in ("bi", "bf", "bk")


def block_cycles(cpu: str, block: Sequence[Instruction]) -> int:
    """Cycles of a block whose memories answer at once, without the cost of the jump at its end."""
    return _m7(block) if cpu == "cortex-m7" else _m4(block)


def _m4(block: Sequence[Instruction]) -> int:
    cycles, before = 0, False
    for i in block:
        if i.is_multiple:
            cycles += 1 + i.listed
        elif i.is_divide:
            cycles += _DIVIDE["cortex-m4"]
        elif i.is_load:
            double = i.mnemonic.startswith("ldrd")
            cycles += (1 if before else 2) + double
        elif i.mnemonic.startswith("strd"):
            cycles += 2
        else:
            cycles += 1
        before = i.is_load or i.is_store
    return cycles


def _m7(block: Sequence[Instruction]) -> int:
    now = 0
    ready: dict[int, int] = {}
    partner: Instruction | None = None
    for i in block:
        need = max((ready.get(r, 0) for r in i.reads), default=0)
        if partner is not None and need <= now and _pairs(partner, i):
            at = now
            partner = None
        else:
            now = at = max(now + 1, need)
            partner = None if i.is_multiple or i.is_divide else i
        if i.is_divide:
            now = at + _DIVIDE["cortex-m7"] - 1
        elif i.is_multiple:
            now = at + (i.listed + 1) // 2
        late = 2 if i.is_load or i.is_multiply else 1
        for r in i.writes:
            ready[r] = max(at, now) + late
    return now


def _pairs(a: Instruction, b: Instruction) -> bool:
    if b.is_multiple or b.is_divide or a.is_branch:
        return False
    if (a.is_memory and b.is_memory) or (a.is_multiply and b.is_multiply):
        return False
    return not a.writes & (b.reads | b.writes) or b.is_branch


class Decoder:
    """Machine code to the model's instructions."""

    def __init__(self) -> None:
        from capstone import CS_ARCH_ARM, CS_MODE_MCLASS, CS_MODE_THUMB, Cs

        self._engine = Cs(CS_ARCH_ARM, CS_MODE_THUMB | CS_MODE_MCLASS)
        self._engine.detail = True

    def decode(self, code: bytes, address: int) -> list[Instruction]:
        """The instructions of a block of Thumb code."""
        found = []
        for i in self._engine.disasm(code, address):
            reads, writes = i.regs_access()
            listed = len(i.operands) if i.mnemonic.startswith(_MULTIPLE) else 0
            found.append(Instruction(i.mnemonic, frozenset(reads), frozenset(writes), listed))
        return found
