"""How much of a float model its integer form keeps: per layer in dB, and at the outputs."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from edgec.ir import DType, Graph
from edgec.ops.interpret import evaluate
from edgec.quant.data import Samples
from edgec.quant.formats import to_integers, to_reals


@dataclass(frozen=True)
class LayerSnr:
    """A layer's signal-to-noise ratio against float.

    snr, loss: decibels; `loss` is what the layer lost against its worst operand.
    """

    name: str
    path: str
    op: str
    dtype: str
    snr: float
    loss: float


@dataclass
class Fidelity:
    """Agreement of integer and float model over `samples` inputs.

    cosine: the mean over samples of the outputs' cosine (the worst output). snr: decibels
    of all outputs together. contrast: the same of what differs between the samples, which
    is what a trained model decides by; `share` is its part of the outputs' power. top1: share of samples
    whose largest output is the same one; of outputs that are places, such as an argmax has, those that agree.
    """

    samples: int
    cosine: float
    snr: float
    contrast: float
    share: float
    top1: float
    layers: list[LayerSnr] = field(default_factory=list)

    def worst(self, count: int = 8) -> list[LayerSnr]:
        """The layers that lose most, the largest loss first."""
        return sorted(self.layers, key=lambda s: -s.loss)[:count]


@dataclass
class _Power:
    signal: float = 0.0
    noise: float = 0.0

    def add(self, real: np.ndarray, held: np.ndarray) -> None:
        keep = np.isfinite(real)
        self.signal += float(np.square(real[keep], dtype=np.float64).sum())
        self.noise += float(np.square(real[keep] - held[keep], dtype=np.float64).sum())

    def share(self, other: _Power) -> float:
        """This signal's power as a part of the other's."""
        return self.signal / other.signal if other.signal else 1.0

    @property
    def db(self) -> float:
        if self.noise == 0.0:
            return 120.0
        return 10 * math.log10(max(self.signal, 1e-30) / self.noise)


def integer_inputs(graph: Graph, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Float inputs as the integer graph takes them."""
    return {
        name: to_integers(x, graph.type(name)) if graph.type(name).quant is not None else x
        for name, x in inputs.items()
    }


def float_outputs(graph: Graph, samples: Samples) -> list[dict[str, np.ndarray]]:
    """The float model's outputs, sample by sample."""
    return [evaluate(graph, samples.sample(k)) for k in range(len(samples))]


def compare(
    real: Graph,
    held: Graph,
    samples: Samples,
    *,
    layers: bool = True,
    want: Sequence[dict[str, np.ndarray]] | None = None,
    tick: Callable[[int, int], None] | None = None,
) -> Fidelity:
    """Run float graph and integer graph side by side over the samples.

    layers: whether to measure every layer, too. want: the outputs to compare with, if they are not to be the
    float graph's own. Values are matched by name; integer outputs that are indices (argmax) count for top1
    only.
    """
    powers: dict[str, _Power] = {}
    total, cosines, same, votes = _Power(), [], 0.0, 0
    outputs: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {}
    for k in range(len(samples)):
        inputs = samples.sample(k)
        floats: dict[str, np.ndarray] = dict(inputs) if layers else {}
        reals = evaluate(real, inputs, floats.__setitem__) if layers or want is None else {}
        reals = reals if want is None else want[k]

        def see(value: str, q: np.ndarray, floats: dict[str, np.ndarray] = floats) -> None:
            t = held.type(value)
            x = floats.get(value)
            if x is not None and x.shape == q.shape and t.quant is not None and x.dtype == np.float32:
                powers.setdefault(value, _Power()).add(x, to_reals(q, t))

        integers = integer_inputs(held, inputs)
        for name, q in integers.items():
            see(name, q)
        got = evaluate(held, integers, see if layers else None)
        worst = 1.0
        for a, b in zip(real.outputs, held.outputs, strict=True):
            x, y = reals[a], to_reals(got[b], held.type(b))
            if real.type(a).dtype != DType.F32:
                same, votes = same + float((x == got[b]).mean()), votes + 1
                continue
            total.add(x, y)
            outputs.setdefault(a, []).append((x, y))
            worst = min(worst, cosine(x, y))
            if x.ndim == 2 and x.shape[1] > 1:
                same, votes = same + int(x.argmax() == y.argmax()), votes + 1
        cosines.append(worst)
        if tick is not None:
            tick(k + 1, len(samples))
    mean, top1 = float(np.mean(cosines or [1.0])), same / votes if votes else 1.0
    contrast = _contrast(list(outputs.values())) if len(samples) > 1 else total
    layered = _by_layer(held, powers)
    return Fidelity(len(samples), mean, total.db, contrast.db, contrast.share(total), top1, layered)


def _contrast(outputs: list[list[tuple[np.ndarray, np.ndarray]]]) -> _Power:
    """Signal and noise of the outputs less their mean over the samples."""
    power = _Power()
    for pairs in outputs:
        x, y = (np.stack(arrays) for arrays in zip(*pairs, strict=True))
        power.add(x - x.mean(axis=0), y - y.mean(axis=0))
    return power


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    """The cosine of the angle between two arrays taken as vectors; 1 if both are zero."""
    x, y = a.ravel().astype(np.float64), b.ravel().astype(np.float64)
    norm = float(np.linalg.norm(x) * np.linalg.norm(y))
    if norm == 0.0:
        return 1.0 if np.allclose(x, y, atol=1e-9) else 0.0
    return float(x @ y) / norm


def _by_layer(held: Graph, powers: dict[str, _Power]) -> list[LayerSnr]:
    rows = []
    for node in held.nodes():
        value = node.outputs[0]
        if value not in powers:
            continue
        before = [powers[v].db for v in node.inputs if v in powers]
        own = powers[value].db
        loss = min(before) - own if before else 0.0
        rows.append(LayerSnr(node.name, node.path, node.op, str(held.type(value).dtype), own, loss))
    return rows


def table(fidelity: Fidelity, count: int = 8) -> str:
    """The layers that lose most, as lines of text."""
    lines = [f"{'SNR dB':>7} {'loss dB':>8}  layer"]
    for s in fidelity.worst(count):
        lines.append(f"{s.snr:7.1f} {s.loss:8.1f}  {s.path or s.name} ({s.op}, {s.dtype})")
    return "\n".join(lines)
