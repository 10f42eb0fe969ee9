"""Choosing number formats by measurement: calibrate, quantize in several ways, keep the best.

The ways differ in how ranges are taken (min-max, percentile, mean squared error), in
whether biases make up for rounded weights, in whether channels are equalized, and in
whether residual streams that a normalization reads are int16. Each is run against the
float model on samples; the one whose outputs, and what differs between them, have least
noise wins. int16 doubles the memory of a stream, so it is taken only where int8 will not do, and
the int8 form stays at hand for a build that does not fit otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from edgec.ir import Graph
from edgec.ops.base import call_of, op_of
from edgec.ops.forms import ATTRIBUTE
from edgec.options import Progress
from edgec.quant.correct import corrected
from edgec.quant.data import Samples
from edgec.quant.doubts import ENOUGH
from edgec.quant.equalize import equalized
from edgec.quant.formats import Range
from edgec.quant.forms import project_graph
from edgec.quant.observe import METHODS, observe
from edgec.quant.ptq import quantize_graph
from edgec.quant.snr import Fidelity, compare, float_outputs, integer_inputs
from edgec.quant.streams import residual_streams

_OBSERVE_MACS = 20_000_000_000
_TRY_MACS = 2_600_000_000
_FINE = 40.0
"""Decibels at the outputs above which biases stay as they are: there is nothing to gain."""
_FAIR = 30.0
"""Decibels below which channels are equalized, which takes as long as calibration."""
_WAYS = 2 * len(METHODS) + 2
_GOOD = 20.0
"""Decibels at the outputs above which int8 residual streams stay."""
_DECIDES = 0.1
"""Part of the outputs' power that must differ between samples for the contrast to count."""
_GAIN = 1.0
"""Decibels that int16 must bring."""


@dataclass
class Quantized:
    """An integer graph, how well it agrees with float, and how it was chosen.

    samples: integer inputs. method: one sentence for the report. decibels: what the choice went by.
    real, ranges, wide: what `quantize_graph` made it of. again: the same choice for other
    samples. narrow: where residual streams are int16, makes the form that has them in int8.
    """

    graph: Graph
    fidelity: Fidelity
    samples: list[dict[str, np.ndarray]]
    method: str
    decibels: float
    real: Graph
    ranges: Mapping[str, Range]
    again: Callable[[Samples], Graph]
    wide: Collection[str] = ()
    narrow: Callable[[], Quantized] | None = None


@dataclass(frozen=True)
class _Way:
    """A form of the model to quantize. real: computes what the model does; graph: the same with the biases
    that are to be quantized; ranges: for its values."""

    name: str
    real: Graph
    graph: Graph
    ranges: Mapping[str, Range]


@dataclass(frozen=True)
class _Result:
    """What came of a way."""

    way: _Way
    decibels: float
    held: Graph


def quantize_model(
    graph: Graph,
    samples: Samples,
    progress: Progress,
    forms: Mapping[str, str] = MappingProxyType({}),
    model: Graph | None = None,
) -> Quantized:
    """The best integer form of a float graph. `samples` in the axis order of the graph's inputs.

    forms: those of weights, by node name, where they are not int8 (edgec/ops/forms.py). model: whose outputs
    are wanted, where the graph's own are another's already. Raises Diagnostic
    E104 where the model's values on the samples are not numbers.
    """
    macs = max(sum(op_of(n).macs(call_of(graph, n)) for n in graph.nodes()), 1)
    progress.stage("calibrate")
    used = samples.head(_count(macs, _OBSERVE_MACS, 4, 128))
    observation = observe(graph, used, progress.step)
    progress.stage("quantize")
    tried = used.head(_count(macs, _TRY_MACS, 1, 16))
    want = float_outputs(model or graph, tried)
    learned = any(ATTRIBUTE in n.attrs for n in graph)  # their weights are what they have to be
    streams = residual_streams(graph)

    def attempt(way: _Way, wide: frozenset[str] = frozenset()) -> _Result:
        held = quantize_graph(way.graph, way.ranges, wide)
        project_graph(held, forms)
        result = compare(graph, held, tried, layers=False, want=want)
        return _Result(way, min(result.snr, result.contrast if result.share > _DECIDES else result.snr), held)

    results: list[_Result] = []

    def try_all(ways: Iterable[_Way]) -> _Result:
        for way in ways:
            results.append(attempt(way))
            progress.step(len(results), _WAYS)
        return max(results, key=lambda r: r.decibels)

    def corrections(found: Iterable[_Result], means: Mapping[str, np.ndarray]) -> list[_Way]:
        return [
            replace(
                r.way, name=f"{r.way.name} + corrected biases", graph=corrected(r.way.real, r.held, means)
            )
            for r in found
        ]

    best = try_all(_Way(method, graph, graph, observation.ranges(method)) for method in METHODS)
    known = not samples.random and len(used) >= ENOUGH
    if known and best.decibels < _FINE:
        best = try_all(corrections(list(results), observation.means))
    if known and not learned and best.decibels < _FAIR and (even := equalized(graph, used)) is not None:
        method = best.way.name.partition(" + ")[0]
        observed = observe(even, used)
        best = try_all([_Way(f"{method} + equalized", even, even, observed.ranges(method))])
        best = try_all(corrections(results[-1:], observed.means))
    decibels, held = best.decibels, best.held
    ranked = f"{best.way.name} ({', '.join(f'{r.way.name} {r.decibels:.1f} dB' for r in results)})"

    def measured(form: Graph, decibels: float, method: str, wide: frozenset[str] = frozenset()) -> Quantized:
        fidelity = compare(best.way.real, form, tried, want=want)
        integers = [integer_inputs(form, tried.sample(k)) for k in range(len(tried))]

        def again(other: Samples) -> Graph:
            ranges = observe(best.way.real, other).ranges(best.way.name.partition(" + ")[0])
            made = quantize_graph(best.way.graph, ranges, wide)
            project_graph(made, forms)
            return made

        way = best.way
        return Quantized(form, fidelity, integers, method, decibels, way.graph, way.ranges, again, wide)

    if not streams or decibels >= _GOOD:
        return measured(held, decibels, ranked)
    wide = attempt(best.way, streams)
    more = wide.decibels
    if more < decibels + _GAIN:
        return measured(held, decibels, ranked)
    chosen = measured(wide.held, more, f"{ranked}; residual streams in int16 ({more:.1f} dB)", streams)
    in_int8 = f"{ranked}; residual streams in int8 instead of int16 ({more:.1f} dB)"
    chosen.narrow = lambda: measured(held.copy(), decibels, in_int8)
    return chosen


def _count(macs: int, budget: int, least: int, most: int) -> int:
    return max(least, min(most, budget // macs))
