"""The README's table: what models need on boards, every build proved by running it.

    python bench/figures.py [MODEL ...]

Without models, the MLPerf Tiny models of EDGEC_DATA. Prints Markdown. Instructions are
exact and repeat; sizes are bytes.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from edgec.build import build
from edgec.options import BuildOptions, InputMode, Silent
from edgec.report.schema import Report

ROOT = Path(__file__).resolve().parents[1]
TARGETS = ("stm32f746", "stm32f446")
HEAD = "| model | board | MACs | SRAM | of it arena | arena, input streamed | flash | instructions |"


def row(model: str, target: str) -> str:
    """One line of the table, from fresh builds."""
    report, streamed = report_of(model, target, "whole"), report_of(model, target, "stream")
    sram = report["sram"]
    cells = [Path(model).stem, target, f"{report['macs']:,}", f"{sram['total']:,}", f"{sram['arena']:,}"]
    cells += [
        f"{streamed['sram']['arena']:,}",
        f"{report['flash']['total']:,}",
        f"{report['instructions']:,}",
    ]
    return f"| {' | '.join(cells)} |"


def report_of(model: str, target: str, mode: InputMode) -> Report:
    """The report of a build without further options."""
    with tempfile.TemporaryDirectory() as work:
        return build(BuildOptions(model, target, Path(work) / "out", input_mode=mode), Silent())


def main() -> None:
    """Print the table, a row as soon as it is known."""
    data = Path(os.environ.get("EDGEC_DATA", ROOT.parent / "shared" / "data"))
    models = sys.argv[1:] or sorted(map(str, (data / "models").glob("*.tflite")))
    print(HEAD)
    print("|---" * 2 + "|--:" * 6 + "|")
    for model in models:
        for target in TARGETS:
            print(row(model, target), flush=True)


if __name__ == "__main__":
    main()
