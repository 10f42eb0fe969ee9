"""What less memory costs: bytes of arena against multiply-accumulates, as a table and as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from edgec.report.drawing import byte_step, document, number, text
from edgec.report.schema import Report, TradeOff
from edgec.report.table import Line

if TYPE_CHECKING:
    from edgec.schedule.search import Scheme

PICTURE = "pareto.svg"
WIDTH, HEIGHT = 760, 360
"""Of the plot in user units; the picture scales."""
_LEFT, _TOP, _ROW, _CHAR = 92, 64, 18, 6.2
_WORDS = 84
_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
_STYLE = """
text{font:11px Verdana,Arial,sans-serif;fill:#222}
.h{font-size:15px;font-weight:bold}.s{font-size:11px;fill:#444}.a{fill:#555}
.g{stroke:#c9ced8;stroke-width:.6}.f{stroke:#33415c;stroke-width:1.2;fill:none;stroke-dasharray:5 3}
circle{fill:#8fbbe8;stroke:#33415c}.c circle{fill:#c00000;stroke:#c00000}
.c text{fill:#c00000;font-weight:bold}
"""


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
    top = max(p["arena"] for p in found)
    low, high = min(1.0, *(p["factor"] for p in found)), max(p["factor"] for p in found)
    high = max(high, low + 0.1)
    places = [
        (
            _LEFT + 24 + (WIDTH - 48) * (p["factor"] - low) / (high - low),
            _TOP + HEIGHT * (1 - p["arena"] / (top * 1.1)),
        )
        for p in found
    ]
    # The chosen one may be beaten by another: it is off the line then.
    best = [min(p["arena"] for p in found[: k + 1]) for k in range(len(found))]
    line = [at for at, p, least in zip(places, found, best, strict=True) if p["arena"] == least]
    steps = "".join(f"H{number(x)}V{number(y)}" for x, y in line[1:])
    body = [
        text(12, 22, f"{name}: what less memory costs", "h"),
        text(12, 40, "bytes of arena against multiply-accumulates, as a factor of the model's own", "s"),
        *_scales(top * 1.1, low, high),
        f'<path class="f" d="M{number(line[0][0])} {number(line[0][1])}{steps}H{_LEFT + WIDTH}"/>',
        *_dots(found, places),
    ]
    return document(_LEFT + WIDTH + 24, _TOP + HEIGHT + 56 + _ROW * len(found), _STYLE, body)


def _scales(top: float, low: float, high: float) -> list[str]:
    lines = []
    for at in range(0, int(top) + 1, byte_step(top / 7)):
        y = _TOP + HEIGHT * (1 - at / top)
        lines.append(f'<path class="g" d="M{_LEFT - 4} {number(y)}H{_LEFT + WIDTH}"/>')
        lines.append(text(_LEFT - 8, y + 3.5, f"{at:,}", "a", "end"))
    step = next((s for s in _STEPS if (high - low) / s <= 10), _STEPS[-1])
    first = -(-round(low * 1000) // round(step * 1000))
    for k in range(first, int(high / step + 1e-6) + 1):
        x = _LEFT + 24 + (WIDTH - 48) * (k * step - low) / (high - low)
        lines.append(f'<path class="g" d="M{number(x)} {_TOP}V{_TOP + HEIGHT + 4}"/>')
        lines.append(text(x, _TOP + HEIGHT + 18, f"{k * step:.2f}", "a", "middle"))
    return lines


def _covers(left: float, end: float, height: float, other: tuple[float, float, float]) -> bool:
    return other[0] < end and left < other[1] and abs(height - other[2]) < 12


def _dots(found: Sequence[TradeOff], places: Sequence[tuple[float, float]]) -> list[str]:
    """The dots with their labels, and the list below.

    A label that has room neither above nor below its dot is the number only.
    """
    dots, rows = [], []
    taken: list[tuple[float, float, float]] = []
    for k, (p, (x, y), what) in enumerate(zip(found, places, words(found), strict=True), 1):
        label = f"{k}: {p['arena']:,} B"
        left, end = x + 7, x + 7 + len(label) * _CHAR
        if end > _LEFT + WIDTH:
            left, end = x - 7 - len(label) * _CHAR, x - 7
        free = (h for h in (y - 6, y + 16) if not any(_covers(left, end, h, other) for other in taken))
        if (height := next(free, None)) is None:
            label, left, end, height = f"{k}", x - 4, x + 4, y + 28
        taken.append((left, end, height))
        figures = f"{p['arena']:,} B, {p['factor']:.3f} times the MACs"
        built = ", built" if p["chosen"] else ""
        css = ' class="c"' if p["chosen"] else ""
        title = escape(f"{figures}{built}\n" + "\n".join(p["moves"]))
        dot = f'<circle cx="{number(x)}" cy="{number(y)}" r="4.5"/>'
        dots.append(f"<g{css}><title>{title}</title>{dot}{text(left, height, label)}</g>")
        at = _TOP + HEIGHT + 46 + _ROW * (k - 1)
        rows.append(f"<g{css}>{text(_LEFT, at, f'{k}: {figures}{built}: {what}')}</g>")
    return dots + rows
