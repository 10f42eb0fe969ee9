"""Constant data of the library: every distinct array once, as C initialisers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

_LINE = 24
_STRING_FROM = 64
"""Bytes from which an int8 array is written as a string literal: compilers read those
forty times faster than lists of numbers (measured on 6 MB with clang)."""

_NAME = 48
"""Characters of a user's name that become part of a symbol or file name."""

_ESCAPES = [f"\\{byte:03o}" for byte in range(256)]


@dataclass(frozen=True)
class ConstArray:
    """One array of weights.c. fast: whether it is worth a place in fast memory."""

    symbol: str
    c_type: str
    count: int
    bytes: int
    initialiser: str
    fast: bool = False


@dataclass
class ConstPool:
    """Collects the arrays that kernels' parameters point to; equal ones share a symbol."""

    arrays: list[ConstArray] = field(default_factory=list)
    _seen: dict[tuple[str, bytes], str] = field(default_factory=dict)

    def symbol(self, data: np.ndarray, c_type: str, hint: str) -> str:
        """The symbol of an array with these contents, added as `hint` if it is new."""
        flat = np.ascontiguousarray(data.ravel())
        key = (c_type, flat.tobytes())
        if key not in self._seen:
            self._seen[key] = hint
            text = _initialiser(flat)
            self.arrays.append(ConstArray(hint, c_type, flat.size, flat.nbytes, text))
        return self._seen[key]

    def ordered(self, fast: Sequence[str]) -> list[ConstArray]:
        """All arrays; those of these symbols first, in their order, marked."""
        known = {a.symbol: a for a in self.arrays}
        chosen = [replace(known.pop(symbol), fast=True) for symbol in fast]
        return [*chosen, *known.values()]

    @property
    def bytes(self) -> int:
        """Bytes of all arrays together."""
        return sum(a.bytes for a in self.arrays)


def identifier(text: str) -> str:
    """`text` as part of a C identifier or file name, cut to a length that tools can show."""
    return re.sub(r"\W+", "_", text, flags=re.ASCII).strip("_")[:_NAME].strip("_")


def _initialiser(flat: np.ndarray) -> str:
    if flat.itemsize == 1 and flat.size >= _STRING_FROM:
        raw = flat.tobytes()
        lines = (
            '    "' + "".join(map(_ESCAPES.__getitem__, raw[i : i + _LINE])) + '"'
            for i in range(0, len(raw), _LINE)
        )
        return "\n".join(lines)
    numbers = [_number(v) for v in flat.tolist()]
    lines = ("    " + ", ".join(numbers[i : i + 12]) for i in range(0, len(numbers), 12))
    return "{\n" + ",\n".join(lines) + ",\n}"


def _number(value: int) -> str:
    if value == -(2**31):
        return "INT32_MIN"
    return str(value)
