"""Sizes as people write them: "320KB", "1MB", "4096"."""

from __future__ import annotations

import re
from decimal import Decimal

from edgec.diagnostics import Diagnostic

_UNITS = {"": 1, "B": 1, "KB": 1024, "KIB": 1024, "K": 1024, "MB": 1024**2, "MIB": 1024**2, "M": 1024**2}


def parse_size(text: str, option: str, limit: int | None = None) -> int:
    """Bytes of a size; KB and MB are 1024-based, as datasheets of microcontrollers use them.

    Raises Diagnostic E101 where it is no size, not positive, no whole number of bytes,
    or beyond `limit` bytes. `option` is what the user set, for the message.
    """
    match = re.fullmatch(r"\s*([+-]?\d{1,15}(?:\.\d{1,6})?)\s*([A-Za-z]*)\s*", text)
    if not match or match[2].upper() not in _UNITS:
        raise _bad(option, f"not a size: {text!r}", [("have", text)])
    exact = Decimal(match[1]) * _UNITS[match[2].upper()]
    value = int(exact)
    if value != exact:
        raise _bad(option, f"not a whole number of bytes: {text}", [("have", f"{exact.normalize():f} B")])
    if value <= 0:
        raise _bad(option, f"a size must be more than zero: {text}", [("have", f"{value:,} B")])
    if limit is not None and value > limit:
        facts = [("asked", f"{value:,} B"), ("have", f"{limit:,} B")]
        raise Diagnostic(
            "E101",
            f"{option} is more than the board has: {text}",
            where=option,
            facts=facts,
            remedies=[f"{option} {show_size(limit)}", f"leave {option} out to use all that the board has"],
        )
    return value


def show_size(size: int) -> str:
    """The shortest exact way to write a size that `parse_size` reads."""
    for unit, factor in (("MB", 1024**2), ("KB", 1024)):
        if size and size % factor == 0:
            return f"{size // factor}{unit}"
    return str(size)


def _bad(option: str, title: str, facts: list[tuple[str, str]]) -> Diagnostic:
    remedy = f"{option} 320KB, {option} 1MB, or a plain number of bytes"
    return Diagnostic("E101", title, where=option, facts=facts, remedies=[remedy])
