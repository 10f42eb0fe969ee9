"""Moments of what weights are multiplied with: they tell how much an error of weights is in the output.

For weights W [O, K] and columns x [K] of their input, an error E of W is E x in the output: E[|E x|^2] =
tr(E H E^T) with H = E[x x^T]. Biases are free to take the mean of it, so what is left goes by the covariance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from edgec.ir import Graph, Node
from edgec.ops.base import call_of
from edgec.ops.interpret import evaluate
from edgec.ops.windows2d import Window2d
from edgec.quant.data import Samples

WIDEST = 2304
"""Inputs of a layer's outputs up to which there are moments: 256 channels under 3 x 3 taps, 42 MB."""
_WORK = 10_000_000_000
"""Multiply-accumulates that moments may take."""


@dataclass(frozen=True)
class Moments:
    """mean [K] and covariance [K, K], float64, of `count` columns."""

    mean: np.ndarray
    covariance: np.ndarray
    count: int

    @staticmethod
    def none(inputs: int) -> Moments:
        """Where nothing is known of the inputs: every error of a weight counts alike."""
        return Moments(np.zeros(inputs), np.eye(inputs), 0)

    def shrunk(self) -> np.ndarray:
        """The covariance drawn to a multiple of the unit matrix, the more the fewer columns it comes from.

        Chen, Wiesel, Eldar, Hero: Shrinkage Algorithms for MMSE Covariance Estimation, IEEE Transactions on
        Signal Processing 2010: equation 23, the oracle approximating shrinkage.
        """
        c, p, n = self.covariance, len(self.mean), self.count
        even, power = float(np.trace(c)) / p, float(np.square(c).sum())
        if not n or not even > 0:
            return np.eye(p)
        apart = (n + 1 - 2 / p) * (power - p * even**2)
        share = min(1.0, ((1 - 2 / p) * power + (p * even) ** 2) / apart) if apart > 0 else 1.0
        drawn: np.ndarray = (1 - share) * c + share * even * np.eye(p)
        return drawn

    @staticmethod
    def pooled(parts: Iterable[Moments]) -> Moments:
        """Of layers with weights in common and biases of their own: of columns about their own means."""
        found = list(parts)
        count = sum(m.count for m in found)
        if len(found) == 1 or not count:
            return found[0]
        weights = [m.count / count for m in found]
        mean = sum((w * m.mean for w, m in zip(weights, found, strict=True)), np.zeros(1))
        covariance = sum((w * m.covariance for w, m in zip(weights, found, strict=True)), np.zeros(1))
        return Moments(mean, covariance, count)


def columns(graph: Graph, node: Node, x: np.ndarray) -> np.ndarray:
    """What a linear layer's or convolution's weights [O, K] are multiplied with: [columns, K]."""
    if node.op == "linear":
        return x.reshape(-1, x.shape[-1])
    call = call_of(graph, node)
    patches = Window2d.of(call, call.ins[1].shape[1:3]).patches(x, 0)
    return patches.reshape(-1, np.prod(call.ins[1].shape[1:], dtype=int))


def moments_of(
    graph: Graph,
    nodes: Iterable[Node],
    samples: Samples,
    tick: Callable[[int, int], None] | None = None,
) -> dict[str, Moments]:
    """The moments of linear layers and convolutions in one group, by node name.

    Layers wider than WIDEST have none. samples: in the axis order of the graph's inputs. tick: called with
    (samples done, samples).
    """
    chosen = {n.name: n for n in nodes if _inputs(graph, n) <= WIDEST}
    sources: dict[tuple[object, ...], list[str]] = {}  # layers that read the same columns of the same value
    for node in chosen.values():
        window = () if node.op == "linear" else _window(graph, node)
        sources.setdefault((node.inputs[0], *window), []).append(node.name)
    readers: dict[str, list[str]] = {}
    for (value, *_), names in sources.items():
        readers.setdefault(str(value), []).append(names[0])
    sums = {
        names[0]: (np.zeros(k := _inputs(graph, chosen[names[0]])), np.zeros((k, k)))
        for names in sources.values()
    }
    counts = dict.fromkeys(sums, 0)

    def see(value: str, x: np.ndarray) -> None:
        for name in readers.get(value, ()):
            part = columns(graph, chosen[name], x)
            total, products = sums[name]
            total += part.sum(axis=0, dtype=np.float64)
            products += part.T @ part
            counts[name] += len(part)

    used = samples.head(max(1, min(len(samples), _WORK // max(1, _work(graph, chosen.values())))))
    for k in range(len(used)):
        inputs = used.sample(k)
        for value, x in inputs.items():
            see(value, x)
        evaluate(graph, inputs, see)
        if tick is not None:
            tick(k + 1, len(used))
    found: dict[str, Moments] = {}
    for names in sources.values():
        (total, products), count = sums[names[0]], max(1, counts[names[0]])
        mean = total / count
        made = Moments(mean, products / count - np.outer(mean, mean), counts[names[0]])
        found |= dict.fromkeys(names, made)
    return found


def _inputs(graph: Graph, node: Node) -> int:
    return int(np.prod(graph.type(node.inputs[1]).shape[1:], dtype=int))


def _window(graph: Graph, node: Node) -> tuple[object, ...]:
    window = Window2d.of(call_of(graph, node), graph.type(node.inputs[1]).shape[1:3])
    return window.kernel, window.stride, window.padding, window.dilation


def _work(graph: Graph, nodes: Iterable[Node]) -> int:
    """Multiply-accumulates of the products of columns for one sample."""
    return sum(
        graph.type(n.outputs[0]).size // graph.type(n.inputs[1]).shape[0] * _inputs(graph, n) ** 2
        for n in nodes
    )
