"""Faults in words: which access of which function in which layer."""

from __future__ import annotations

import struct

from edgec.codegen.image import Image, Symbol
from edgec.diagnostics import Diagnostic
from edgec.target import Target

_NEAR = 4096
"""Bytes below the stack within which an access is taken for an overflow of it."""

_FAULTS = {
    0: "instruction access violation",
    1: "data access violation",
    3: "memory fault in return from exception",
    4: "memory fault in stacking for exception",
    8: "instruction bus error",
    9: "bus error at a data access",
    10: "imprecise bus error",
    11: "bus fault in return from exception",
    12: "bus fault in stacking for exception",
    16: "undefined instruction",
    17: "invalid state",
    18: "invalid return",
    19: "no coprocessor",
    20: "stack overflow",
    24: "unaligned access",
    25: "division by zero",
}
"""Bits of the Configurable Fault Status Register (Armv7-M Architecture Reference Manual, B3.2.15; 20 is
Armv8-M's)."""


_SAVED = 32
"""Bytes of the registers that the core saves on the stack at a fault."""


def fault_diagnostic(
    name: str,
    image: Image,
    target: Target,
    why: str,
    pc: int,
    sp: int,
    access: tuple[str, int, int] | None,
    layer: Symbol | None,
) -> Diagnostic:
    """E501 for a run that stopped at `pc`.

    access: kind, address and bytes of the access that failed. layer: the function of the layer that ran.
    """
    facts = []
    if access is not None:
        kind, address, size = access
        facts.append(("access", f" {kind} of {size} B at {address:#010x}, {_place(target, address)}"))
    elif why:
        facts.append(("why", why))
    function = image.function_at(pc)
    inside = f"{function.name} + {(pc & ~1) - function.address:#x}" if function else "no function"
    if pc:
        facts.append(("at", f"{pc & ~1:#010x}, {inside}"))
    base = image.symbols.get("_stack_base")
    touched = access[1] if access else base
    if base is not None and (sp < base or (touched is not None and base - _NEAR <= touched < base)):
        facts.append(("stack", f"overflow: the stack ends at {base:#010x}"))
    where = f"layer {layer.layer}: {layer.name}" if layer else "outside all layers"
    return Diagnostic("E501", f"fault on {name}", where=where, facts=facts)


def reported_fault(name: str, image: Image, target: Target, payload: bytes) -> Diagnostic:
    """E501 for a fault frame (firmware/runtime/startup.c: report_fault).

    The layer is the one that the outermost call on the stack goes to: what lies deeper may be left over from
    layers before. Where no call goes to one, it is that of the functions there. A stack that overflowed has
    no room for the registers that the core saves.
    """
    exception, cfsr, _hfsr, mmfar, bfar, sp = struct.unpack_from("<6I", payload)
    stack = struct.unpack_from(f"<{(len(payload) - 24) // 4}I", payload, 24)
    why = ", ".join(text for bit, text in _FAULTS.items() if cfsr >> bit & 1) or f"exception {exception}"
    access = None
    if cfsr & 0x8000:
        access = (why, bfar, 1)
    elif cfsr & 0x80:
        access = (why, mmfar, 1)
    saved = stack[:8] if sp >= image.symbols["_stack_base"] else ()
    pc = saved[6] if len(saved) == 8 else 0
    words = (*saved[5:6], pc, *reversed(stack[len(saved) :]))
    called = (image.function_at(to) for word in reversed(stack) if (to := _called(image, word)))
    functions = (*called, *(image.function_at(word) for word in words))
    layer = next((f for f in functions if f is not None and f.layer is not None), None)
    return fault_diagnostic(name, image, target, why, pc, sp + _SAVED, access, layer)


def _called(image: Image, word: int) -> int:
    """Where the call goes that returns to an address; 0 where none stands before it (Armv7-M, A7.7.18)."""
    code = image.at(word - 5, 4) if word & 1 else b""
    if len(code) < 4:
        return 0
    first, second = struct.unpack("<HH", code)
    if first >> 11 != 0b11110 or second & 0xD000 != 0xD000:
        return 0
    sign = first >> 10 & 1
    upper = (second >> 13 & 1 ^ 1 ^ sign) << 23 | (second >> 11 & 1 ^ 1 ^ sign) << 22
    return word - 1 + (upper | (first & 0x3FF) << 12 | (second & 0x7FF) << 1) - (sign << 24)


def _place(target: Target, address: int) -> str:
    region = target.region_at(address)
    if region is not None:
        return f"in {region.name}, which is {region.access}"
    below = [r for r in target.regions if r.end <= address]
    if below:
        nearest = max(below, key=lambda r: r.end)
        if address - nearest.end < 65536:
            return f"{address - nearest.end:,} B behind the end of {nearest.name}"
    above = [r for r in target.regions if r.address > address]
    if above:
        nearest = min(above, key=lambda r: r.address)
        if nearest.address - address < 65536:
            return f"{nearest.address - address:,} B below {nearest.name}"
    return "where nothing is"
