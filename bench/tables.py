"""The table, as text and as Markdown."""

from __future__ import annotations

from collections.abc import Callable

from measure import Document, Row
from peers import OPEN
from suite import MODELS

Cell = Callable[[Row], str]


def _figure(build: str, name: str) -> Cell:
    def cell(row: Row) -> str:
        value = row["builds"].get(build, {}).get(name)
        return "-" if value is None else f"{value:,}"

    return cell


def _ratio(name: str) -> Cell:
    def cell(row: Row) -> str:
        value = row["ratios"].get(name)
        return "-" if value is None else f"{value:.2f}"

    return cell


COLUMNS: tuple[tuple[str, Cell], ...] = (
    ("MACs", _figure("speed", "macs")),
    ("instructions", _figure("speed", "instructions")),
    ("MAC/instr.", _ratio("macs_per_instruction")),
    ("over TFLM", _ratio("instructions_over_open")),
    ("cycles", _figure("speed", "cycles")),
    ("MAC/cycle", _ratio("macs_per_cycle")),
    ("over best", _ratio("cycles_over_best")),
    ("code", _figure("speed", "code")),
    ("weights", _figure("speed", "weights")),
    ("arena", _figure("default", "arena")),
    ("smallest", _figure("memory", "arena")),
    ("streamed", _figure("streamed", "arena")),
)
LEGEND = (
    "Up to `weights`: built with --optimize speed. arena: built without options; smallest: with "
    "--optimize memory; streamed: with --input stream, too. over TFLM: instructions over those of "
    f"{OPEN} on the same core. over best: cycles over the fewest published for the core."
)


def text(document: Document) -> str:
    """For a terminal."""
    cells = _cells(document)
    widths = [max(len(line[k]) for line in cells) for k in range(len(cells[0]))]
    lines = []
    for line in cells:
        named = [word.ljust(width) for word, width in zip(line[:2], widths[:2], strict=True)]
        figures = [word.rjust(width) for word, width in zip(line[2:], widths[2:], strict=True)]
        lines.append("  ".join(named + figures).rstrip())
    return "\n".join([*lines, *(f"{why}" for why in _failures(document)), "", LEGEND.replace("`", ""), ""])


def markdown(document: Document) -> str:
    """For a page; models have their long names."""
    head, *rows = _cells(document)
    lines = [f"| {' | '.join(head)} |", "|---" * 2 + "|--:" * (len(head) - 2) + "|"]
    before = ""
    for row in rows:
        known = MODELS.get(row[0])
        name = known.name if known else row[0]
        lines.append(f"| {' | '.join(['' if name == before else name, *row[1:]])} |")
        before = name
    failures = [f"- {why}" for why in _failures(document)]
    return "\n".join([*lines, *(["", "Not built:", "", *failures] if failures else []), ""])


def _cells(document: Document) -> list[list[str]]:
    head = ["model", "target", *(name for name, _ in COLUMNS)]
    return [head, *([r["model"], r["target"], *(cell(r) for _, cell in COLUMNS)] for r in document["rows"])]


def _failures(document: Document) -> list[str]:
    """Why there are no figures, in a line for each reason."""
    lines = []
    for row in document["rows"]:
        failed = row.get("failed", {})
        for why in dict.fromkeys(failed.values()):
            builds = [build for build, reason in failed.items() if reason == why]
            which = "" if not row["builds"] and len(builds) == len(failed) else f", {', '.join(builds)}"
            lines.append(f"{row['model']} on {row['target']}{which}: {why}")
    return lines
