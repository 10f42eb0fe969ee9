"""The forms of weights that were chosen from: bytes against noise, as a table and as a picture."""

from __future__ import annotations

import math

from edgec.report import curve
from edgec.report.curve import Dot
from edgec.report.schema import Precision, Report, Weighing
from edgec.report.table import Line

PICTURE = "weights.svg"


def frontier(report: Report) -> list[Line]:
    """The table for the screen; no line where nothing was chosen."""
    if "weighing" not in report:
        return []
    weighing = report["weighing"]
    found = weighing["frontier"]
    width = max(len("weights B"), *(len(f"{p['bytes']:,}") for p in found))
    more = max(len("cycles"), *(len(f"{p['cycles']:+,}") for p in found))
    names = f"  signal dB  {'cycles':>{more}}  forms of the layers' weights"
    head = f"  {'precision':<12}{'weights B':>{width}}{names}"
    lines = [Line(((head, "cyan"),))]
    for p in found:
        mark, style = ("built", "bold green") if p["chosen"] else ("", "")
        figures = f"  {mark:<12}{p['bytes']:>{width},}  {_decibels(p):>9.1f}  {p['cycles']:>+{more},}"
        lines.append(Line(((figures, style), (f"  {p['forms']}", style or "dim"))))
    what = "signal over noise at the outputs before weights are learned, cycles beyond int8's"
    told = f"{'':14}{what}; drawn in {PICTURE}"
    return [*lines, Line(((told, "dim"),)), Line(((f"{'':14}{_lost(weighing)}", ""),))]


def _lost(weighing: Weighing) -> str:
    told = f"on {weighing['samples']} samples not learned from; --max-drop {weighing['max_drop']:g}"
    if "top1" in weighing and "top1_float" in weighing:
        return f"top-1 {weighing['top1_float']:.2f} % in float, {weighing['top1']:.2f} % as built, {told}"
    lost = (
        "of the answers are not those of float"
        if weighing["of"] == "answers"
        else "of the float outputs' variance is lost"
    )
    return f"{weighing['drop']:.2f} % {lost}, {told}"


def svg(name: str, weighing: Weighing) -> str:
    """The picture: a numbered dot for every choice, the one that was built in red."""
    found = sorted(weighing["frontier"], key=lambda p: -_decibels(p))
    top = math.ceil(_decibels(found[0]))
    dots = [
        Dot(
            p["bytes"],
            top - _decibels(p),
            f"{_decibels(p):.1f} dB",
            p["forms"],
            tuple(p["forms"].split(", ")),
            p["chosen"],
        )
        for p in found
    ]
    under = f"bytes of weights against decibels of signal over noise at the outputs, below {top}"
    return curve.svg(f"{name}: what fewer bits cost", under, dots, 0.0, 1.0)


def _decibels(p: Precision) -> float:
    return -10 * math.log10(max(p["noise"], 1e-12))
