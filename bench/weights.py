"""How much of a model is left where its weights have few bits: ways to choose them, at equal bits.

    python bench/weights.py cifar_vit.pt2 cifar_cnn.pt2 --learn train.parquet --test test.parquet

Prints, for every model, the table of docs/quantization.md: signal to noise at the outputs and top-1 on images
that nothing was learned from. Activations stay in float, so that nothing but the weights differs.

    nearest integers    b bits, a scale for each output, the one with the least squared error
    nearest codebook    the 2**b values nearest to a layer's weights, by k-means
    layer by layer      learned, each layer by itself (rounding as in AdaRound, entries as in JLCM)
    blocks              learned as in a build: in blocks, then all layers together
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from edgec.frontends import load_model
from edgec.ir import Graph
from edgec.options import Silent
from edgec.pipeline import FLOAT_PASSES, run_passes
from edgec.quant.data import load_samples, open_data
from edgec.quant.forms import has_weights
from edgec.quant.images import spaced
from edgec.quant.labels import labels_of
from edgec.quant.learn.recipe import Recipe, recipe_for
from edgec.quant.learn.torch_graph import constants_of, inputs_of, outputs_with
from edgec.quant.learn.weights import coded_of, learn
from edgec.quant.mixed import size_of

SHARES = np.arange(1.0, 0.3, -0.05)
"""Of a channel's largest weight: what the largest integer is tried to stand for."""
_TAUGHT = 1024
"""Images that are learned from, as many as in a build at most."""
_BYTE = 8
_INTEGERS = (4, _BYTE)
"""Bits of the integers that weights are learned in."""
Weights = dict[str, np.ndarray]


class Bench:
    """A float model, images to learn from and images to measure on."""

    def __init__(self, model: str, taught: str, tested: str, count: int, steps: float) -> None:
        self.graph = load_model(model)
        own = {v: self.graph.type(v) for v in self.graph.inputs}
        run_passes(self.graph, FLOAT_PASSES)
        self.taught = load_samples(taught, own, limit=_TAUGHT).permuted(self.graph.input_perms)
        data = open_data(tested, own)
        picked = list(spaced(data.count, min(count, data.count)))
        self.tested = data.take(picked).permuted(self.graph.input_perms)
        self.labels = labels_of(data, self.graph.type(self.graph.outputs[0]).size)[picked]
        self.recipe = recipe_for(self.graph, steps)
        self.layers = [n for n in self.graph.nodes() if has_weights(self.graph, n)]
        self.want = self._outputs(self.graph, {})

    def rows(self, bits: int) -> Iterable[tuple[str, int, float, float]]:
        """Way, bytes of the weights, decibels and top-1 in per cent."""
        books = {"codebook": f"codebook{bits}", "codebook/64": f"codebook{bits}/64"} if bits < _BYTE else {}
        yield "nearest integers", *self._told(self._nearest(lambda w: integers(w, bits)), f"int{bits}")
        for name, form in books.items():
            yield f"nearest {name}", *self._told(self._nearest(form=form), form)
        blocks, total = self.recipe.block_steps, self.recipe.steps
        alone = replace(self.recipe, block_steps=blocks + total // len(self.layers), steps=0, longest=1)
        learned = {name: form for name, form in books.items() if "/" in name}
        learned |= {f"int{bits}": f"int{bits}"} if bits in _INTEGERS else {}
        for name, form in learned.items():
            yield f"{name}, layer by layer", *self._learned(form, alone)
            yield f"{name}, blocks", *self._learned(form, self.recipe)

    def _nearest(self, way: Callable[[np.ndarray], np.ndarray] | None = None, form: str = "") -> Weights:
        found = Weights()
        for node in self.layers:
            weights = self.graph.data(node.inputs[1])
            assert weights is not None
            held = way(weights) if way else coded_of(self.graph, node, form)().detach().numpy()
            found[node.inputs[1]] = held
        return found

    def _learned(self, form: str, recipe: Recipe) -> tuple[int, float, float]:
        made = learn(self.graph, {n.name: form for n in self.layers}, self.taught, recipe, Silent())
        return (self._bytes(form), *self._measured(self._outputs(made, {})))

    def _told(self, weights: Weights, form: str) -> tuple[int, float, float]:
        return (self._bytes(form), *self._measured(self._outputs(self.graph, weights)))

    def _bytes(self, form: str) -> int:
        if form.startswith("int"):
            return sum(-(-self._weights(n).size * int(form[3:]) // 8) for n in self.layers)
        return sum(size_of(self._weights(n), form) for n in self.layers)

    def _weights(self, node: object) -> np.ndarray:
        data = self.graph.data(node.inputs[1])  # type: ignore[attr-defined]
        assert data is not None
        return data

    def _outputs(self, graph: Graph, changed: Weights) -> np.ndarray:
        inputs = inputs_of(graph, self.tested)
        (y,) = outputs_with(graph, inputs, constants_of(graph), changed)
        return y.reshape(len(self.labels), -1)

    def _measured(self, got: np.ndarray) -> tuple[float, float]:
        noise = float(np.square(got - self.want).mean() / self.want.var())
        return -10 * np.log10(max(noise, 1e-12)), 100 * float((got.argmax(1) == self.labels).mean())


def integers(weights: np.ndarray, bits: int) -> np.ndarray:
    """The nearest weights of so many bits, symmetric, with a scale for each output."""
    rows, most = weights.reshape(len(weights), -1), (1 << (bits - 1)) - 1
    largest = np.abs(rows).max(axis=1, keepdims=True) + 1e-12
    tries = np.stack(
        [np.clip(np.rint(rows / (s * largest / most)), -most, most) * (s * largest / most) for s in SHARES]
    )
    best = np.square(tries - rows).sum(axis=2).argmin(axis=0)
    return tries[best, np.arange(len(rows))].reshape(weights.shape).astype(np.float32)


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--learn", required=True, help=f"images to learn from, {_TAUGHT} of them")
    parser.add_argument("--test", required=True, help="labelled images to measure on")
    parser.add_argument("--count", type=int, default=2000, help="how many of them")
    parser.add_argument("--bits", default="2,3,4")
    parser.add_argument("--steps", type=float, default=1.0, help="part of the steps that a build takes")
    given = parser.parse_args(arguments)
    for model in given.models:
        bench = Bench(model, given.learn, given.test, given.count, given.steps)
        real = 100 * float((bench.want.argmax(1) == bench.labels).mean())
        print(f"\n{Path(model).stem}, float {real:.2f} %\n", flush=True)
        print("| bits | weights | bytes | signal to noise | top-1 |\n|---|---|---|---|---|", flush=True)
        for bits in map(int, given.bits.split(",")):
            for way, size, decibels, top1 in bench.rows(bits):
                print(f"| {bits} | {way} | {size:,} | {decibels:.1f} dB | {top1:.2f} % |", flush=True)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
