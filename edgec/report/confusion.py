"""The picture of a confusion matrix: what is in each class' row, and what the build took it for."""

from __future__ import annotations

from html import escape

from edgec.report.drawing import document, number, rect, text
from edgec.report.evaluation import Evaluation
from edgec.report.words import short

WIDTH = 720
"""Of the matrix in user units; the picture scales."""
_TOP, _CHAR, _NAME = 96, 6.2, 24
_WRITTEN = 30
"""Classes at most whose cells have figures."""
_STYLE = """
text{font:11px Verdana,Arial,sans-serif;fill:#222}
.h{font-size:15px;font-weight:bold}.s{fill:#444}.a{fill:#555}.w{fill:#fff}
.g{fill:none;stroke:#c9ced8;stroke-width:.6}g>g:hover rect{stroke:#33415c;stroke-width:1.5}
"""


def svg(e: Evaluation) -> str:
    """Rows are the classes of the samples, columns the answers; the colour is the share of the row, blue
    where it is right and orange where it is wrong."""
    names = [c["name"] for c in e["classes"]]
    size = WIDTH / len(names)
    left = 40 + _CHAR * max(len(short(n, _NAME)) for n in names)
    every = -(-len(names) * 14 // WIDTH)
    below = _TOP + WIDTH
    summary = f"top-1 {e['top1']:.2%} of {e['samples']:,} samples from {e['data']}"
    if "float" in e:
        summary += f", {e['float']['agreement']:.2%} as the float model"
    body = [
        text(12, 22, f"{e['model']} on {e['target']}: what was taken for what", "h"),
        text(12, 40, summary, "s"),
        text(
            left, _TOP - 10, "rows: the right class; columns: the answer; colour: the share of the row", "a"
        ),
        rect(left, _TOP, WIDTH, WIDTH, 'class="g"'),
        '<g class="m">',
        *_cells(e, names, left, size),
        "</g>",
    ]
    for k, name in enumerate(names):
        if k % every == 0:
            at, shown = size * (k + 0.5), short(name, _NAME)
            body.append(text(left - 6, _TOP + at + 4, shown, "", "end"))
            place = f"translate({number(left + at + 4)} {number(below + 8)}) rotate(-90)"
            body.append(f'<text transform="{place}" text-anchor="end">{escape(shown)}</text>')
    return document(left + WIDTH + 24, below + left - 10, _STYLE, body)


def _cells(e: Evaluation, names: list[str], left: float, size: float) -> list[str]:
    """The cells that hold anything; figures where there is room."""
    index = {name: k for k, name in enumerate(names)}
    found = [(index[c["name"]],) * 2 + (c["right"], c.get("recall", 0.0)) for c in e["classes"] if c["right"]]
    found += [(index[c["label"]], index[c["said"]], c["count"], c["share"]) for c in e["confusions"]]
    drawn = []
    for row, column, count, share in sorted(found):
        x, y = left + size * column, _TOP + size * row
        colour = "#2f6fb0" if row == column else "#d9622b"
        said = "right" if row == column else f"taken for {names[column]}"
        title = escape(f"{names[row]}: {count:,} {said}, {share:.1%}")
        cell = rect(x, y, size, size, f'fill="{colour}" fill-opacity="{0.08 + 0.92 * share:.3f}"')
        css = "w" if share > 0.5 else ""
        figure = text(x + size / 2, y + size / 2 + 4, f"{count:,}", css, "middle")
        drawn.append(f"<g><title>{title}</title>{cell}{figure if len(names) <= _WRITTEN else ''}</g>")
    return drawn
