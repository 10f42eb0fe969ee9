"""Machine code to what a core's timing depends on: the unit an instruction uses, and its registers by stage.

Capstone's lists of registers read and written lack some (the second operand of ssat, pkhbt and
sxtab, the sums that smlal adds to), so registers are taken from the operands by their place.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

FLAGS = "flags"


class Unit(StrEnum):
    """Where an instruction is carried out."""

    ALU = "alu"
    SHIFT = "shift"
    DSP = "dsp"
    MULTIPLY = "multiply"
    DIVIDE = "divide"
    LOAD = "load"
    STORE = "store"
    BRANCH = "branch"
    FLOAT = "float"
    IT = "it"
    SYSTEM = "system"


class Stage(StrEnum):
    """When an instruction needs an operand, from the earliest on."""

    ADDRESS = "address"
    EARLY = "early"
    LATE = "late"
    FACTOR = "factor"
    SUM = "sum"
    DATA = "data"


@dataclass(frozen=True)
class Op:
    """An instruction.

    reads: registers (and FLAGS) with the stage that needs them; writes: registers with what they
    get, base being an address that is counted on. moved: registers that a load or store
    moves. shifts: it uses the shifter of the early stage. jump: "conditional", "direct" or
    "indirect" for what may go elsewhere. slot: (base, offset) of a load with a constant offset.
    """

    address: int
    size: int
    name: str
    text: str
    unit: Unit
    reads: tuple[tuple[str, Stage], ...] = ()
    writes: tuple[str, ...] = ()
    base: str | None = None
    moved: int = 0
    shifts: bool = False
    conditional: bool = False
    indexed: bool = False
    jump: str | None = None
    slot: tuple[str, int] | None = None

    @property
    def is_memory(self) -> bool:
        """Whether it loads or stores."""
        return self.unit in (Unit.LOAD, Unit.STORE)

    @property
    def sources(self) -> frozenset[str]:
        """Registers read, whenever."""
        return frozenset(r for r, _ in self.reads)


_MULTIPLY = re.compile(r"mul|ml[as]|sm[lmu]|um[lu]|umaal")
_MULTIPLE = ("ldm", "stm", "push", "pop", "vldm", "vstm", "vpush", "vpop")
_NO_RESULT = ("cmp", "cmn", "tst", "teq", "pld", "pli")
_PURE_SHIFT = ("lsl", "lsr", "asr", "ror", "rrx")
_WIDE_SUMS = ("smlal", "umlal", "umaal", "smlsld")
_EARLY = re.compile(r"[su]bfx|rev|rbit|[su]xt[bh]|[su]sat|qd")
"""DSP operations that need every operand early."""
_EARLY_LAST = re.compile(r"bfi|pkhbt|[su]xta")
_DSP = re.compile(
    r"[su]bfx|bf[ic]$|rev|rbit|clz|[su]xt|[su]sat|pkh|sel$|usad|u?q(add|sub|asx|sax|d)"
    r"|[su]h?(add|sub)(8|16)$|[su]h?(asx|sax)$"
)
_SHIFTING = re.compile(r"[su]bfx|bf[ic]$|rev|rbit|[su]xt|[su]sat|pkh|qd")
_SYSTEM = ("dsb", "dmb", "isb", "mrs", "msr", "svc", "bkpt", "udf", "cps", "wfi", "wfe", "clrex")
_PLAIN_WIDE = ("addw", "subw", "movw", "movt", "adr")
_BRANCHES = ("b", "bl", "bx", "blx", "cbz", "cbnz", "tbb", "tbh")


class Decoder:
    """Thumb code to Op."""

    def __init__(self) -> None:
        import capstone

        self._cs = capstone
        self._engine = capstone.Cs(capstone.CS_ARCH_ARM, capstone.CS_MODE_THUMB | capstone.CS_MODE_MCLASS)
        self._engine.detail = True

    def decode(self, code: bytes, address: int) -> list[Op]:
        """The instructions of a run of code."""
        return [self._op(i) for i in self._engine.disasm(code, address)]

    def _op(self, i: Any) -> Op:
        name, operands = i.insn_name(), _Operands(i)
        always = i.cc in (self._cs.arm.ARM_CC_AL, self._cs.arm.ARM_CC_INVALID)
        text = f"{i.mnemonic} {i.op_str}".strip()
        if name == "it":
            return Op(i.address, i.size, name, text, Unit.IT, ((FLAGS, Stage.LATE),))
        made = _parts(name, i, operands)
        if not always or name in ("adc", "sbc", "sel", "rrx"):
            made.reads.append((FLAGS, Stage.LATE))
        if i.update_flags:
            made.writes.append(FLAGS)
        jump = None
        if "pc" in made.writes or name in _BRANCHES:
            jump = _jump(name, always)
            if made.unit is not Unit.LOAD:
                made.unit = Unit.BRANCH
        return Op(
            i.address,
            i.size,
            name,
            text,
            made.unit,
            tuple((r, s) for r, s in made.reads if r != "pc"),
            tuple(r for r in made.writes if r != "pc"),
            made.base,
            made.moved,
            made.shifts,
            not always and name != "b",
            made.indexed,
            jump,
            made.slot,
        )


@dataclass
class _Parts:
    """What of an Op depends on the kind of instruction."""

    unit: Unit
    reads: list[tuple[str, Stage]]
    writes: list[str]
    base: str | None = None
    moved: int = 0
    shifts: bool = False
    indexed: bool = False
    slot: tuple[str, int] | None = None


class _Operands:
    """The operands of an instruction, by kind."""

    def __init__(self, i: Any) -> None:
        import capstone

        self.registers: list[str] = []
        self.shifted: set[int] = set()
        self.read: set[int] = set()
        self.immediates: list[int] = []
        self.base: str | None = None
        self.index: str | None = None
        self.offset = 0
        for o in i.operands:
            if o.type == capstone.arm.ARM_OP_REG:
                if o.shift.type:
                    self.shifted.add(len(self.registers))
                if o.access & capstone.CS_AC_READ:
                    self.read.add(len(self.registers))
                self.registers.append(i.reg_name(o.reg))
            elif o.type == capstone.arm.ARM_OP_IMM:
                self.immediates.append(o.imm)
            elif o.type == capstone.arm.ARM_OP_MEM:
                self.base = i.reg_name(o.mem.base)
                self.index = i.reg_name(o.mem.index) if o.mem.index else None
                self.offset = o.mem.disp


def _parts(name: str, i: Any, o: _Operands) -> _Parts:
    """Unit, registers and the rest of an instruction."""
    if name in _SYSTEM:
        return _Parts(
            unit=Unit.SYSTEM, reads=[(r, Stage.LATE) for r in o.registers[1:]], writes=o.registers[:1]
        )
    if name in _BRANCHES:
        read = [(r, Stage.LATE) for r in [*o.registers, *filter(None, (o.base, o.index))]]
        return _Parts(unit=Unit.BRANCH, reads=read, writes=["lr"] if name in ("bl", "blx") else [])
    if name.startswith(_MULTIPLE):
        return _list(name, i, o)
    if o.base is not None and name[:3] not in ("tbb", "tbh"):
        return _transfer(name, i, o)
    if name.startswith("v"):
        read, written = i.regs_access()
        return _Parts(
            unit=Unit.FLOAT,
            reads=[(i.reg_name(r), Stage.LATE) for r in read],
            writes=[i.reg_name(r) for r in written],
        )
    if name in ("sdiv", "udiv"):
        return _Parts(
            unit=Unit.DIVIDE, reads=[(r, Stage.LATE) for r in o.registers[1:]], writes=o.registers[:1]
        )
    if _MULTIPLY.match(name):
        return _multiply(name, o)
    return _data(name, i, o)


def _list(name: str, i: Any, o: _Operands) -> _Parts:
    stack = name in ("push", "pop", "vpush", "vpop")
    base = "sp" if stack else o.registers[0]
    moved = o.registers if stack else o.registers[1:]
    load = name in ("pop", "ldm", "vldm", "vpop") or name.startswith(("ldm", "vldm"))
    reads = [(base, Stage.ADDRESS)] + ([] if load else [(r, Stage.DATA) for r in moved])
    return _Parts(
        unit=Unit.LOAD if load else Unit.STORE,
        reads=reads,
        writes=list(moved) if load else [],
        base=base if stack or i.writeback else None,
        moved=len(moved) * (2 if moved and moved[0].startswith("d") else 1),
    )


def _transfer(name: str, i: Any, o: _Operands) -> _Parts:
    load = name.startswith(("ldr", "vldr"))
    if name in ("pld", "pli"):
        load = True
    addresses = [(r, Stage.ADDRESS) for r in (o.base, o.index) if r]
    moved = o.registers if load or not name.startswith("strex") else o.registers[1:]
    return _Parts(
        unit=Unit.LOAD if load else Unit.STORE,
        reads=addresses + ([] if load else [(r, Stage.DATA) for r in moved]),
        writes=list(moved) if load else [],
        base=o.base if i.writeback else None,
        moved=2 if name in ("ldrd", "strd") or (moved and moved[0].startswith("d")) else 1,
        indexed=o.index is not None,
        slot=(o.base, 0 if i.post_index else o.offset) if o.base and not o.index else None,
    )


def _multiply(name: str, o: _Operands) -> _Parts:
    r = o.registers
    if name.startswith(_WIDE_SUMS):
        sums, factors, written = r[:2], r[2:], r[:2]
    elif name in ("smull", "umull"):
        sums, factors, written = [], r[2:], r[:2]
    elif len(r) == 4:
        sums, factors, written = r[3:], r[1:3], r[:1]
    else:
        sums, factors, written = [], r if len(r) == 2 else r[1:], r[:1]
    reads = [(x, Stage.FACTOR) for x in factors] + [(x, Stage.SUM) for x in sums]
    return _Parts(unit=Unit.MULTIPLY, reads=reads, writes=written)


def _data(name: str, i: Any, o: _Operands) -> _Parts:
    r = o.registers
    result = name not in _NO_RESULT
    dsp = bool(_DSP.match(name))
    reads = []
    for k, x in enumerate(r):
        if k == 0 and result and 0 not in o.read:
            continue
        early = k in o.shifted or (dsp and bool(_EARLY.match(name)) and not name.startswith(("sxta", "uxta")))
        early |= bool(_EARLY_LAST.match(name)) and k == len(r) - 1
        early |= name == "pkhtb" and k > 0
        if name == "usada8" and k == 3:
            reads.append((x, Stage.SUM))
        else:
            reads.append((x, Stage.EARLY if early else Stage.LATE))
    constant = bool(o.immediates) and not dsp and name not in _PURE_SHIFT
    wide = constant and i.size == 4 and not i.mnemonic.startswith(_PLAIN_WIDE)
    shifts = bool(o.shifted) or (wide and not 0 <= o.immediates[-1] <= 0xFF)
    if name in _PURE_SHIFT:
        unit, shifts = Unit.SHIFT, False
    elif dsp:
        unit, shifts = Unit.DSP, bool(_SHIFTING.match(name))
    else:
        unit = Unit.ALU
    return _Parts(unit=unit, reads=reads, writes=r[:1] if result else [], shifts=shifts)


def _jump(name: str, always: bool) -> str:
    if name in ("cbz", "cbnz") or not always:
        return "conditional"
    return "direct" if name in ("b", "bl") else "indirect"


@cache
def decoder() -> Decoder:
    """The one decoder."""
    return Decoder()
