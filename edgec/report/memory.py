"""memory.svg and memory.txt: where everything lies in the arena, and when."""

from __future__ import annotations

import string
import textwrap
from collections.abc import Sequence

import numpy as np

from edgec.ir import Graph
from edgec.report.axis import Axis
from edgec.report.picture import svg
from edgec.report.words import gap_of, names, peak_line, short, span_of
from edgec.schedule.plan import Plan
from edgec.schedule.timeline import Stay
from edgec.schedule.usage import Usage

COLUMNS, LINES = 108, 32
"""Of the chart in characters."""
_SYMBOLS = string.ascii_letters + string.digits
_INDENT = "    "
_FREE, _SCRATCH, _PEAK = ".", "%", "^"


def memory_files(graph: Graph, plan: Plan) -> dict[str, str]:
    """The files that a build directory has about its memory, by name."""
    usage = Usage.of(graph, plan)
    return {"memory.svg": svg(graph, plan, usage), "memory.txt": text(graph, plan, usage)}


def text(graph: Graph, plan: Plan, usage: Usage) -> str:
    """A chart of address against time, the regions, the fullest step, and a table of all there is."""
    marks = _marks(usage.stays)
    lines = [
        f"{graph.name}: {plan.arena:,} B of arena; {gap_of(plan)}",
        peak_line(graph, usage),
        "",
        *_chart(plan, usage, marks),
        "",
        *_regions(graph, plan),
        *_fullest(usage, marks),
        "",
        *table(usage.stays, marks),
    ]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def table(stays: Sequence[Stay], marks: Sequence[str] = ()) -> list[str]:
    """Every tensor, window and scratch: its steps, place and rows. marks: a character for each."""
    total = max([0, *(s.last for s in stays)])
    rows = [("", "steps", "address", "bytes", "rows", "what")]
    for k, s in enumerate(stays):
        first = "start" if s.first < 0 else f"{s.first}"
        last = "end" if s.last >= total and s.kind == "output" else f"{s.last}"
        held = "" if s.kind == "scratch" else f"{s.capacity} of {s.rows}"
        what = f"{s.kind} {short(s.name if s.kind in ('input', 'output') else s.path, 64)}"
        rows.append((marks[k] if marks else "", f"{first}-{last}", f"{s.address}", f"{s.bytes}", held, what))
    widths = [max(len(row[k]) for row in rows) for k in range(5)]
    found = []
    for mark, steps, address, size, held, what in rows:
        cells = (
            f"{steps:<{widths[1]}}  {address:>{widths[2]}}  {size:>{widths[3]}}  {held:>{widths[4]}}  {what}"
        )
        found.append(f"{mark:<{widths[0]}} {cells}" if marks else cells)
    return found


def _marks(stays: Sequence[Stay]) -> list[str]:
    """A character for every stay, in turn; scratch has one for all."""
    found, k = [], 0
    for stay in stays:
        found.append(_SCRATCH if stay.kind == "scratch" else _SYMBOLS[k % len(_SYMBOLS)])
        k += stay.kind != "scratch"
    return found


def _chart(plan: Plan, usage: Usage, marks: Sequence[str]) -> list[str]:
    """The arena from its end down to address 0, time from left to right."""
    axis, height = Axis.of(plan), min(LINES, max(1, -(-plan.arena // 4)))
    size = plan.arena / height
    slots = np.searchsorted(axis.ends, (np.arange(COLUMNS) + 0.5) / COLUMNS, "right")
    slots = np.minimum(slots, len(axis.ends) - 1)
    found = np.full((height, COLUMNS), _FREE)
    latest = np.full((height, COLUMNS), -2)
    for mark, stay in zip(marks, usage.stays, strict=True):
        for p in stay.parts:
            a, b = np.searchsorted(slots, [p.first + 1, p.last + 2])
            # A line shows what lies at its middle; what is thinner than a line is in the table only.
            low, high = round(p.address / size), round((p.address + p.bytes) / size)
            block = np.s_[low:high, a:b]
            newer = latest[block] <= stay.first
            found[block] = np.where(newer, mark, found[block])
            latest[block] = np.where(newer, stay.first, latest[block])
    width = max(len("fullest"), len(f"{plan.arena:,}"))
    lines = [f"{'region':>{width}}  {_heads(axis)}"]
    for k in reversed(range(height)):
        # The address at which the line begins.
        lines.append(f"{round(k * size):>{width},} |{''.join(found[k])}|")
    at = usage.peak.step + 1
    column = min(COLUMNS - 1, int((axis.begins[at] + axis.ends[at]) / 2 * COLUMNS))
    return [*lines, f"{'fullest':>{width}}  {' ' * column}{_PEAK}"]


def _heads(axis: Axis) -> str:
    """The numbers of the regions where they begin."""
    line = [" "] * COLUMNS
    free = 0
    for band in axis.bands:
        at, number = int(band.begin * COLUMNS), f"|{band.index}"
        if at >= free and at + len(number) <= COLUMNS:
            line[at : at + len(number)] = number
            free = at + len(number)
    return "".join(line)


def _regions(graph: Graph, plan: Plan) -> list[str]:
    found = []
    for k, nodes in enumerate(plan.regions):
        found.append(f"region {k}: {span_of(graph, nodes)}")
        if len(nodes) > 1:
            found += textwrap.wrap(
                ", ".join(names(graph, nodes)), COLUMNS, initial_indent=_INDENT, subsequent_indent=_INDENT
            )
    return [*found, ""] if found else []


def _fullest(usage: Usage, marks: Sequence[str]) -> list[str]:
    peak = usage.peak
    by_name = {
        (f"scratch of {s.name}" if s.kind == "scratch" else s.name): k for k, s in enumerate(usage.stays)
    }
    found = [f"live in the fullest step, {peak.step}:"]
    for tenant in peak.tenants:
        stay = usage.stays[by_name[tenant.name]]
        found.append(f"  {marks[by_name[tenant.name]]} {tenant.bytes:>9,} B  {short(stay.title, 72)}")
    return found
