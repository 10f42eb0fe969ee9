"""Whether a build fits, and if not: who needs what, and which remedies were measured to work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgec.diagnostics import Diagnostic


@dataclass(frozen=True)
class Remedy:
    """Something the user may do, re-run by the compiler: what it would then need, in bytes."""

    action: str
    need: int
    fits: bool

    def __str__(self) -> str:
        return f"{self.action:<24} needs {self.need:,} B, {'fits' if self.fits else 'still too much'}"


@dataclass(frozen=True)
class Part:
    """One item of a need: a tensor, the scratch, the stack."""

    name: str
    bytes: int


def does_not_fit(
    memory: str,
    target: str,
    where: str,
    parts: Sequence[Part],
    have: int,
    option: str,
    remedies: Sequence[Remedy],
) -> Diagnostic:
    """The E301 (memory "SRAM") or E302 ("flash") for a need that exceeds `have`.

    where: the layer, or what takes most. parts: what the need is made of. option: the
    budget option as given, or the name of the board's own limit.
    """
    need = sum(p.bytes for p in parts)
    listed = sorted(parts, key=lambda p: -p.bytes)
    shown = [f"{p.name} {p.bytes:,}" for p in listed[:6]]
    if len(listed) > 6:
        shown.append(f"others {sum(p.bytes for p in listed[6:]):,}")
    width = max(len(f"{need:,}"), len(f"{have:,}"))
    return Diagnostic(
        "E301" if memory == "SRAM" else "E302",
        f"does not fit: {target}, {memory}",
        where=where,
        facts=[
            ("need", f"{need:>{width},} B   {' + '.join(shown)}"),
            ("have", f"{have:>{width},} B   {option}"),
            ("short", f"{need - have:>{width},} B"),
        ],
        remedies=[str(r) for r in remedies if r.fits] or [str(r) for r in remedies],
    )
