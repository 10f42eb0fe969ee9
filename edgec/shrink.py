"""Weights in fewer bits where flash is short: which, learned from samples, and what accuracy that costs."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from edgec.codegen.toolchain import DoesNotFit
from edgec.diagnostics import Diagnostic
from edgec.ir import Graph
from edgec.ops.dsp import is_dsp
from edgec.ops.forms import INT8
from edgec.ops.interpret import evaluate
from edgec.options import BuildOptions, Progress, Silent
from edgec.pipeline import LEARN, LEAST, Lowered, Real, lower_learned
from edgec.quant.answers import Drop, answers_of, compared
from edgec.quant.data import Samples, open_data
from edgec.quant.forms import has_weights
from edgec.quant.images import spaced
from edgec.quant.labels import labels_of
from edgec.quant.mixed import Choice, Mixed, measure
from edgec.quant.reorder import reorder
from edgec.quant.snr import integer_inputs
from edgec.report.schema import Precision, Weighing
from edgec.schedule.cost import beyond_int8
from edgec.target import load_target

JUDGE = 512
"""Samples that the accuracy is measured on, apart from those that weights are learned from, at most."""
FEW = 128
"""Samples to measure on below which a warning says how far the figure may be off."""
_COUNT = LEAST * 3 // 2
"""Samples that there have to be: a third is put aside."""
_TRIED = 24
"""Samples on which every form of every layer is measured."""


class Shrinker:
    """Forms for the weights of one float model.

    Raises Diagnostic E101 where there are no samples, E104 for bad ones.
    """

    def __init__(self, real: Real, options: BuildOptions, progress: Progress) -> None:
        graph = real.graph.copy()
        reorder(graph)
        self.real = replace(real, graph=graph, model=graph if real.model is real.graph else real.model)
        self.options, self.progress = options, progress
        _require_torch()
        _require_one_output(graph)
        if options.calib is None:
            raise Diagnostic(
                "E101",
                "--max-drop is measured on samples, and there are none",
                where="--max-drop",
                remedies=["--calib DATA   samples, best with labels: .npz, .parquet or a folder of images"],
            )
        data = open_data(str(options.calib), real.inputs)
        if data.count < _COUNT:
            raise Diagnostic(
                "E101",
                "--max-drop learns from samples and is measured on others, and there are too few",
                where=f"--calib {options.calib}",
                facts=[("need", f"{_COUNT} samples"), ("have", f"{data.count} samples")],
                remedies=[
                    "more samples",
                    "--weights codebook4 or another form for all layers, without --max-drop",
                ],
            )
        self.judged, taught = _shares(data.count)
        self.taught = data.doubted(taught).permuted(graph.input_perms)
        self.held_out = data.take(self.judged).permuted(graph.input_perms)
        classes = _classes(graph)
        self.labels = labels_of(data, classes)[self.judged] if data.labels is not None and classes else None
        self.stored = dict[str, list[str]]()
        """Layers by the weights that they have in common."""
        for node in graph.nodes():
            if has_weights(graph, node):
                self.stored.setdefault(node.inputs[1], []).append(node.name)
        self.mixed = self._measure()
        self.choice: Choice | None = None

    @property
    def bytes(self) -> int:
        """Of the weights that may have another form, in int8."""
        return self.mixed.most

    @property
    def taken(self) -> int:
        """Of them, in the forms that were chosen last."""
        return self.choice.bytes if self.choice is not None else self.mixed.most

    def sketch(self, limit: int) -> Lowered | None:
        """The model with the best forms for so many bytes, their weights the nearest and not yet learned.

        None where no forms take so few.
        """
        if (choice := self.mixed.best(limit)) is None:
            return None
        self.choice = choice
        few = self.taught.head(4)
        return lower_learned(self.real.graph, self.real, few, self.options, Silent(), self._forms())

    def without_scratch(self) -> bool:
        """Leave the forms that kernels take apart, in scratch, out of the choice; whether forms are left."""
        stored = (INT8, "int4") if is_dsp(load_target(self.options.target).features) else (INT8,)
        self.mixed, before = self.mixed.among(stored), self.mixed
        return len(self.mixed.bytes) < len(before.bytes)

    def learned(self) -> Lowered:
        """The model with the forms of the last sketch, its weights learned; says what they cost.

        Raises Diagnostic E303 where that is more than --max-drop.
        """
        assert self.choice is not None and self.options.max_drop is not None
        graph, forms = self.real.graph, self._forms()
        if self.options.rounding != "nearest":
            self.progress.stage("learn weights")
            graph, forms = self._learn(forms), {}
        lowered = lower_learned(graph, self.real, self.taught, self.options, self.progress, forms)
        return self._judged(lowered)

    def _judged(self, lowered: Lowered) -> Lowered:
        """The same with what it loses, measured; its narrow form is measured where it is taken."""
        assert self.options.max_drop is not None
        if (narrow := lowered.narrow) is not None:
            lowered.narrow = lambda: self._judged(narrow())
        self.progress.stage("measure the accuracy")
        loss = self._loss(lowered.graph)
        if loss.points > self.options.max_drop:
            raise self._too_much(loss)
        lowered.weighing = self._weighing(loss)
        lowered.notes.append(self._told(loss))
        if loss.samples < FEW and not loss.of_values:
            figure = f"{loss.points:.2f} points may be off by {loss.margin:.1f}"
            text = f"there were {loss.samples} samples to measure the accuracy on: the loss of {figure}"
            lowered.warnings.append(text)
            self.progress.warn(text)
        return lowered

    # -- which forms ------------------------------------------------------

    def _measure(self) -> Mixed:
        from edgec.quant.learn.torch_graph import fronts, one_thread
        from edgec.quant.learn.weights import coded_of

        self.progress.stage("measure the forms of weights")
        graph, some = self.real.graph, self.taught.head(_TRIED)

        target = load_target(self.options.target)
        groups = {group[0]: group for group in self.stored.values()}

        def cycles(name: str, form: str) -> int:
            found = 0
            for n in groups[name]:
                w, y = graph.node(n).inputs[1], graph.type(graph.node(n).outputs[0])
                vectors = y.size // graph.type(w).shape[0]
                found += beyond_int8(form, graph.type(w).size, vectors, target)
            return found

        def held(name: str, form: str) -> np.ndarray:
            array: np.ndarray = coded_of(graph, graph.node(name), form)().detach().numpy()
            return array

        with one_thread():
            outputs = _values_of(graph, some, fronts(graph))
            return measure(graph, list(groups), outputs, held, cycles, self.progress.step)

    def _forms(self) -> dict[str, str]:
        """The forms chosen, of all layers: those with weights in common have one."""
        assert self.choice is not None
        return {name: self.choice.forms[group[0]] for group in self.stored.values() for name in group}

    def _learn(self, forms: Mapping[str, str]) -> Graph:
        from edgec.quant.learn.recipe import recipe_for
        from edgec.quant.learn.weights import learn

        wanted = self.options.rounding == "learned"
        coded = {n: f for n, f in forms.items() if f != INT8 or wanted}
        return learn(self.real.graph, coded, self.taught, recipe_for(self.real.graph), self.progress)

    # -- what they cost ---------------------------------------------------

    def _loss(self, graph: Graph) -> Drop:
        from edgec.quant.learn.torch_graph import one_thread

        model = self.real.model
        with one_thread():
            (real,) = _values_of(model, self.held_out, model.outputs)({})
        here = list[np.ndarray]()
        for k in range(len(real)):
            here.append(evaluate(graph, integer_inputs(graph, self.held_out.sample(k)))[graph.outputs[0]])
            self.progress.step(k + 1, len(real))
        return compared(model, real, graph, np.stack(here), self.labels)

    def _told(self, loss: Drop) -> str:
        assert self.choice is not None
        what = f"weights in {self.choice.words()}: {self.mixed.most:,} -> {self.choice.bytes:,} B"
        if loss.real is None:
            return f"{what}; {loss.kept} on {loss.samples} samples not learned from"
        return (
            f"{what}; top-1 {loss.real:.2f} -> {loss.here:.2f} % on {loss.samples} samples not learned from"
        )

    def _weighing(self, loss: Drop) -> Weighing:
        assert self.choice is not None and self.options.max_drop is not None
        found = Weighing(
            samples=loss.samples,
            of="values" if loss.of_values else "answers",
            drop=loss.points,
            max_drop=self.options.max_drop,
            frontier=self._frontier(),
        )
        if loss.real is not None:
            found["top1_float"], found["top1"] = loss.real, loss.here
        return found

    def _frontier(self) -> list[Precision]:
        assert self.choice is not None
        return [
            Precision(
                bytes=c.bytes,
                noise=c.noise,
                cycles=c.cycles,
                forms=c.words(),
                chosen=c is self.choice,
            )
            for c in self.mixed.frontier(self.choice)
        ]

    def too_small(self, error: DoesNotFit) -> Diagnostic:
        """The E302 where no forms fit. error: of the last that were linked."""
        least = self.mixed.best(self.mixed.least)
        assert least is not None
        need = error.need - (self.taken - least.bytes)
        signal = -10 * math.log10(max(least.noise, 1e-12))
        return Diagnostic(
            "E302",
            "does not fit: no form of weights is small enough",
            where=f"{self.options.model}, {len(self.stored)} layers with {self.mixed.most:,} B in int8",
            facts=[
                ("need", f"{need:,} B   weights {least.bytes:,} + others {need - least.bytes:,}"),
                ("have", f"{error.have:,} B"),
                ("short", f"{need - error.have:,} B"),
                ("forms", f"{least.words()}, the smallest"),
                ("cost", f"outputs {signal:.1f} dB over the noise of rounding, before weights are learned"),
            ],
            remedies=[
                f"--flash-budget {-(-need // 1024)}KB with the smallest forms, if --max-drop allows",
                "a model with fewer weights, or a board with more flash: edgec targets",
            ],
        )

    def _too_much(self, loss: Drop) -> Diagnostic:
        assert self.choice is not None
        larger = [p for p in self._frontier() if p["noise"] < self.choice.noise / 2]
        figures = (
            f"top-1 {loss.real:.2f} % in float, {loss.here:.2f} % here"
            if loss.real is not None
            else loss.kept
        )
        remedies = [f"--max-drop {math.ceil(loss.points * 10) / 10:g}"]
        if larger:
            p = larger[-1]
            more = p["bytes"] - self.choice.bytes
            remedies.append(f"a --flash-budget {more:,} B larger: half the noise or less with {p['forms']}")
        return Diagnostic(
            "E303",
            "fits, but loses too much accuracy",
            where=f"{self.options.model}, weights in {self.choice.words()}",
            facts=[
                ("loses", f"{loss.points:.2f} points   {figures}, {loss.samples} samples not learned from"),
                ("may lose", f"{self.options.max_drop:g} points   --max-drop"),
                ("weights", f"{self.choice.bytes:,} B   {self.mixed.most:,} B in int8"),
            ],
            remedies=[*remedies, "fine-tune the model for these forms: docs/finetuning.md"],
        )


def _require_torch() -> None:
    """Raise Diagnostic E401 where weights cannot be learned."""
    if importlib.util.find_spec("torch") is None:
        raise Diagnostic(
            "E401",
            "missing package: torch, in which --max-drop measures and learns weights",
            remedies=["pip install 'edgec[torch]'", "--weights codebook4 instead of --max-drop"],
        )


def _require_one_output(graph: Graph) -> None:
    """Raise Diagnostic E101 where there are several outputs, of which one loss would say too little."""
    shapes = [graph.type(v).shape for v in graph.outputs]
    if len(shapes) != 1:
        raise Diagnostic(
            "E101",
            "--max-drop measures what one output loses",
            where="--max-drop",
            facts=[("outputs", ", ".join("x".join(map(str, s)) or "one value" for s in shapes))],
            remedies=["--weights codebook4 or another form for all layers, and compare the outputs yourself"],
        )


def _classes(graph: Graph) -> int:
    """Classes of a model of one answer, 0 for any other."""
    from edgec.quant.learn.torch_graph import fronts

    nothing = np.zeros((1, graph.type(graph.outputs[0]).size))
    found = answers_of(graph, nothing)
    return graph.type(fronts(graph)[0]).size if found is not None and found.shape[1] == 1 else 0


def _shares(count: int) -> tuple[list[int], list[int]]:
    """Indices of the samples to measure on, and of those to learn from, evenly spaced and apart."""
    judge = min(JUDGE, count // 3)
    judged = spaced(count, judge)
    others = sorted(set(range(count)) - set(judged))
    return list(judged), [others[k] for k in spaced(len(others), LEARN)]


def _values_of(
    graph: Graph, samples: Samples, wanted: Sequence[str]
) -> Callable[[Mapping[str, np.ndarray]], list[np.ndarray]]:
    """Some values [samples, ...] of a float graph with other constants: by torch, where it can."""
    from edgec.quant.learn.torch_graph import constants_of, inputs_of, outputs_with

    inputs, constants = inputs_of(graph, samples), constants_of(graph)
    return lambda changed: outputs_with(graph, inputs, constants, changed, wanted)
