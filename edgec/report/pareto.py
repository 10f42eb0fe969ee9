"""What less memory costs: bytes of arena against multiply-accumulates, as a table and as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from edgec.report import curve
from edgec.report.curve import Dot
from edgec.report.schema import Report, TradeOff
from edgec.report.table import Line

if TYPE_CHECKING:
    from edgec.schedule.search import Scheme

PICTURE = "pareto.svg"
_WORDS = 84


def points(schemes: Sequence[Scheme], chosen: Scheme, own: int) -> list[TradeOff]:
    """The schemes that none beats in both bytes and work, and the chosen one; the least work first.

    own: the model's own multiply-accumulates.
    """
    others: list[Scheme] = []
    for s in sorted(schemes, key=lambda s: (s.macs, s.arena)):
        beaten = chosen.macs <= s.macs and chosen.arena <= s.arena
        if not beaten and (not others or s.arena < others[-1].arena):
            others.append(s)
    return [
        TradeOff(
            arena=s.arena,
            macs=s.macs,
            factor=-(-s.macs * 1000 // own) / 1000,
            moves=list(s.moves),
            chosen=s is chosen,
        )
        for s in sorted((*others, chosen), key=lambda s: (s.macs, -s.arena))
    ]


def trade_offs(report: Report) -> list[Line]:
    """The table for the screen; no line where no trade-offs were asked for."""
    found = report.get("pareto", [])
    if not found:
        return []
    width = max(len("arena B"), *(len(f"{p['arena']:,}") for p in found))
    head = f"  {'trade-off':<12}{'arena B':>{width}}    MACs  what is done for it"
    lines = [Line(((head, "cyan"),))]
    for p, what in zip(found, words(found), strict=True):
        mark, style = ("built", "bold green") if p["chosen"] else ("", "")
        figures = f"  {mark:<12}{p['arena']:>{width},}  {p['factor']:>6.3f}"
        lines.append(Line(((figures, style), (f"  {what}", style or "dim"))))
    told = f"{'':14}drawn in {PICTURE}; --max-overhead F allows F times the MACs"
    return [*lines, Line(((told, "dim"),))]


def words(found: Sequence[TradeOff]) -> list[str]:
    """What is done for each, after the one before; long ones are cut, report.json has them whole."""
    told = []
    before: list[str] = []
    for p in found:
        moves, count = p["moves"], len(before)
        if not moves:
            told.append("the model as it is")
        elif before and moves[:count] == before:
            told.append("; ".join(["the same", *moves[count:]]))
        else:
            told.append("; ".join(moves))
        before = moves
    return [what if len(what) <= _WORDS else f"{what[: _WORDS - 3]}..." for what in told]


def svg(name: str, found: Sequence[TradeOff]) -> str:
    """The picture: a numbered dot for every trade-off, the chosen one in red, and what each does below."""
    dots = [
        Dot(
            p["arena"], p["factor"], f"{p['factor']:.3f} times the MACs", what, tuple(p["moves"]), p["chosen"]
        )
        for p, what in zip(found, words(found), strict=True)
    ]
    under = "bytes of arena against multiply-accumulates, as a factor of the model's own"
    return curve.svg(f"{name}: what less memory costs", under, dots, 1.0, 0.1)
