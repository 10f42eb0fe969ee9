"""The deepest the stack can get, from the image alone: no recursion, no calls through pointers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from edgec.codegen.image import Image, Symbol

ROOT = "reset_handler"
_INTERRUPT, _FAULT = "systick_handler", "fault_handler"
_SAVED = 32
"""Bytes that an interrupt puts on the stack: only cores without an FPU have one here (cycles.c)."""
_SUB_SP = re.compile(r"(?:sp, )?sp, #(0x[0-9a-f]+|\d+)$")
_FROM_FRAME_POINTER = re.compile(r"sp, r(7|11)(, #(0x[0-9a-f]+|\d+))?$")
_BY_REGISTER = re.compile(r"sp, (sp, )?r\d+$")
_WRITE_BACK = re.compile(r"\[sp, #-(0x[0-9a-f]+|\d+)\]!")
_FAR = re.compile(r"ip, #(0x[0-9a-f]+|\d+)$")
_TARGET = re.compile(r"#(0x[0-9a-f]+|\d+)$")


class StackError(Exception):
    """The depth cannot be bounded; the message says which function and why. A bug in edgec's C."""


@dataclass(frozen=True)
class Frame:
    """What a function puts on the stack, in bytes, and the functions it goes to."""

    bytes: int
    calls: frozenset[int]


def stack_bound(image: Image) -> int:
    """Worst-case bytes of stack from reset on, a multiple of 8.

    Every path of calls is counted with the whole frame of each function on it, jumps into
    other functions (tail calls) as calls, and the one interrupt that there may be on top. Fault handlers are
    left out: they have a stack of their own. Raises StackError for recursion, for a call through a pointer,
    and for a stack pointer that moves by an amount known only at run time.
    """
    by_address = {f.address: f for f in reversed(image.functions)}
    root = next(f for f in image.functions if f.name == ROOT)
    frames: dict[int, Frame] = {}
    depth: dict[int, int] = {}
    active: list[int] = []

    def visit(address: int) -> int:
        if address in depth:
            return depth[address]
        function = by_address[address]
        if address in active:
            names = [by_address[a].name for a in active[active.index(address) :]]
            raise StackError(f"recursion: {' -> '.join([*names, function.name])}")
        active.append(address)
        frames[address] = frame_of(image, function, by_address)
        below = max((visit(callee) for callee in sorted(frames[address].calls)), default=0)
        active.pop()
        depth[address] = frames[address].bytes + below
        return depth[address]

    handlers = {f.name: f.address for f in image.functions if f.name in (_INTERRUPT, _FAULT)}
    interrupt = handlers.get(_INTERRUPT)
    on_top = 0
    if interrupt is not None and interrupt != handlers[_FAULT]:
        on_top = _SAVED + visit(interrupt)
    return (visit(root.address) + on_top + 7) & ~7


def frame_of(image: Image, function: Symbol, known: dict[int, Symbol]) -> Frame:
    """What a function takes and calls; known: all functions by address. Raises StackError as stack_bound."""
    size, calls, low, far = 0, set(), 0, None
    end = function.address + function.size
    for name, operands in _instructions(image, function):
        size += _pushed(function, name, operands)
        if name == "bx" and operands == "ip" and far is not None:
            name, operands = "b", f"#{far - 1:#x}"
        # How linkers go where a branch does not reach: movw ip, movt ip, bx ip.
        half = _FAR.match(operands) if name in ("movw", "movt") else None
        far = low | int(half.group(1), 0) << 16 if half and name == "movt" else None
        low = int(half.group(1), 0) if half and name == "movw" else 0
        target = _TARGET.search(operands)
        if target is None and _jumps_through_register(name, operands):
            raise StackError(f"{function.name}: {name} {operands} goes where only run time knows")
        if name[0] != "b" or target is None or name[:2] in ("bf", "bi", "bk"):
            continue
        address = int(target.group(1), 0)
        # Armv6-M jumps far inside a function by bl, where lr is saved.
        inside = function.address <= address < end
        if inside and (name not in ("bl", "blx") or address != function.address):
            continue
        if address not in known:
            raise StackError(f"{function.name} goes to {address:#x}, where no function begins")
        calls.add(address)
    return Frame(size, frozenset(calls))


def _pushed(function: Symbol, name: str, operands: str) -> int:
    """Bytes by which an instruction moves the stack pointer down."""
    base = name.split(".")[0]
    if base == "push" or (base == "stmdb" and operands.startswith("sp!")):
        return 4 * _count(operands)
    if base == "vpush" or (base == "vstmdb" and operands.startswith("sp!")):
        return (8 if "d" in operands.split("{")[1] else 4) * _count(operands)
    write_back = _WRITE_BACK.search(operands)
    if base.startswith("stc") and "[sp" in operands and (write_back or "], #" in operands):
        raise StackError(f"{function.name} moves the stack pointer: {name} {operands}")
    if base in ("str", "strd") and write_back:
        return int(write_back.group(1), 0)
    if base == "add" and _BY_REGISTER.match(operands):  # how Armv6-M makes room for more than 508 bytes
        raise StackError(f"{function.name} moves the stack pointer: {name} {operands}")
    if base not in ("sub", "subw", "mov") or not operands.startswith("sp,"):
        return 0
    if _FROM_FRAME_POINTER.match(operands):
        return 0  # back to where the frame pointer says: the end of a frame
    amount = _SUB_SP.match(operands)
    if amount is None:
        raise StackError(f"{function.name} moves the stack pointer: {name} {operands}")
    return int(amount.group(1), 0)


def _jumps_through_register(name: str, operands: str) -> bool:
    if name.startswith(("blx", "bx")):
        return operands != "lr"
    return name.startswith(("ldr", "mov")) and operands.startswith("pc,") and "[sp]" not in operands


def _count(operands: str) -> int:
    """Registers in a list as capstone prints it."""
    inside = operands[operands.index("{") + 1 : operands.index("}")]
    total = 0
    for part in inside.split(", "):
        first, dash, last = part.partition("-")
        total += int(last[1:]) - int(first[1:]) + 1 if dash else 1
    return total


def _instructions(image: Image, function: Symbol) -> Iterator[tuple[str, str]]:
    """Mnemonics (without width) and operands of a function; tables of constants are left out."""
    from capstone import CS_ARCH_ARM, CS_MODE_MCLASS, CS_MODE_THUMB, Cs

    engine = Cs(CS_ARCH_ARM, CS_MODE_THUMB | CS_MODE_MCLASS)
    data = next(
        s.data[function.address - s.runs_at :][: function.size]
        for s in image.segments
        if s.runs_at <= function.address < s.runs_at + len(s.data)
    )
    for start, stop in _code_ranges(image, function):
        part = data[start - function.address : stop - function.address]
        seen = start
        while seen < stop:
            for address, size, mnemonic, operands in engine.disasm_lite(part[seen - start :], seen):
                yield mnemonic.removesuffix(".w"), operands
                seen = address + size
            if seen < stop and not _is_helium(part[seen - start :]):
                raise StackError(f"{function.name}: no instruction at {seen:#x}")
            seen += 4 if seen < stop else 0


def _is_helium(code: bytes) -> bool:
    """Whether this is an instruction that only Armv8.1-M has, and capstone does not know.

    Loops with a count in lr, whose branches stay in their function; vector instructions; conditional
    selects. None of these moves the stack pointer, but for vector stores that capstone takes for
    coprocessor's (Armv8-M Architecture Reference Manual, DDI 0553, C2.2).
    """
    if len(code) < 4:
        return False
    first, second = int.from_bytes(code[:2], "little"), int.from_bytes(code[2:4], "little")
    loop = first & 0xFF80 == 0xF000 and second & 0xC000 == 0xC000
    select = first & 0xFFF0 == 0xEA50 and second & 0xC000 == 0x8000
    return loop or select or first & 0xEC00 == 0xEC00


def _code_ranges(image: Image, function: Symbol) -> Iterator[tuple[int, int]]:
    end = function.address + function.size
    at, is_code = function.address, True
    for address, code in image.marks:
        if address <= function.address:
            is_code = code
        elif address < end:
            if is_code:
                yield at, address
            at, is_code = address, code
    if is_code and at < end:
        yield at, end
