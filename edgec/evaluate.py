"""`edgec eval`: labelled samples through a build, and beside it through the float model."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Generator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from edgec import run_io
from edgec.batches import BATCH, Batches
from edgec.console import progress, show
from edgec.diagnostics import Diagnostic
from edgec.float_model import FloatModel, find_float
from edgec.ir import DType, TensorType
from edgec.ir.types import dtype_of
from edgec.options import Progress
from edgec.quant.data import Data, Samples, open_data
from edgec.quant.labels import class_names, labels_of
from edgec.report import answers as table
from edgec.report import confusion, files
from edgec.report.evaluation import About, Answers, Evaluation, Sensitivity, against_float, evaluated
from edgec.report.schema import Port, Report
from edgec.runners import Place, check_place
from edgec.workers import Workers

SEED = 0
ELSEWHERE = 100
"""Samples that run by default where a program of this machine does not run them."""
FEW = 16
"""Samples on which sensitivities are measured."""
_CHUNK = 4 * BATCH
"""Samples for each processor between two steps of the progress bar."""
_Part = tuple[Answers, Answers | None]
"""Of the build, and of the float model."""


@dataclass(frozen=True)
class EvalOptions:
    """What `edgec eval` was asked for.

    data: as --calib, with labels. samples: how many of them, None for all on the host and ELSEWHERE
    elsewhere. output: which of several. model: the float model, "" for that of the build. compare: whether
    with it. picture: where the confusion matrix goes. sensitivity: whether to measure that of every layer.
    """

    folder: Path
    data: str
    on: Place = "host"
    samples: int | None = None
    output: str = ""
    model: str = ""
    compare: bool = True
    picture: Path | None = None
    sensitivity: bool = False


def evaluate_build(options: EvalOptions, as_json: bool) -> bool:
    """Run, print the table or one JSON object, draw; returns whether all samples ran.

    Raises Diagnostic E101, E104 or E105 for what cannot be evaluated, and as the runner does.
    """
    result = evaluate(options)
    if options.picture is not None:
        _write(options.picture, confusion.svg(result))
    if as_json:
        print(json.dumps(result))
    else:
        show(table.lines(result), sys.stdout)
        if options.picture is not None:
            print(f"\nwrote {options.picture}")
    return "planned" not in result


def evaluate(options: EvalOptions) -> Evaluation:
    """The figures; those of the samples that ran, where an interrupt stops it. Raises as `evaluate_build`."""
    check_place(options.on)
    report = files.load(options.folder)
    at, output = _output(report, options)
    classes = math.prod(output["shape"])
    data = open_data(options.data, _types(report), integers=_integers(report))
    labels, names = labels_of(data, classes), class_names(data, classes)
    pick = _picked(data, options)
    parts: list[_Part] = []
    with progress() as shown:
        if options.compare:
            shown.stage("read the float model")
        found = find_float(options.model, report, options.folder) if options.compare else ""
        real = found if isinstance(found, FloatModel) else None
        sensitivity = _sensitivity(options, report, at, data.take(pick[:FEW]), found, shown)
        shown.stage(f"evaluate {len(pick):,} of {data.count:,} samples on {options.on}")
        try:
            with closing(_parts(options, report, at, data, labels, pick, real)) as running:
                for part in running:
                    parts.append(part)
                    shown.step(_count(parts), len(pick))
        except KeyboardInterrupt:
            if not parts:
                raise
            shown.warn(
                f"interrupted: {_count(parts):,} of {len(pick):,} samples ran, the figures are of these"
            )
    mine = Answers.joined([a for a, _ in parts])
    about = About(report["model"], report["target"], options.on, options.data, output["name"], data.count)
    result = evaluated(about, labels[pick[: len(mine.said)]], mine, names)
    if result["samples"] < data.count:
        result["seed"] = SEED
    if result["samples"] < len(pick):
        result["planned"] = len(pick)
    if real is not None:
        reals = Answers.joined([b for _, b in parts if b is not None])
        result["float"] = against_float(real.name, mine, reals, classes)
    elif isinstance(found, str) and options.compare:
        result["float_absent"] = found
    if options.sensitivity:
        result["sensitivity"] = sensitivity
    return result


def _sensitivity(
    options: EvalOptions, report: Report, at: int, few: Samples, found: FloatModel | str, shown: Progress
) -> list[Sensitivity]:
    """Of every layer, where it is asked for. Raises Diagnostic E101 where there is no float model."""
    if not options.sensitivity:
        return []
    if isinstance(found, str):
        raise Diagnostic(
            "E101",
            "sensitivities are measured in the float model, which is not there",
            where="--sensitivity",
            facts=[("reason", found or "--no-float leaves it out")],
            remedies=["--model MODEL, the float model"],
        )
    shown.stage("sensitivity of every layer to int8 weights")
    with Workers(os.cpu_count() or 1) as workers:
        return found.sensitivity(_real(few, report["inputs"]), at, workers, shown.step)


def _parts(
    options: EvalOptions,
    report: Report,
    at: int,
    data: Data,
    labels: np.ndarray,
    pick: Sequence[int],
    real: FloatModel | None,
) -> Generator[_Part, None, None]:
    """Answers of the build, and of the float model, to one part of the samples after the other.

    at: which output.
    """
    ports, output, cores = report["inputs"], report["outputs"][at], os.cpu_count() or 1
    size = _CHUNK * cores if options.on == "host" else BATCH
    with ExitStack() as stack:
        batches = stack.enter_context(Batches(options.folder, options.on, len(pick)))
        workers = stack.enter_context(Workers(cores)) if real is not None else None
        for k in range(0, len(pick), size):
            chosen = list(pick[k : k + size])
            samples, right = data.take(chosen), labels[chosen]
            arrays = run_io.fit(samples.arrays, ports)
            raw = [r.outputs for r in batches.run(run_io.pack(arrays, ports))]
            scores = run_io.unpack(raw, report["outputs"])[output["name"]].reshape(len(chosen), -1)
            answers, reals = Answers.of(scores, right), None
            if real is not None and workers is not None:
                reals = Answers.of(real.scores(_real(samples, ports), at, workers), right)
            yield answers, reals


def _output(report: Report, options: EvalOptions) -> tuple[int, Port]:
    """The output that holds a value for each class, and its place. Raises Diagnostic E101."""
    ports = report["outputs"]
    known = ", ".join(f"{p['name']} {p['shape']}" for p in ports)
    at = next((k for k, p in enumerate(ports) if p["name"] == options.output or len(ports) == 1), None)
    if at is None or options.output not in ("", ports[at]["name"]):
        raise Diagnostic(
            "E101",
            f"no such output: {options.output}" if options.output else f"the model has {len(ports)} outputs",
            where="--output",
            facts=[("known", known)],
            remedies=[f"--output {ports[0]['name']}"],
        )
    port = ports[at]
    values = [n for n in port["shape"] if n != 1]
    if len(values) != 1:
        title = f"output {port['name']} {port['shape']} is no row of classes"
        raise Diagnostic(
            "E101",
            f"{title}: only classifiers can be evaluated",
            where=str(options.folder),
            facts=[("need", "a value for each of two classes or more")],
            remedies=[
                *(["--output NAME for another output"] if len(ports) > 1 else []),
                "edgec run DIR --input x.npy --output y.npy keeps the raw outputs, to compare with values",
            ],
        )
    return at, port


def _types(report: Report) -> dict[str, TensorType]:
    """The inputs as data are given: real numbers, unless the model takes plain integers."""
    return {
        p["name"]: TensorType(
            tuple(p["shape"]), DType.F32 if "scale" in p else dtype_of(np.zeros(0, p["dtype"]))
        )
        for p in report["inputs"]
    }


def _integers(report: Report) -> dict[str, DType]:
    """The type of the quantized form of inputs that have one."""
    return {p["name"]: dtype_of(np.zeros(0, p["dtype"])) for p in report["inputs"] if "scale" in p}


def _real(samples: Samples, ports: Sequence[Port]) -> Samples:
    """The samples as real numbers, those that are given quantized too."""
    arrays = {}
    for p in ports:
        x = samples.arrays[p["name"]]
        if x.dtype.kind in "iu" and "scale" in p:
            x = ((x.astype(np.float64) - p.get("zero_point", 0)) * p["scale"]).astype(np.float32)
        arrays[p["name"]] = x
    return replace(samples, arrays=arrays)


def _count(parts: Sequence[_Part]) -> int:
    return sum(len(a.said) for a, _ in parts)


def _picked(data: Data, options: EvalOptions) -> list[int]:
    """The samples that run, shuffled: those before an interrupt are a fair sample of all."""
    most = options.samples or (data.count if options.on == "host" else ELSEWHERE)
    return [int(k) for k in np.random.default_rng(SEED).permutation(data.count)[:most]]


def _write(path: Path, picture: str) -> None:
    try:
        path.write_text(picture, encoding="utf-8")
    except OSError as e:
        raise Diagnostic(
            "E103", f"cannot write {path}", where="--out", facts=[("reason", e.strerror or str(e))]
        ) from e
