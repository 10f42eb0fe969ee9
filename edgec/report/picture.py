"""memory.svg: address against time, a shape for every tensor, self-contained."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from html import escape

import numpy as np

from edgec.ir import Graph
from edgec.report.axis import Axis, Band
from edgec.report.drawing import byte_step, document
from edgec.report.drawing import number as _n
from edgec.report.drawing import rect as _rect
from edgec.report.drawing import text as _text
from edgec.report.words import gap_of, names, peak_line, span_of
from edgec.schedule.plan import Plan
from edgec.schedule.timeline import Part, Stay
from edgec.schedule.usage import Usage

WIDTH, HEIGHT = 1280, 560
"""Of the plot in user units; the picture scales."""
_LEFT, _TOP, _LIVE = 92, 92, 90
_SLICES = 20
"""Pieces at most into which a tensor is cut whose rows come and go one by one."""
_STRETCHES = 40
"""Stretches of time at most in which a window is drawn."""
_SHAPES = 3000
"""About so many pieces and stretches in all: the file stays small for any plan."""
_NEAR = 1.2
"""Stretches that are nearer to each other than this many units are drawn as one."""
_COLOURS = (
    "#8fbbe8",
    "#f4b183",
    "#a9d18e",
    "#ffd966",
    "#c5a5dd",
    "#7fcdbb",
    "#f2a6b5",
    "#b7c9a8",
    "#9fc5d8",
    "#e6c29f",
    "#b4a7d6",
    "#d5cf7a",
)
_CHAR = 5.6
_STYLE = """
text{font:10px Verdana,Arial,sans-serif;fill:#222}
.h{font-size:15px;font-weight:bold}.s{font-size:11px;fill:#444}.a{fill:#555}
.t path{stroke:#33415c;stroke-width:.5;fill-opacity:.85}.t .w path{stroke-dasharray:3 1.5}
.t .i path{stroke:#1f4e9c;stroke-width:1.4}.t .o path{stroke:#1a7f37;stroke-width:1.4}
.t .x path{fill:#555;fill-opacity:.55;stroke:none}.t>g:hover path{stroke:#c00000;stroke-width:2}
.l{pointer-events:none}
.p{stroke:#c00000;stroke-width:1.2;fill:none}.pt{fill:#c00000;font-weight:bold}
"""


def svg(graph: Graph, plan: Plan, usage: Usage) -> str:
    """The picture: tensors, windows and scratch, regions as bands, the fullest step, live bytes below."""
    axis = Axis.of(plan)
    top = max(1, plan.arena)
    drawn, labels = _stays(axis, usage.stays, top)
    body = [
        *_head(graph, plan, usage),
        *_bands(graph, axis),
        *_addresses(top),
        '<g class="t">',
        *drawn,
        '</g><g class="l">',
        *labels,
        "</g>",
        *_live(axis, plan, usage),
        *_peak(axis, usage),
        *_key(),
    ]
    width, height = _LEFT + WIDTH + 24, _TOP + HEIGHT + _LIVE + 100
    return document(width, height, _STYLE, body)


# -- around the plot ------------------------------------------------------


def _head(graph: Graph, plan: Plan, usage: Usage) -> list[str]:
    return [
        _text(12, 22, f"{graph.name}: {plan.arena:,} B of arena", "h"),
        _text(12, 40, f"{gap_of(plan)}; {peak_line(graph, usage)}", "s"),
    ]


def _bands(graph: Graph, axis: Axis) -> list[str]:
    """Regions as bands behind the plot, their names above it, their first steps below."""
    found, free = [], 0.0
    for k, band in enumerate(axis.bands):
        a, b = _x(band.begin), _x(band.end)
        shade = 'fill="#f3f5f9"' if k % 2 else 'fill="#e6eaf2"'
        title = f"region {band.index}: {span_of(graph, band.nodes)}\n" + "\n".join(names(graph, band.nodes))
        inner = _rect(a, _TOP - 34, b - a, HEIGHT + 34, shade)
        label = _label(graph, band, b - a)
        inner += _text((a + b) / 2, _TOP - 20, label[0], "", "middle") + _text(
            (a + b) / 2, _TOP - 8, label[1], "a", "middle"
        )
        found.append(f"<g><title>{escape(title)}</title>{inner}</g>")
        if a >= free:
            found.append(_text(a, _TOP + HEIGHT + _LIVE + 22, f"{band.first:,}", "a"))
            free = a + (len(f"{band.first:,}") + 1.5) * _CHAR
    found.append(
        _text(12, _TOP - 20, "region", "a") + _text(12, _TOP + HEIGHT + _LIVE + 22, "from step", "a")
    )
    return found


def _label(graph: Graph, band: Band, width: float) -> tuple[str, str]:
    """Two lines that fit: the region's number and what is in it."""
    span = span_of(graph, band.nodes)
    room = int(width / _CHAR) - 1
    number = str(band.index)
    if room < len(number):
        return "", ""
    if len(band.nodes) == 1:
        return number, _fitted(span, room)
    count = len(band.nodes)
    return number, next((t for t in (span, f"{count} layers", f"{count}") if len(t) <= room), "")


def _fitted(name: str, room: int) -> str:
    """As many of the last parts of a module path as fit; at least a part of the last."""
    parts = [p for p in re.split(r"(?<=[./])", name) if p]
    while len(parts) > 1 and sum(map(len, parts)) > room:
        parts.pop(0)
    text = "".join(parts)
    return text if len(text) <= room else f"{text[: room - 1]}…" if room > 3 else ""


def _addresses(top: int) -> list[str]:
    found = []
    step = byte_step(top / 8)
    for at in [*range(0, top - step // 2, step), top]:
        y = _y(at, top)
        found.append(f'<path d="M{_LEFT - 4} {_n(y)}H{_LEFT + WIDTH}" stroke="#c9ced8" stroke-width=".6"/>')
        found.append(_text(_LEFT - 8, y + 3.5, f"{at:,}", "a", "end"))
    return [*found, _text(_LEFT - 8, _TOP - 8, "address", "a", "end")]


def _key() -> list[str]:
    y = _TOP + HEIGHT + _LIVE + 46
    found, x = [], float(_LEFT)
    for css, fill, name in (
        ("i", _COLOURS[0], "input"),
        ("o", _COLOURS[0], "output"),
        ("", _COLOURS[0], "tensor: rows one by one"),
        ("w", _COLOURS[0], "window: a ring of the rows still needed"),
        ("x", "#555", "scratch of a kernel"),
    ):
        box = f'<path d="{_boxes([(x, y - 9, x + 22, y + 2)])}" fill="{fill}"/>'
        found.append(f'<g class="t"><g class="{css}">{box}</g></g>' + _text(x + 28, y, name))
        x += 28 + (len(name) + 4) * _CHAR
    return [*found, _text(x, y, "red: the fullest step. Widths go with the root of the rows computed.", "a")]


# -- the plot -------------------------------------------------------------


def _stays(axis: Axis, stays: Sequence[Stay], top: int) -> tuple[list[str], list[str]]:
    """Shapes and labels. Scratch last: it is small, and lies beside the tensors of its step."""
    share = max(2, _SHAPES // max(1, len(stays)))
    drawn, labels = [], []
    taken: list[Box] = []
    classes = {"input": "i", "output": "o", "window": "w", "scratch": "x", "tensor": ""}
    tensors = [s for s in stays if s.kind != "scratch"]
    for k, stay in enumerate([*tensors, *(s for s in stays if s.kind == "scratch")]):
        path, box = _shape(axis, stay, top, share)
        colour = _COLOURS[k % len(_COLOURS)]
        ring = " w" if stay.capacity < stay.rows and stay.kind != "window" else ""
        steps = f"steps {max(stay.first, 0):,} to {stay.last:,}"
        title = f"{stay.title}\n{stay.bytes:,} B at {stay.address:,}, {steps}\n{stay.name}"
        css = f"{classes[stay.kind]}{ring}".strip()
        drawn.append(f'<g class="{css}" fill="{colour}"><title>{escape(title)}</title><path d="{path}"/></g>')
        labels.append(_inside(stay, box, taken))
    return drawn, [text for text in labels if text]


Box = tuple[float, float, float, float]
"""left, top, right, bottom."""


def _inside(stay: Stay, box: Box, taken: list[Box]) -> str:
    """The name, where it fits into the largest shape and covers none of the boxes that are taken."""
    left, top, right, bottom = box
    room = int((right - left) / _CHAR) - 1
    if bottom - top < 11 or room < 4 or stay.kind == "scratch":
        return ""
    text = stay.title
    if len(text) > room:
        window = f" {stay.capacity}/{stay.rows}" if stay.capacity < stay.rows else ""
        name = stay.layer if stay.kind in ("tensor", "window") else stay.kind
        text = _fitted(name, room - len(window)) + window if room > len(window) + 5 else _fitted(name, room)
    x, half = (left + right) / 2, len(text) * _CHAR / 2
    for share in (0.5, 0.3, 0.7, 0.15, 0.85):
        y = max(top + 5.5, min(bottom - 5.5, top + share * (bottom - top)))
        mine = (x - half, y - 5, x + half, y + 5)
        if not any(_overlap(mine, other) for other in taken):
            taken.append(mine)
            return _text(x, y + 3.5, text, "", "middle")
    return ""


def _overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _shape(axis: Axis, stay: Stay, top: int, share: int) -> tuple[str, Box]:
    """A path, and the largest box in it: rectangles for what holds bytes at one address, staircases for
    rows that come and go."""
    addresses = {p.address for p in stay.parts}
    if len(addresses) == 1:
        a = stay.parts[0]
        y0, y1 = _y(a.address + a.bytes, top), _y(a.address, top)
        spans = _near([_across(axis, p) for p in stay.parts], min(share, _STRETCHES))
        boxes = [(x0, y0, x1, y1) for x0, x1 in spans]
        return _boxes(boxes), max(boxes, key=_area)
    found = [_staircase(axis, g, top, min(share, _SLICES)) for g in _generations(stay.parts)]
    return "".join(d for d, _ in found), max((box for _, box in found), key=_area)


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _generations(parts: Sequence[Part]) -> list[list[Part]]:
    """Parts in order of address, no two at one; what comes to an address again is in the next list."""
    found: list[list[Part]] = []
    free: list[dict[int, None]] = []
    for part in sorted(parts, key=lambda p: p.first):
        k = next((k for k, used in enumerate(free) if part.address not in used), len(found))
        if k == len(found):
            found.append([])
            free.append({})
        found[k].append(part)
        free[k][part.address] = None
    return [sorted(g, key=lambda p: p.address) for g in found]


def _staircase(axis: Axis, parts: Sequence[Part], top: int, most: int) -> tuple[str, Box]:
    size = math.ceil(len(parts) / most)
    slices: list[Box] = []
    for k in range(0, len(parts), size):
        some = parts[k : k + size]
        x = [_across(axis, p) for p in some]
        low, high = _y(some[0].address, top), _y(some[-1].address + some[-1].bytes, top)
        box = (min(a for a, _ in x), high, max(b for _, b in x), low)
        if slices and abs(box[0] - slices[-1][0]) < _NEAR / 2 and abs(box[2] - slices[-1][2]) < _NEAR / 2:
            slices[-1] = (slices[-1][0], high, slices[-1][2], slices[-1][3])
        else:
            slices.append(box)
    left = "".join(f"H{_n(x)}V{_n(y)}" for x, y, _, _ in slices)
    right = "".join(f"H{_n(x)}V{_n(y)}" for _, _, x, y in reversed(slices))
    path = f"M{_n(slices[0][0])} {_n(slices[0][3])}{left}{right}Z"
    middle = max(slices, key=lambda b: (b[2] - b[0]) * (b[3] - b[1]))
    overlap = (max(s[0] for s in slices), slices[-1][1], min(s[2] for s in slices), slices[0][3])
    return path, overlap if overlap[2] - overlap[0] > 0.5 * (middle[2] - middle[0]) else middle


def _near(spans: Sequence[tuple[float, float]], most: int) -> list[tuple[float, float]]:
    """Spans in time, in order, those that nearly touch joined until there are no more than `most`."""
    near = _NEAR
    while True:
        found: list[tuple[float, float]] = []
        for a, b in spans:
            if found and a - found[-1][1] < near:
                found[-1] = (found[-1][0], max(b, found[-1][1]))
            else:
                found.append((a, b))
        if len(found) <= most:
            return found
        near *= 1.5


def _live(axis: Axis, plan: Plan, usage: Usage) -> list[str]:
    """Live bytes over time, below the plot: of every unit of width the most."""
    base, scale = _TOP + HEIGHT + _LIVE + 8, (_LIVE - 14) / max(1, plan.arena)
    column = np.floor(axis.begins * WIDTH).astype(int)
    most = np.zeros(WIDTH + 1, np.int64)
    np.maximum.at(most, column, usage.live)
    starts = np.unique(column)
    heights = [base - scale * y for y in most[starts].tolist()]
    d = "".join(f"H{_n(_LEFT + x)}V{_n(y)}" for x, y in zip(starts.tolist(), heights, strict=True))
    edge = f'<path d="M{_LEFT} {base - _LIVE + 14}H{_LEFT + WIDTH}" stroke="#c9ced8" stroke-width=".6"/>'
    area = f'<path d="M{_LEFT} {base}{d}H{_LEFT + WIDTH}V{base}Z" fill="#9aa5b8" fill-opacity=".6"/>'
    return [
        edge,
        area,
        _text(_LEFT - 8, base - _LIVE + 18, f"{plan.arena:,}", "a", "end"),
        _text(_LEFT - 8, base, "live B", "a", "end"),
    ]


def _peak(axis: Axis, usage: Usage) -> list[str]:
    peak = usage.peak
    x = _x((axis.begins[peak.step + 1] + axis.ends[peak.step + 1]) / 2)
    anchor = "end" if x > _LEFT + WIDTH * 0.7 else "start"
    line = f'<path class="p" d="M{_n(x)} {_TOP - 36}V{_TOP + HEIGHT + _LIVE + 8}" stroke-dasharray="5 3"/>'
    label = f"{peak.bytes:,} B live in step {peak.step:,}"
    return [line, _text(x + (4 if anchor == "start" else -4), _TOP - 39, label, "pt", anchor)]


# -- drawing --------------------------------------------------------------


def _across(axis: Axis, part: Part) -> tuple[float, float]:
    return _x(axis.begins[part.first + 1]), _x(axis.ends[part.last + 1])


def _x(at: float) -> float:
    return _LEFT + float(at) * WIDTH


def _y(address: int, top: int) -> float:
    return _TOP + HEIGHT * (1 - address / top)


def _boxes(boxes: Iterable[Box]) -> str:
    return "".join(
        f"M{_n(x0)} {_n(y0)}H{_n(max(x1, x0 + 0.3))}V{_n(y1)}H{_n(x0)}Z" for x0, y0, x1, y1 in boxes
    )
