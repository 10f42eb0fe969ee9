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
from edgec.options import BuildOptions, Silent

ROOT = Path(__file__).resolve().parents[1]
TARGETS = ("stm32f746", "stm32f446")
HEAD = "| model | board | MACs | SRAM | of it arena | flash | instructions | MAC/instruction |"


def row(model: str, target: str) -> str:
    """One line of the table, from a fresh build."""
    with tempfile.TemporaryDirectory() as work:
        report = build(BuildOptions(model, target, Path(work) / "out"), Silent())
    sram, macs, instructions = report["sram"], report["macs"], report["instructions"]
    cells = [Path(model).stem, target, f"{macs:,}", f"{sram['total']:,}", f"{sram['arena']:,}"]
    cells += [f"{report['flash']['total']:,}", f"{instructions:,}", f"{macs / instructions:.2f}"]
    return f"| {' | '.join(cells)} |"


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
