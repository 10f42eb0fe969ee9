"""Observers: what values every tensor of a float graph takes over calibration samples.

Each tensor gets a histogram of fixed size. Its bins are centred on the multiples of a
power of two, and double in width, merging in pairs, when a value does not fit; so one
pass is enough, whatever comes, and 0.0 always has a bin of its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from edgec.diagnostics import Diagnostic
from edgec.ir import DType, Graph
from edgec.ops.base import op_of
from edgec.ops.interpret import evaluate
from edgec.quant.correct import weighted
from edgec.quant.data import Samples
from edgec.quant.formats import Range, asymmetric

HALF = 4096
"""Bins on each side of zero."""
METHODS = ("minmax", "mse", "percentile")
_PERCENTILE = 99.99
_FEW = 16
"""A tensor with fewer than 2**_FEW observed values has not shown its whole range yet."""
_ENOUGH = 1 << 10
"""Fewer observed values have no tail to speak of: their extremes are taken."""
_MARGIN = 0.5
"""What the range of a tensor observed once is widened by; it falls with the logarithm of the count."""
_SOFTMAX_REACH = 12.0
"""exp(-12) is far below half a step of a probability in int8."""


@dataclass
class Histogram:
    """Counts of finite values around multiples of `width`, and the exact extremes."""

    width: float = 0.0
    counts: np.ndarray = field(default_factory=lambda: np.zeros(2 * HALF + 1, np.int64))
    lo: float = math.inf
    hi: float = -math.inf
    total: int = 0

    def add(self, x: np.ndarray) -> None:
        """Count the finite values of x."""
        x = x.ravel()
        if not np.isfinite(x).all():
            x = x[np.isfinite(x)]
        if not x.size:
            return
        lo, hi = float(x.min()), float(x.max())
        self.lo, self.hi, self.total = min(self.lo, lo), max(self.hi, hi), self.total + x.size
        largest = max(-lo, hi)
        if largest == 0.0:
            self.counts[HALF] += x.size
            return
        need = 2.0 ** (math.ceil(math.log2(largest)) - int(math.log2(HALF)))
        if self.width == 0.0:
            self.width = need
        while self.width < need:
            self._double()
        index = np.rint(x * np.float32(1 / self.width)).astype(np.int32) + HALF
        self.counts += np.bincount(index, minlength=2 * HALF + 1)

    def _double(self) -> None:
        old, self.width = self.counts, self.width * 2
        k = np.arange(-HALF, HALF + 1)
        self.counts = np.zeros_like(old)
        np.add.at(self.counts, np.rint(k / 2).astype(int) + HALF, old)

    def points(self) -> tuple[np.ndarray, np.ndarray]:
        """(bin centres, counts) of the bins that hold anything."""
        filled = np.flatnonzero(self.counts)
        return (filled - HALF) * self.width, self.counts[filled]


@dataclass
class Observation:
    """A histogram per float value; floors: below them a softmax does not see; means: of what weights are
    multiplied with (`weighted`), over the samples."""

    histograms: dict[str, Histogram]
    floors: dict[str, float]
    means: dict[str, np.ndarray]

    def ranges(self, method: str) -> dict[str, Range]:
        """The range of every value by one of METHODS."""
        return {v: self._range(v, h, method) for v, h in self.histograms.items()}

    def _range(self, value: str, h: Histogram, method: str) -> Range:
        if not h.total:
            return Range(0.0, 0.0)
        floor = self.floors.get(value, -math.inf)
        lo, hi = max(h.lo, floor), h.hi
        if method != "minmax" and h.total >= _ENOUGH:
            chosen = _percentile(h) if method == "percentile" else _smallest_error(h, lo, hi)
            lo, hi = max(lo, chosen.lo), min(hi, chosen.hi)
        margin = 1 + _MARGIN * max(0.0, 1 - math.log2(h.total) / _FEW)
        return Range.of(max(lo * margin, floor), hi * margin)


def observe(graph: Graph, samples: Samples, tick: Callable[[int, int], None] | None = None) -> Observation:
    """Run the float reference over all samples and count every float value.

    tick: called with (samples done, samples). Raises Diagnostic E104 where a layer's
    values are not numbers.
    """
    result = Observation({}, {}, {})
    sums: dict[str, np.ndarray | float] = {node.inputs[0]: 0.0 for node in weighted(graph)}
    softmax = {n.inputs[0] for n in graph.nodes() if n.op == "softmax"}

    def see(value: str, x: np.ndarray) -> None:
        if graph.type(value).dtype != DType.F32 or graph.is_constant(value):
            return
        if np.isnan(x).any():
            raise _not_a_number(graph, value, samples)
        result.histograms.setdefault(value, Histogram()).add(x)
        if value in softmax:
            floor = float(x.max(axis=-1).min()) - _SOFTMAX_REACH
            result.floors[value] = min(result.floors.get(value, math.inf), floor)

    def see_result(value: str, x: np.ndarray) -> None:
        if value in sums:
            sums[value] = sums[value] + x
        node = graph.producer(value)
        if node is not None and not op_of(node).is_view:
            see(value, x)

    for k in range(len(samples)):
        inputs = samples.sample(k)
        for name, x in inputs.items():
            see(name, x)
            if name in sums:
                sums[name] = sums[name] + x
        evaluate(graph, inputs, see_result)
        if tick is not None:
            tick(k + 1, len(samples))
    result.means = {v: np.float32(1 / len(samples)) * np.asarray(x) for v, x in sums.items()}
    return result


def _percentile(h: Histogram) -> Range:
    x, n = h.points()
    below = np.cumsum(n) / n.sum()
    tail = 1 - _PERCENTILE / 100
    lo = x[int(np.searchsorted(below, tail))]
    hi = x[min(int(np.searchsorted(below, 1 - tail)), len(x) - 1)]
    return Range.of(lo, hi)


def _smallest_error(h: Histogram, lo: float, hi: float) -> Range:
    """The range whose int8 format has the smallest mean squared error over the histogram."""
    x, n = h.points()
    best, least = Range.of(lo, hi), math.inf

    def attempt(low: float, high: float) -> None:
        nonlocal best, least
        q = asymmetric(Range.of(low, high))
        held = (np.clip(np.rint(x / q.s) + q.z, -128, 127) - q.z) * q.s
        error = float(((held - x) ** 2 * n).sum())
        if error < least:
            best, least = Range.of(low, high), error

    attempt(lo, hi)
    for f in np.arange(0.96, 0.2, -0.04):
        attempt(lo * f, hi * f)
    for f in (0.9, 0.8, 0.7, 0.6, 0.5):
        attempt(best.lo * f, best.hi)
    for f in (0.9, 0.8, 0.7, 0.6, 0.5):
        attempt(best.lo, best.hi * f)
    return best


def _not_a_number(graph: Graph, value: str, samples: Samples) -> Diagnostic:
    node = graph.producer(value)
    where = f"{node.path or node.name} ({node.op})" if node else value
    return Diagnostic(
        "E104",
        "bad data: the model's values are not numbers (NaN)",
        where=where,
        facts=[("have", f"samples from {samples.source}")],
        remedies=["check the preprocessing of the data", "check the float model on one of the samples"],
    )
