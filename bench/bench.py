"""What models need on boards: instructions, cycles, memory, every build proved by running it.

    python bench/bench.py                        a table of this commit
    python bench/bench.py --check                and fail where a figure is worse than the committed one
    python bench/bench.py --update               commit to the figures: committed.json, README, picture
    python bench/bench.py kws --only speed       of one model, built for speed

MODEL is a name of the table (ad, ic, kws, sww, vww, tiny_vit, small_vit, deit_tiny), a file or
package.module:callable. Instructions and cycles are exact and repeat; sizes are bytes.
Exit status: 6 where a figure got worse by more than 1 % or is gone, else that of the worst failure;
a model that does not fit a board is a row that says so, and no failure.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable
from pathlib import Path

import chart
import tables
from compare import compare, dump, load, merged
from measure import Document, document, measure
from suite import BUILDS, COMMITTED, MODELS, PICTURE, README, ROOT, jobs, usual_models

from edgec.diagnostics import Diagnostic
from edgec.target import load_target

WORSE = 6
_TABLE = re.compile(r"(<!-- figures[^\n]*-->\n).*?(<!-- end of figures -->)", re.DOTALL)


def main() -> None:
    """Measure, print, compare, write."""
    parser = _parser()
    options = parser.parse_args()
    sys.path.insert(0, str(ROOT))  # where the models of tests/ are
    builds = _list(parser, options.only, "build", BUILDS)
    targets = options.targets.split(",") if options.targets else None
    if options.update and (unknown := set(options.models) - set(MODELS)):
        parser.error(f"--update commits to the table's models only, not {', '.join(sorted(unknown))}")
    try:
        for target in targets or ():
            load_target(target)
    except Diagnostic as error:
        print(error.render(), file=sys.stderr)
        raise SystemExit(error.exit_status) from None
    committed = load(options.committed) if options.committed.exists() else document([])
    status = 0
    if options.show:
        now = load(options.show)
    else:
        models = options.models or usual_models(options.large)
        now, status = measure(jobs(models, targets, builds), options.j)
    print(tables.markdown(now) if options.markdown else tables.text(now), end="")
    if options.json:
        options.json.write_text(dump(now), encoding="utf-8")
    if options.svg:
        options.svg.write_text(chart.svg(now), encoding="utf-8")
    if options.check:
        whole = not (options.models or options.targets or options.only)
        found = compare(now, expected(committed, options.large), whole=whole)
        print(found.text())
        status = WORSE if found.failed else status
    if options.update:
        commit(merged(now, committed, list(MODELS)), options.committed)
    raise SystemExit(status)


def expected(committed: Document, large: bool) -> Document:
    """What is to be compared with: large models only where they are measured."""
    known = [MODELS.get(row["model"]) for row in committed["rows"]]
    kept = zip(committed["rows"], known, strict=True)
    rows = [row for row, model in kept if large or model is None or not model.large]
    return Document(schema=committed["schema"], tools=committed["tools"], rows=rows)


def commit(figures: Document, path: Path) -> None:
    """Write the committed figures; with the project's own, README's table and the picture, too."""
    path.write_text(dump(figures), encoding="utf-8")
    if path == COMMITTED:
        README.write_text(with_table(README.read_text(encoding="utf-8"), figures), encoding="utf-8")
        PICTURE.write_text(chart.svg(figures), encoding="utf-8")


def with_table(page: str, figures: Document) -> str:
    """A page with the table between its two marks."""
    return _TABLE.sub(lambda m: f"{m[1]}\n{tables.markdown(figures)}\n{m[2]}", page)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("models", nargs="*", metavar="MODEL", help="default: all of the table but deit_tiny")
    add("--large", action="store_true", help="deit_tiny, too: minutes")
    add("--targets", metavar="T,T", help="default: stm32f746,stm32f446 and, with QEMU, mps3-an547")
    add("--only", metavar="BUILD,BUILD", help=f"of {', '.join(BUILDS)}")
    add("-j", type=int, default=2, metavar="N", help="builds at the same time (2)")
    add("--show", type=Path, metavar="FILE", help="measure nothing, show what --json wrote")
    add("--markdown", action="store_true", help="print Markdown")
    add("--json", type=Path, metavar="FILE", help="write all figures")
    add("--svg", type=Path, metavar="FILE", help="write a picture of them against the figures to beat")
    add("--check", action="store_true", help="compare with the committed figures")
    add("--update", action="store_true", help="commit to what was measured, keep the other figures")
    add("--committed", type=Path, metavar="FILE", default=COMMITTED, help="default: bench/committed.json")
    return parser


def _list(parser: argparse.ArgumentParser, given: str | None, what: str, known: Iterable[str]) -> list[str]:
    names = given.split(",") if given else list(known)
    if unknown := [name for name in names if name not in known]:
        parser.error(f"no {what} {unknown[0]}; there are {', '.join(known)}")
    return names


if __name__ == "__main__":
    main()
