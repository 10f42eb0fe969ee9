"""The float model of a build, to compare its answers with."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgec import frontends
from edgec.diagnostics import Diagnostic
from edgec.ir import Graph, TensorType
from edgec.pipeline import FLOAT_PASSES, is_float, run_passes
from edgec.quant.data import Samples
from edgec.quant.sensitivity import layers, noise
from edgec.quant.snr import float_outputs
from edgec.report import files
from edgec.report.evaluation import Sensitivity
from edgec.report.schema import Report
from edgec.workers import Workers

_NOTHING = 1e-30
"""Power below which there is none."""
_PART = 8
"""Samples that a worker takes at a time."""


@dataclass(frozen=True)
class FloatModel:
    """A float graph. name: as it was given. inputs: those of the user's model, in order."""

    name: str
    graph: Graph
    inputs: dict[str, TensorType]

    def scores(self, samples: Samples, output: int, workers: Workers) -> np.ndarray:
        """One of the outputs, float32 [n, values]. samples: real numbers, in the order of the inputs."""
        given = self._given(samples)
        parts = {
            str(k): (self.graph, given.part(range(k, min(k + _PART, len(given)))))
            for k in range(0, len(given), _PART)
        }
        done = dict(workers.perform(float_outputs, parts))
        name = self.graph.outputs[output]
        return np.stack([y[name].reshape(-1) for key in parts for y in done[key]])

    def sensitivity(
        self, samples: Samples, output: int, workers: Workers, tick: Callable[[int, int], None]
    ) -> list[Sensitivity]:
        """What the weights of every layer, in int8 alone, do to an output; the most sensitive first.

        samples: as for `scores`. tick: called with (layers done, layers).
        """
        given, value = self._given(samples), self.graph.outputs[output]
        want = [y[value] for y in float_outputs(self.graph, given)]
        signal = float(np.mean([np.square(y, dtype=np.float64).mean() for y in want]))
        nodes = {n.name: n for n in layers(self.graph)}
        tasks = {name: (self.graph, name, given, output, want) for name in nodes}
        found: dict[str, float] = {}
        for name, power in workers.perform(noise, tasks):
            found[name] = power
            tick(len(found), len(nodes))
        total = sum(found.values()) or 1.0
        ranked = sorted(nodes, key=lambda name: -found[name])
        return [
            Sensitivity(
                name=nodes[name].path or name,
                op=nodes[name].op,
                weights=math.prod(self.graph.type(nodes[name].inputs[1]).shape),
                snr_db=10 * math.log10(max(signal, _NOTHING) / max(found[name], _NOTHING)),
                share=found[name] / total,
            )
            for name in ranked
        ]

    def _given(self, samples: Samples) -> Samples:
        """Samples by the names of this graph's inputs, in their axis order."""
        renamed = dict(zip(self.inputs, samples.arrays.values(), strict=True))
        whole = frozenset(n for n, t in self.inputs.items() if t.shape[:1] != (1,))
        return Samples(renamed, samples.source, whole=whole).permuted(self.graph.input_perms)


def find_float(given: str, report: Report, folder: Path) -> FloatModel | str:
    """The model of that name, or the one that the report names; a sentence where that cannot be had.

    Raises Diagnostic E101 for a given one that does not belong to the build, and as `load_model` does.
    """
    if given:
        model = _load(given, given)
        if (why := _unlike(model, report) if model else "it is quantized, not float") or model is None:
            raise Diagnostic(
                "E101",
                f"cannot be compared with the build: {why}",
                where=f"--model {given}",
                remedies=["--model FLOAT, the model that was quantized", "leave --model out"],
            )
        return model
    if (source := report.get("source")) is None:
        return "the report names no model; --model MODEL gives it"
    spec = source["model"]
    if "sha256" not in source:
        path = spec
    elif (found := next((p for p in (Path(spec), folder.parent / spec) if p.is_file()), None)) is None:
        return f"{spec} is no longer there; --model MODEL gives it"
    elif files.source(str(found)) != {**source, "model": str(found)}:
        return f"{spec} has changed since the build; --model MODEL gives the right one"
    else:
        path = str(found)
    try:
        model = _load(path, spec)
    except Diagnostic as error:
        return f"{spec} cannot be read: {error.title}"
    return model or f"{spec} is quantized, it has no float form; --model MODEL gives one"


def _load(path: str, name: str) -> FloatModel | None:
    graph = frontends.load_model(path)
    if not is_float(graph):
        return None
    inputs = {v: graph.type(v) for v in graph.inputs}
    run_passes(graph, FLOAT_PASSES)
    return FloatModel(name, graph, inputs)


def _unlike(model: FloatModel, report: Report) -> str:
    """Why a model cannot be the one that was built; empty where it can."""
    for what, shapes, ports in (
        ("inputs", [t.shape for t in model.inputs.values()], report["inputs"]),
        ("outputs", [model.graph.type(v).shape for v in model.graph.outputs], report["outputs"]),
    ):
        own = [tuple(p["shape"]) for p in ports]
        if shapes != own:
            return f"{what} {_listed(shapes)}, those of the build are {_listed(own)}"
    return ""


def _listed(shapes: list[tuple[int, ...]]) -> str:
    return ", ".join(str(list(s)) for s in shapes)
