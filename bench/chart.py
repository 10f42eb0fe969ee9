"""The picture: bars of what a figure is over the one to beat, for each model and target."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape

from measure import Document, Row
from peers import OPEN, OPEN_INSTRUCTIONS, best_cycles, best_memory
from suite import MODELS

from edgec.report.drawing import document as page
from edgec.report.drawing import number, rect, text

COLOURS = ("#33415c", "#5b8fd0", "#8ec1a3", "#d9a441", "#b36a8c", "#8f86c9")
ARENAS = {4: "smallest", 5: "input streamed, too"}
_LEFT, _HEIGHT, _BAR, _GAP, _CHAR = 56, 170, 30, 26, 6.4
_HEAD, _FOOT = 62, 58
_STYLE = """
text{font:11px Verdana,Arial,sans-serif;fill:#222}
.h{font-size:15px;font-weight:bold}.t{font-size:12px;font-weight:bold}.a{fill:#555}.v{font-size:9.5px}
.g{stroke:#dde1e8;stroke-width:.6}.one{stroke:#c00000;stroke-width:1.2;stroke-dasharray:5 3}
"""


@dataclass(frozen=True)
class Bar:
    """value: over the figure to beat. colour: an index. title: what is shown where one points at it."""

    value: float
    colour: int
    title: str


@dataclass(frozen=True)
class Panel:
    """A title, the names of the colours by index, and bars by model."""

    title: str
    names: dict[int, str]
    groups: dict[str, list[Bar]]


def svg(document: Document) -> str:
    """The picture; panels without bars are left out."""
    rows = document["rows"]
    targets = list(dict.fromkeys(row["target"] for row in rows))
    names = dict(enumerate(targets))
    found = [
        Panel(f"Instructions over those of {OPEN} on the same core", names, _instructions(rows, targets)),
        Panel("Cycles over the fewest published for the core", names, _cycles(rows, targets)),
        Panel("Arena over the least memory of any other engine", ARENAS, _arenas(rows)),
    ]
    panels = [panel for panel in found if panel.groups]
    body = [text(12, 22, "What models need, over the figures to beat", "h")]
    about = "less is better, 1 is theirs; instructions and cycles of simulated boards, built for speed"
    body.append(text(12, 39, about, "a"))
    y, width = 52.0, 560.0
    for panel in panels:
        drawn, end = _draw(panel, y)
        body += drawn
        y, width = y + _HEAD + _HEIGHT + _FOOT, max(width, end)
    if not panels:
        body.append(text(12, 66, "no figures of others for these models"))
    return page(width + 16, y + 20, _STYLE, body)


def _instructions(rows: list[Row], targets: list[str]) -> dict[str, list[Bar]]:
    groups: dict[str, list[Bar]] = {}
    for row in rows:
        if (value := row["ratios"].get("instructions_over_open")) is not None:
            other = OPEN_INSTRUCTIONS[row["model"]][row["core"]]
            title = f"{row['builds']['speed']['instructions']:,}; {OPEN}: {other:,}"
            _add(groups, row, Bar(value, targets.index(row["target"]), title))
    return groups


def _cycles(rows: list[Row], targets: list[str]) -> dict[str, list[Bar]]:
    groups: dict[str, list[Bar]] = {}
    for row in rows:
        best = best_cycles(row["model"], row["core"])
        if best and (value := row["ratios"].get("cycles_over_best")) is not None:
            other = f"{best.engine} on {best.board}: {best.cycles[row['model']]:,} ({best.source})"
            title = f"{row['builds']['speed']['cycles']:,}; {other}"
            _add(groups, row, Bar(value, targets.index(row["target"]), title))
    return groups


def _arenas(rows: list[Row]) -> dict[str, list[Bar]]:
    """Of the first target of each model: the arena hardly depends on it."""
    groups: dict[str, list[Bar]] = {}
    for row in rows:
        memory = best_memory(row["model"])
        if memory is None or row["model"] in groups:
            continue
        parts = (("memory", "arena_over_best"), ("streamed", "streamed_over_best"))
        for colour, (build, name) in zip(ARENAS, parts, strict=True):
            if (value := row["ratios"].get(name)) is not None:
                arena = row["builds"][build]["arena"]
                other = f"{memory.engine}: {memory.bytes:,} B ({memory.source})"
                _add(groups, row, Bar(value, colour, f"{row['target']}: {arena:,} B; {other}"))
    return groups


def _add(groups: dict[str, list[Bar]], row: Row, bar: Bar) -> None:
    groups.setdefault(row["model"], []).append(bar)


def _draw(panel: Panel, y: float) -> tuple[list[str], float]:
    """The panel below y, and where it ends on the right."""
    top, floor = y + _HEAD, y + _HEAD + _HEIGHT
    most = max(bar.value for bars in panel.groups.values() for bar in bars)
    scale = _HEIGHT / (max(most, 1.0) * 1.08)
    body = [text(12, y + 16, panel.title, "t")]
    x = float(_LEFT)
    used = {bar.colour for group in panel.groups.values() for bar in group}
    for k, name in panel.names.items():
        if k not in used:
            continue
        body += [rect(x, y + 28, 10, 10, f'fill="{COLOURS[k % len(COLOURS)]}"'), text(x + 15, y + 37, name)]
        x += 15 + len(name) * _CHAR + 18
    bars, x = [], _LEFT + _GAP / 2
    for name, group in panel.groups.items():
        words = _words(name)
        wide = max(_BAR * len(group), _CHAR * max(len(word) for word in words))
        left = x + (wide - _BAR * len(group)) / 2
        for k, bar in enumerate(group):
            at, height = left + k * _BAR, bar.value * scale
            fill = f'fill="{COLOURS[bar.colour % len(COLOURS)]}"'
            drawn = rect(at + 1, floor - height, _BAR - 2, height, fill)
            value = text(at + _BAR / 2, floor - height - 3, f"{bar.value:.2f}", "v", "middle")
            bars.append(f"<g><title>{escape(bar.title)}</title>{drawn}{value}</g>")
        bars += [text(x + wide / 2, floor + 15 + 13 * k, w, "", "middle") for k, w in enumerate(words)]
        x += wide + _GAP
    for at in _scale(max(most, 1.0) * 1.08):
        height = floor - at * scale
        body.append(f'<path class="g" d="M{_LEFT} {number(height)}H{number(x)}"/>')
        body.append(text(_LEFT - 6, height + 3.5, f"{at:g}", "a", "end"))
    line = f'<path class="one" d="M{_LEFT} {number(floor - scale)}H{number(x)}"/>'
    body += [*bars, line, text(x + 4, floor - scale + 3.5, "theirs", "a")]
    return body, max(x + 48, 12 + len(panel.title) * 8, top - y)


def _scale(most: float) -> list[float]:
    step = next((s for s in (0.2, 0.25, 0.5, 1.0, 2.0, 5.0) if most / s <= 7), 10.0)
    return [k * step for k in range(math.floor(most / step) + 1)]


def _words(model: str) -> list[str]:
    """A model's name in short lines."""
    name = MODELS[model].name.partition(" (")[0] if model in MODELS else model
    lines = [""]
    for word in name.split():
        fits = len(lines[-1]) + len(word) < 15
        lines[-1:] = [f"{lines[-1]} {word}".strip()] if fits else [lines[-1], word]
    return [line for line in lines if line]
