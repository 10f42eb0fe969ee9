"""Projection: the weights that a form can hold nearest to those of a quantized layer.

Forms are those of edgec/ops/forms.py. Weights stay int8: the op computes with them as with any others, and
its kernel stores them in fewer bits. int4 has each channel's scale chosen anew, other forms keep it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edgec.ir import Graph, Node, Quant
from edgec.ops.forms import ATTRIBUTE, FACTORS, INT8, LARGEST, OUTPUTS, STEP, Form

_SHARES = tuple(k / 20 for k in range(20, 9, -1))
"""Of a channel's largest weight: what the largest of int4 is tried to stand for."""
_OPS = ("linear", "conv2d")


@dataclass(frozen=True)
class Projected:
    """weights: int8, as before. scale: of each output, float64. error: the squares of what changed, in real
    numbers, as a share of those of the weights."""

    weights: np.ndarray
    scale: np.ndarray
    error: float


def project(weights: np.ndarray, scale: np.ndarray, form: Form) -> Projected | None:
    """The nearest weights that a form holds: int8 [outputs, ...] with a scale for each output.

    None where the groups of a form do not divide the inputs.
    """
    w = weights.reshape(len(weights), -1).astype(np.float64)
    if form.group and w.shape[1] % form.group:
        return None
    new = scale.astype(np.float64)
    if form.book:
        size = form.share or len(w)
        parts = [w[k : k + size] for k in range(0, len(w), size)]
        q = np.concatenate([nearest(part, codebook(part, form.bits)) for part in parts])
    elif form.group:
        q = _grouped(w, form.group)
    else:
        q, ratio = _channels(w)
        new = (new * ratio).astype(np.float32).astype(np.float64)
    old, now = w * scale[:, None], q * new[:, None]
    error = float(np.square(now - old).sum() / max(np.square(old).sum(), np.finfo(float).tiny))
    return Projected(q.astype(np.int8).reshape(weights.shape), new, error)


def project_graph(graph: Graph, forms: Mapping[str, str]) -> dict[str, float]:
    """Give layers of an integer graph weights of these forms, by node name; returns their errors.

    What has no weights, and what a form does not suit, stays as it is and is not in the result.
    """
    errors = dict[str, float]()
    for node in graph.nodes():
        form = Form.parse(forms.get(node.name, INT8))
        if form is None or not has_weights(graph, node):
            continue
        value = graph.values[node.inputs[1]]
        assert value.data is not None
        quant, data = value.type.q, value.data
        scale = np.broadcast_to(np.array(quant.scale), len(data))
        found = project(data, scale, form)
        if found is None:
            continue
        same = np.array_equal(found.scale, scale)
        told = quant if same else Quant(tuple(found.scale.tolist()), (0,) * len(data), 0)
        graph.set_operand(node, 1, graph.add_constant(node.inputs[1], found.weights, told, value.type.layout))
        if not same and len(node.inputs) > 2:
            _rescale_bias(graph, node, scale, found.scale)
        node.attrs[ATTRIBUTE] = form.name
        errors[node.name] = found.error
    graph.prune()
    return errors


def has_weights(graph: Graph, node: Node) -> bool:
    """Whether a node's weights may have another form than int8."""
    if node.op not in _OPS or node.attrs.get("groups", 1) != 1:
        return False
    return all(map(graph.is_constant, node.inputs[1:])) and not graph.is_constant(node.inputs[0])


def every(graph: Graph, form: str) -> dict[str, str]:
    """This form for all layers that may have one, by node name."""
    return {node.name: form for node in graph.nodes() if form != INT8 and has_weights(graph, node)}


def codebook(values: np.ndarray, bits: int) -> np.ndarray:
    """The 2**bits int8 values nearest to `values` (integers of int8) in squares, ascending; 0 is one of them.

    K-means in one dimension, exact: clusters are intervals, found by dynamic programming over the values
    there are (Wang and Song, Ckmeans.1d.dp, The R Journal 3/2, 2011). The centre nearest to 0 then becomes
    0, which padded inputs need.
    """
    points, counts = np.unique(values.astype(np.int64), return_counts=True)
    if len(points) < 1 << bits:
        return np.unique(np.append(points, 0))
    n = len(points)
    mass, first, second = (np.append(0, np.cumsum(counts * points**k)).astype(np.float64) for k in range(3))

    def costs(last: int) -> np.ndarray:
        """Of the points i .. last - 1 as one cluster, for every i below `last`."""
        at = slice(0, last)
        total, moment = mass[last] - mass[at], first[last] - first[at]
        of: np.ndarray = second[last] - second[at] - moment**2 / total
        return of

    table = np.stack([np.append(costs(last), np.full(n - last, np.inf)) for last in range(1, n + 1)])
    best, begins = np.append(0.0, np.full(n, np.inf)), list[np.ndarray]()
    for _ in range(1 << bits):
        every = best[None, :-1] + table
        begins.append(every.argmin(axis=1))
        best = np.append(np.inf, every.min(axis=1))
    centres, last = list[float](), n
    for begin in reversed(begins):
        start = int(begin[last - 1])
        centres.append((first[last] - first[start]) / (mass[last] - mass[start]))
        last = start
    found = np.rint(centres)
    found[np.abs(found).argmin()] = 0
    return np.unique(found.astype(np.int64))


def nearest(values: np.ndarray, book: np.ndarray) -> np.ndarray:
    """Every value's nearest entry of an ascending book."""
    between = (book[1:] + book[:-1]) / 2
    found: np.ndarray = book[np.searchsorted(between, values)]
    return found


def _channels(w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Multiples of STEP [outputs, inputs], and what each output's scale is to be multiplied by."""
    largest = np.maximum(np.abs(w).max(axis=1, initial=0.0), 1.0)
    tries = []
    for share in _SHARES:
        ratio = largest * share / (STEP * LARGEST)
        q = STEP * np.clip(np.rint(w / (STEP * ratio[:, None])), -LARGEST, LARGEST)
        tries.append((np.square(q * ratio[:, None] - w).sum(axis=1), q, ratio))
    best = np.stack([t[0] for t in tries]).argmin(axis=0)
    rows = np.arange(len(w))
    return np.stack([t[1] for t in tries])[best, rows], np.stack([t[2] for t in tries])[best, rows]


def _grouped(w: np.ndarray, group: int) -> np.ndarray:
    """-LARGEST .. LARGEST times the best factor of each group, [outputs, inputs]."""
    outputs, inputs = w.shape
    full = np.pad(w, ((0, -outputs % OUTPUTS), (0, 0)))
    runs = full.reshape(-1, OUTPUTS, inputs // group, group)
    best, least = np.zeros_like(runs), np.full((len(runs), inputs // group), np.inf)
    for factor in range(1, FACTORS + 1):
        q = factor * np.clip(np.rint(runs / factor), -LARGEST, LARGEST)
        error = np.square(q - runs).sum(axis=(1, 3))
        better = error < least
        best = np.where(better[:, None, :, None], q, best)
        least = np.minimum(error, least)
    found: np.ndarray = best.reshape(-1, inputs)[:outputs]
    return found


def _rescale_bias(graph: Graph, node: Node, old: np.ndarray, new: np.ndarray) -> None:
    """The bias at the product of the input's scale and the weights' new ones."""
    value = graph.values[node.inputs[2]]
    assert value.data is not None
    bias = np.rint(value.data * (old / new)).clip(-(2**30), 2**30).astype(np.int32)
    scale = graph.type(node.inputs[0]).q.s * new
    quant = Quant(tuple(scale.tolist()), (0,) * len(scale), 0)
    graph.set_operand(node, 2, graph.add_constant(node.inputs[2], bias, quant, value.type.layout))
