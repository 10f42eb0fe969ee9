"""What was measured on a board: into the report, and as a table beside the model and the plan."""

from __future__ import annotations

from edgec.report.schema import Board, Layer, Report
from edgec.report.table import NAME, Line
from edgec.report.words import short


def put_board(report: Report, board: Board, layers: tuple[int, ...]) -> None:
    """Put a board's figures into a report. layers: cycles of each, in the report's order."""
    report["board"] = board
    for layer, cycles in zip(report["layers"], layers, strict=True):
        layer["board_cycles"] = cycles


def board_table(report: Report) -> list[Line]:
    """Every layer's cycles on the board and by the model, then time and memory. The report has `board`."""
    board, layers = report["board"], report["layers"]
    names = [short(x["name"], NAME) for x in layers]
    width = max([5, *map(len, names)])
    head = f"{'layer':<{width}}  {'op':<18} {'MACs':>12} {'board cycles':>13} {'model cycles':>13}"
    lines = [Line(((f"{head} {'board/model':>12}", "bold"),))]
    for name, layer in zip(names, layers, strict=True):
        lines.append(_row(name, width, layer["op"], layer["macs"], layer["board_cycles"], _modelled(layer)))
    whole = report.get("cycles", report.get("cycles_estimate"))
    lines.append(_row("total", width, "", report["macs"], board["cycles"], whole))
    milliseconds = 1000 * board["cycles"] / board["clock_hz"]
    rate = report["macs"] / board["cycles"]
    time = f"{milliseconds:,.3f} ms at {board['clock_hz'] / 1e6:g} MHz, {rate:.2f} MAC/cycle"
    lines.append(Line((("time   ", "cyan"), (time, ""))))
    sram = report["sram"]
    for name, used, planned in (
        ("stack", board.get("stack"), sram.get("stack")),
        ("arena", board.get("arena"), sram["arena"]),
    ):
        if used is not None and planned is not None:
            style = "" if used <= planned else "red bold"
            lines.append(Line(((f"{name:<7}", "cyan"), (f"{used:,} of {planned:,} B planned", style))))
    lines.append(Line(((f"on {board['on']}, outputs equal the integer reference", "dim"),)))
    return lines


def _modelled(layer: Layer) -> int | None:
    """By the simulated board, or by the planner where that was not run."""
    return layer.get("cycles", layer.get("cycles_estimate"))


def _row(name: str, width: int, op: str, macs: int, board: int, model: int | None) -> Line:
    ratio = f"{board / model:.2f}" if model else "-"
    modelled = "-" if model is None else f"{model:,}"
    text = f"{name:<{width}}  {op:<18} {macs:>12,} {board:>13,} {modelled:>13} {ratio:>12}"
    return Line(((text, "bold" if name == "total" else ""),))
