"""What `edgec run`, `profile` and `test` do with a build."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edgec import replay, run_io
from edgec.batches import Batches
from edgec.console import progress, show
from edgec.device.compare import require_golden, require_same
from edgec.device.profile import profile_board
from edgec.diagnostics import Diagnostic
from edgec.report import files, table
from edgec.report.board import board_table, put_board
from edgec.report.costs import put_costs
from edgec.report.schema import Board, Report
from edgec.runners import Place, check_place, is_serial, open_runner
from edgec.sim.runner import RunResult
from edgec.target import Target


def run_build(
    folder: Path, on: Place, source: Path, output: Path | None, as_json: bool, threads: int = 1
) -> None:
    """Run a build on the samples of a file; write the outputs and say what it took.

    threads: among how many the rows of a layer are shared out. With one, programs of this machine run several
    samples at a time. Raises Diagnostic E105 for a folder or an input that does not fit, and as the runner
    does.
    """
    check_place(on)
    report = files.load(folder)
    samples = run_io.pack(run_io.load_inputs(source, report["inputs"]), report["inputs"])
    with progress() as shown:
        shown.stage(f"start {on}")
        with Batches(folder, on, len(samples), threads) as batches:
            shown.stage(f"run {len(samples)} {_plural('input', len(samples))} on {on}")
            results = batches.run(samples, shown.step)
            if is_serial(on):
                shown.stage("compare with the integer reference")
                require_golden(batches.runners[0], replay.load(folder))
    compared = _compare(folder, report, on, samples, results) if is_serial(on) else ""
    outputs = run_io.unpack([r.outputs for r in results], report["outputs"])
    written = run_io.save_outputs(output, outputs) if output else None
    facts = _facts(report, on, results)
    if compared:
        facts["compared"] = compared
    if written:
        facts["output"] = str(written)
    if as_json:
        if not written:
            facts["outputs"] = {name: y.tolist() for name, y in outputs.items()}
        print(json.dumps(facts))
        return
    print(
        "\n".join(
            f"{label:<13} {value:,}" if isinstance(value, int) else f"{label:<13} {value}"
            for label, value in facts.items()
        )
    )
    if not written:
        for name, y in outputs.items():
            print(f"{name:<13} {list(y.shape)} {y.dtype}; --output y.npy keeps it")


def profile_build(folder: Path, on: Place | None, as_json: bool) -> None:
    """Print what every layer takes: the build's own figures, or measured again on a runner."""
    report = files.load(folder)
    if on is not None and is_serial(on):
        _profile_board(folder, report, on)
    elif on is not None:
        with progress() as shown:
            shown.stage(f"run on {on}")
            with open_runner(folder, on) as runner:
                measure(report, runner.run([_drawn(report)])[0], on, files.target(folder))
    if as_json:
        sys.stdout.write(files.dump(report))
    else:
        show(board_table(report) if "board" in report else table.profile(report), sys.stdout)


def _profile_board(folder: Path, report: Report, on: Place) -> None:
    """Put what a board takes into a report."""
    with progress() as shown:
        shown.stage(f"profile on {on}")
        with open_runner(folder, on) as runner:
            done = profile_board(runner, replay.load(folder), shown)
            board = Board(on=runner.name, clock_hz=files.target(folder).clock_hz, cycles=done.cycles)
    board["arena"] = done.arena
    if done.stack is not None:
        board["stack"] = done.stack
    put_board(report, board, done.layers)


def _compare(
    folder: Path, report: Report, on: Place, samples: Sequence[bytes], results: Sequence[RunResult]
) -> str:
    """Compare a board's outputs with the simulated board's; what was compared, in words."""
    with open_runner(folder, "sim") as runner:
        want = [r.outputs for r in runner.run(samples)]
        require_same(on, [r.outputs for r in results], want, report["outputs"])
        return f"all bytes are those of the {runner.name}, the golden sample's those of the integer reference"


def measure(report: Report, result: RunResult, on: Place, target: Target) -> None:
    """Put a run's instructions and cycles into a report.

    Raises Diagnostic E101 where the run counted nothing.
    """
    if result.instructions is None or result.per_layer is None:
        raise Diagnostic(
            "E101",
            f"nothing is counted by layer on {on}",
            where="--on",
            remedies=["--on sim"],
        )
    put_costs(report, result, target)


def test_build(folder: Path, on: Place) -> None:
    """Run the tests of a build: every row right after the step that computes it, then the whole model.

    Raises Diagnostic E501 that names the layer and the row that differ first.
    """
    files.load(folder)
    cases = replay.load(folder)
    with progress() as shown:
        shown.stage(f"start {on}")
        with open_runner(folder, on) as runner:
            shown.stage(f"replay {len(cases.layers)} layers on {on}")
            difference = replay.steps(runner, cases, shown.step)
            if difference is None:
                shown.stage(f"run the model on {on}")
                difference = replay.model(runner, cases)
    if difference is not None:
        raise Diagnostic(
            "E501",
            f"the build differs from the integer reference on {on}",
            where=difference.where,
            facts=[("first", difference.text)],
        )
    print(f"{len(cases.layers) + 1} tests passed on {on}")


def _facts(report: Report, on: Place, results: Sequence[RunResult]) -> dict[str, Any]:
    """What a run took; of several samples the most that one took. What was not measured is absent."""
    facts: dict[str, Any] = {"target": report["target"], "on": on, "samples": len(results)}
    for name in ("instructions", "cycles", "stack_used", "arena_used"):
        values = [v for r in results if (v := getattr(r, name)) is not None]
        if values:
            facts[name] = max(values)
    return facts


def _drawn(report: Report) -> bytes:
    """One seeded input over the whole range of every input's type."""
    rng = np.random.default_rng(0)
    parts = []
    for port in report["inputs"]:
        limits = np.iinfo(port["dtype"])
        x = rng.integers(limits.min, limits.max, port["shape"], endpoint=True)
        parts.append(x.astype(port["dtype"]).tobytes())
    return b"".join(parts)


def _plural(noun: str, count: int) -> str:
    return noun if count == 1 else f"{noun}s"
