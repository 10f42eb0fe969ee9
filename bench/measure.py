"""Builds models, runs them, and gathers their figures."""

from __future__ import annotations

import multiprocessing
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from importlib.metadata import version
from pathlib import Path
from typing import Any, NotRequired, TypedDict

from peers import Ratios, ratios
from suite import BUILDS, Job

from edgec.build import build
from edgec.diagnostics import Diagnostic
from edgec.options import BuildOptions, Silent
from edgec.report.schema import Report
from edgec.target import load_target

SCHEMA = "edgec.bench/1"
TOOLS = ("ziglang", "unicorn", "ortools")
"""Packages that the figures depend on."""
Figures = dict[str, int]
"""macs, instructions, cycles, and bytes: arena, sram (with data and stack), code, weights.
What was not counted is absent."""


class Row(TypedDict):
    """A model on a target. builds: figures by build. failed: the builds there are none of, and why."""

    model: str
    target: str
    core: str
    builds: dict[str, Figures]
    ratios: Ratios
    failed: NotRequired[dict[str, str]]
    cycles_model: NotRequired[str]


class Document(TypedDict):
    """bench/committed.json and what --json writes."""

    schema: str
    tools: dict[str, str]
    rows: list[Row]


class Result(TypedDict):
    """What became of a job: figures, or why there are none and the exit status that this asks for."""

    figures: Figures
    cycles_model: NotRequired[str]
    failed: NotRequired[str]
    status: int


def measure(jobs: list[Job], processes: int) -> tuple[Document, int]:
    """Run all jobs; the figures, and the exit status: not 0 where a build failed other than by not fitting
    or by an op that is not supported."""
    results: dict[Job, Result] = {}
    began = time.monotonic()
    for job, result in _results(jobs, processes):
        results[job] = result
        what = result.get("failed") or ", ".join(f"{k} {v:,}" for k, v in result["figures"].items())
        head = f"[{len(results)}/{len(jobs)}, {time.monotonic() - began:.0f} s]"
        print(f"{head} {job.model} on {job.target}, {job.build}: {what}", file=sys.stderr, flush=True)
    rows: list[Row] = []
    for job in jobs:
        if not rows or (rows[-1]["model"], rows[-1]["target"]) != (job.model, job.target):
            rows.append(_row(job))
        result, row = results[job], rows[-1]
        if "failed" in result:
            row.setdefault("failed", {})[job.build] = result["failed"]
        else:
            row["builds"][job.build] = result["figures"]
        if "cycles_model" in result:
            row["cycles_model"] = result["cycles_model"]
    for row in rows:
        row["ratios"] = ratios(row["model"], row["core"], row["builds"])
    return document(rows), max((r["status"] for r in results.values()), default=0)


def document(rows: list[Row]) -> Document:
    """Rows with what they were measured with."""
    return Document(schema=SCHEMA, tools={name: version(name) for name in TOOLS}, rows=rows)


def _row(job: Job) -> Row:
    return Row(model=job.model, target=job.target, core=load_target(job.target).cpu, builds={}, ratios={})


def _results(jobs: list[Job], processes: int) -> Iterator[tuple[Job, Result]]:
    if processes == 1:
        yield from ((job, run(job)) for job in jobs)
        return
    # Not forked: a process that has loaded PyTorch does not survive it.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context) as pool:
        waiting = {pool.submit(run, job): job for job in jobs}
        for future in as_completed(waiting):
            try:
                yield waiting[future], future.result()
            except BrokenProcessPool:  # the memory of the machine has run out, as a rule
                yield waiting[future], Result(figures={}, failed="a process was killed", status=1)


def run(job: Job) -> Result:
    """Build, run on the simulated board, and compare; never raises."""
    options: dict[str, Any] = BUILDS[job.build]
    try:
        with tempfile.TemporaryDirectory() as work:
            report = build(BuildOptions(job.path, job.target, Path(work) / "out", **options), Silent())
    except Diagnostic as error:
        # Neither a model too large for a board nor an op that is not supported is a fault of this run.
        status = 0 if error.code[1] in "23" and error.code != "E205" else error.exit_status
        short = [text for label, text in error.facts if label == "short"]
        why = ", ".join([f"{error.code} {error.title}", *(f"short {text}" for text in short)])
        return Result(figures={}, failed=why, status=status)
    except Exception as error:  # a bug costs its row, not those that took minutes
        traceback.print_exc()
        return Result(figures={}, failed=f"bug: {type(error).__name__}", status=1)
    result = Result(figures=figures(report), status=0)
    if "cycles_model" in report:
        result["cycles_model"] = report["cycles_model"]
    return result


def figures(report: Report) -> Figures:
    """What is kept of a report."""
    sram, flash = report["sram"], report["flash"]
    found = {
        "macs": report["macs"],
        "instructions": report.get("instructions"),
        "cycles": report.get("cycles"),
        "arena": sram["arena"],
        "sram": sram["total"] if "stack" in sram else None,
        "code": flash.get("code"),
        "weights": flash["weights"],
    }
    return {name: value for name, value in found.items() if value is not None}
