"""Fine-tuning of a user's own PyTorch model as the integer model that it becomes on the device."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from edgec.console import progress as shown
from edgec.diagnostics import Diagnostic
from edgec.frontends.torch import load_torch
from edgec.ir import Graph, TensorType
from edgec.ir.store import to_bytes
from edgec.ops.forms import INT8, Form
from edgec.options import RANKS, Progress
from edgec.pipeline import FLOAT_PASSES, LEARN, LEAST, run_passes
from edgec.quant.choose import quantize_model
from edgec.quant.data import Samples, load_samples
from edgec.quant.forms import has_weights
from edgec.quant.learn.exact import Held
from edgec.quant.learn.feed import Feed
from edgec.quant.learn.loss import classes_of, is_stated
from edgec.quant.learn.recipe import recipe_for
from edgec.quant.learn.student import Student
from edgec.quant.learn.tune import Check, Settings, Tuner
from edgec.quant.learn.weights import learn
from edgec.quant.low_rank import divisible, reduced
from edgec.quant.moments import moments_of

if TYPE_CHECKING:
    from torch import nn

_CALIB = 128
"""Samples that formats are calibrated with at most."""


@dataclass(frozen=True)
class Tuned:
    """A fine-tuned model.

    graph: the integer graph, as `edgec build` takes it from the saved file. history: what was found on the
    samples that are not learned from, the first one before the first step. best: the one whose weights these
    are. diverged: why fine-tuning stopped early; empty where it did not.
    """

    graph: Graph
    history: Sequence[Check]
    best: Check
    diverged: str
    _tuner: Tuner

    def save(self, path: str | Path) -> Path:
        """Write the model for `edgec build`; the suffix is .edgec. Returns the path.

        Raises Diagnostic E103 for another suffix, and OSError where it cannot be written.
        """
        path = Path(path)
        if path.suffix != ".edgec":
            raise Diagnostic(
                "E103",
                f"a fine-tuned model is saved as .edgec, not {path.suffix or 'without a suffix'}",
                where=str(path),
                remedies=[f"save({str(path.with_suffix('.edgec'))!r})"],
            )
        beside = path.with_name(f"{path.name}.part")
        beside.write_bytes(to_bytes(self.graph))
        beside.replace(path)
        return path

    def __call__(self, *inputs: Any) -> list[Held]:
        """The outputs as the device computes them: its integers, and their real numbers, [n, ...].

        inputs: arrays or tensors with a leading axis of samples, as in training. Raises Diagnostic E104.
        """
        return self._tuner.outputs(inputs)


def finetune(
    model: nn.Module,
    example_inputs: Any,
    train_data: object,
    *,
    calib: object = None,
    forms: str | Mapping[str, str] = INT8,
    rank: float | None = None,
    valid_data: object = None,
    epochs: int = 5,
    batch: int = 32,
    rate: float = 0.005,
    loss: Literal["classes", "values"] = "classes",
    labels: float = 0.2,
    temperature: float = 2.0,
    checks: int = 2,
    prepare: bool = True,
    seed: int = 0,
    resume: str | Path | None = None,
    progress: Progress | None = None,
) -> Tuned:
    """Fine-tune a trained model as the integer model that it becomes, distilling from itself in float.

    model: is left as it is. example_inputs: a tensor, or a tuple of them, each with a batch axis of 1.
    train_data: (x, y) or x as arrays or tensors; a Dataset; a DataLoader or list of batches. calib: inputs
    [n, ...], or data as for `edgec build --calib`; None for the first 128 samples of train_data. forms: of
    the weights of all layers that may have one, or by module path or what it begins with
    ({"": "int4", "blocks.3": "codebook3"}), int8 where nothing is said. rank: as `edgec build --rank`:
    layers become two of fewer channels, which are trained. valid_data: what the weights are chosen by, as
    train_data; None for the first 128 samples of train_data, which does not show overfitting. epochs, batch,
    rate, loss, labels, temperature, checks, seed: see `Settings`. prepare: whether to begin with weights
    that were learned in their forms, as a build learns them, instead of rounded ones. resume: a checkpoint,
    which is kept there and taken up where it is there; the result is that of a run without interruption.
    progress: None for lines on stderr.

    Raises Diagnostic E101 for options that make no sense, E104 for data that cannot be used, E106 for a
    checkpoint of something else, and as `load_torch` does.
    """
    settings = Settings(epochs, batch, rate, loss, labels, temperature, checks, seed)
    _check(settings)
    if rank is not None and not RANKS[0] <= rank <= RANKS[1]:
        need = f"{RANKS[0]:.2f} to {RANKS[1]:.2f}"
        raise Diagnostic("E101", f"rank cannot be {rank}", where="rank", facts=[("need", need)])
    if resume is not None:
        _require_folder(Path(resume).parent)
    with nullcontext(progress) if progress is not None else shown() as told:
        told.stage("read the model")
        inputs = example_inputs if isinstance(example_inputs, tuple) else (example_inputs,)
        teacher = load_torch((model, inputs))
        types = {v: teacher.type(v) for v in teacher.inputs}
        run_passes(teacher, FLOAT_PASSES)
        classes = classes_of(teacher) if loss == "classes" else 0
        feed = Feed(train_data, types, size=batch, seed=seed, classes=classes)
        if classes and feed.head(1)[0].labels is None and not is_stated(teacher):
            told.note(f'the {classes} outputs are taken for scores of classes; loss="values" if they are not')
        samples = _calibration(calib, feed, types, _CALIB)
        given = samples.permuted(teacher.input_perms)
        whole = teacher if rank is None else _reduced(teacher, rank, given, told)
        named = _forms(whole, forms)
        start, left = whole, dict(named)
        if prepare:
            many = _calibration(calib, feed, types, LEARN).permuted(teacher.input_perms)
            start, left = _learned(whole, named, many, told)
        chosen = quantize_model(start, given, told, left, None if rank is None else teacher)
        student = Student(chosen.real, chosen.ranges, chosen.wide, named)
        tuner = Tuner(
            teacher,
            student,
            feed,
            feed.head(_CALIB)
            if valid_data is None
            else list(feed.like(valid_data, "valid_data").epoch(0, shuffled=False)),
            settings,
            told,
            None if resume is None else Path(resume),
        )
        tuner.run()
        return Tuned(student.graph(), tuple(tuner.history), tuner.best_check, tuner.diverged, tuner)


def _check(settings: Settings) -> None:
    """Raise Diagnostic E101 for the first setting that makes no sense."""
    for name, holds, need in (
        ("epochs", settings.epochs >= 1, "1 or more"),
        ("batch", settings.batch >= 1, "1 or more"),
        ("rate", 0 < settings.rate <= 1, "above 0, at most 1"),
        ("loss", settings.loss in ("classes", "values"), '"classes" or "values"'),
        ("labels", 0 <= settings.labels <= 1, "0 (the float model alone) to 1 (labels alone)"),
        ("temperature", 0 < settings.temperature < 1e3, "above 0"),
        ("checks", settings.checks >= 1, "1 or more"),
    ):
        if not holds:
            have = getattr(settings, name)
            raise Diagnostic("E101", f"{name} cannot be {have}", where=name, facts=[("need", need)])


def _forms(graph: Graph, forms: str | Mapping[str, str]) -> dict[str, str]:
    """The form of every layer that has another one than int8, by node name."""
    given = {"": forms} if isinstance(forms, str) else dict(forms)
    for form in given.values():
        try:
            Form.parse(form)
        except ValueError as error:
            raise Diagnostic(
                "E101",
                str(error),
                where="forms",
                facts=[("known", "int8, int4, int4/32 (or 16, 64, 128), codebook2 to codebook6, +huffman")],
            ) from error
    layers = [(n.path, n.name) for n in graph.nodes() if has_weights(graph, n)]
    found: dict[str, str] = {}
    for path in sorted(given, key=len):  # the longer path says more
        under = [name for p, name in layers if not path or p == path or p.startswith(f"{path}.")]
        if not under and path:
            paths = [p for p, _ in layers]
            near = difflib.get_close_matches(path, paths, n=3) or paths[:3]
            raise Diagnostic(
                "E101",
                f"no layer that may have a form is at {path}",
                where="forms",
                remedies=near,
            )
        found |= dict.fromkeys(under, given[path])
    return {name: form for name, form in found.items() if form != INT8}


def _reduced(graph: Graph, rank: float, samples: Samples, told: Progress) -> Graph:
    """The graph with layers as two of fewer channels."""
    told.stage("low rank")
    made, notes = reduced(graph, rank, moments_of(graph, divisible(graph), samples, told.step))
    told.status(notes[0])
    return made


def _require_folder(folder: Path) -> None:
    """Raise Diagnostic E103 where a checkpoint has no folder to be in."""
    if not folder.is_dir():
        raise Diagnostic(
            "E103",
            "the checkpoint's folder is not there",
            where=f"resume: {folder}",
            remedies=[f"mkdir -p {folder}"],
        )


def _learned(
    graph: Graph, forms: Mapping[str, str], samples: Samples, told: Progress
) -> tuple[Graph, dict[str, str]]:
    """The graph with weights learned in their forms as a build does; the forms that are left to be given."""
    coded = {name: form for name, form in forms.items() if (x := Form.parse(form)) is not None and x.learns}
    if not coded or len(samples) < LEAST:
        return graph, dict(forms)
    told.stage("learn weights in their forms")
    held = learn(graph, coded, samples, recipe_for(graph), told)
    return held, {name: form for name, form in forms.items() if name not in coded}


def _calibration(calib: object, feed: Feed, types: Mapping[str, TensorType], most: int) -> Samples:
    """At most so many samples, in the order of the user's inputs."""
    if isinstance(calib, str | Path):
        return load_samples(str(calib), types, limit=most)
    source = feed if calib is None else feed.like(calib, "calib")
    first = source.head(most)
    arrays = {v: np.concatenate([b.inputs[v] for b in first])[:most] for v in types}
    return Samples(arrays, source.where, whole=frozenset(v for v, t in types.items() if t.shape[:1] != (1,)))
