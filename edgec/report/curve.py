"""A curve of bytes against what they cost: numbered dots, the chosen one in red, and a list below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from edgec.report.drawing import byte_step, document, number, text

WIDTH, HEIGHT = 760, 360
"""Of the plot in user units; the picture scales."""
_LEFT, _TOP, _ROW, _CHAR = 92, 64, 18, 6.2
_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
_STYLE = """
text{font:11px Verdana,Arial,sans-serif;fill:#222}
.h{font-size:15px;font-weight:bold}.s{font-size:11px;fill:#444}.a{fill:#555}
.g{stroke:#c9ced8;stroke-width:.6}.f{stroke:#33415c;stroke-width:1.2;fill:none;stroke-dasharray:5 3}
circle{fill:#8fbbe8;stroke:#33415c}.c circle{fill:#c00000;stroke:#c00000}
.c text{fill:#c00000;font-weight:bold}
"""


@dataclass(frozen=True)
class Dot:
    """A point. bytes: its height. cost: its place to the right. figure: the cost in words. what: it is, for
    the list; parts: the same for the title, line by line."""

    bytes: int
    cost: float
    figure: str
    what: str
    parts: tuple[str, ...]
    chosen: bool


def svg(heading: str, under: str, found: Sequence[Dot], low: float, span: float) -> str:
    """The picture. low: what the axis of costs begins with at most; span: how far it goes at least."""
    top = max(p.bytes for p in found)
    low, high = min(low, *(p.cost for p in found)), max(p.cost for p in found)
    high = max(high, low + span)
    places = [
        (
            _LEFT + 24 + (WIDTH - 48) * (p.cost - low) / (high - low),
            _TOP + HEIGHT * (1 - p.bytes / (top * 1.1)),
        )
        for p in found
    ]
    # The chosen one may be beaten by another: it is off the line then.
    best = [min(p.bytes for p in found[: k + 1]) for k in range(len(found))]
    line = [at for at, p, least in zip(places, found, best, strict=True) if p.bytes == least]
    steps = "".join(f"H{number(x)}V{number(y)}" for x, y in line[1:])
    body = [
        text(12, 22, heading, "h"),
        text(12, 40, under, "s"),
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
        lines.append(
            text(x, _TOP + HEIGHT + 18, f"{k * step:.2f}" if step < 1 else f"{k * step:.0f}", "a", "middle")
        )
    return lines


def _covers(left: float, end: float, height: float, other: tuple[float, float, float]) -> bool:
    return other[0] < end and left < other[1] and abs(height - other[2]) < 12


def _dots(found: Sequence[Dot], places: Sequence[tuple[float, float]]) -> list[str]:
    """The dots with their labels, and the list below.

    A label that has room neither above nor below its dot is the number only.
    """
    dots, rows = [], []
    taken: list[tuple[float, float, float]] = []
    for k, (p, (x, y)) in enumerate(zip(found, places, strict=True), 1):
        label = f"{k}: {p.bytes:,} B"
        left, end = x + 7, x + 7 + len(label) * _CHAR
        if end > _LEFT + WIDTH:
            left, end = x - 7 - len(label) * _CHAR, x - 7
        free = (h for h in (y - 6, y + 16) if not any(_covers(left, end, h, other) for other in taken))
        if (height := next(free, None)) is None:
            label, left, end, height = f"{k}", x - 4, x + 4, y + 28
        taken.append((left, end, height))
        figures = f"{p.bytes:,} B, {p.figure}"
        built = ", built" if p.chosen else ""
        css = ' class="c"' if p.chosen else ""
        title = escape(f"{figures}{built}\n" + "\n".join(p.parts))
        dot = f'<circle cx="{number(x)}" cy="{number(y)}" r="4.5"/>'
        dots.append(f"<g{css}><title>{title}</title>{dot}{text(left, height, label)}</g>")
        at = _TOP + HEIGHT + 46 + _ROW * (k - 1)
        rows.append(f"<g{css}>{text(_LEFT, at, f'{k}: {figures}{built}: {p.what}')}</g>")
    return dots + rows
