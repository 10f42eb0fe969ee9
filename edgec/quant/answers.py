"""What counts in a model's output when two versions of the model are compared: answers, or values.

A row of classes answers with the place of its largest value, and an output of places, such as an argmax has,
with each of its elements. Other outputs are values, of which the variance counts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edgec.ir import DType, Graph
from edgec.quant.formats import to_reals


@dataclass(frozen=True)
class Drop:
    """What a version loses against the float one.

    points: of top-1, on the samples; without labels, the percentage of other answers; of values, that of the
    float outputs' variance. real, here: top-1 in float, and of the version; without labels None, and
    what is kept.
    """

    samples: int
    real: float | None
    here: float
    points: float
    of_values: bool = False

    @property
    def margin(self) -> float:
        """Points by which answers may be off, 19 times of 20: two answers in one sample's place differ."""
        return 196 * math.sqrt(max(abs(self.points), 1.0) / 100 / self.samples)

    @property
    def kept(self) -> str:
        """What is kept, in words, where there are no labels."""
        what = (
            "of the float outputs' variance is kept"
            if self.of_values
            else "of the answers are those of float"
        )
        return f"{self.here:.2f} % {what}"


def answers_of(graph: Graph, outputs: np.ndarray) -> np.ndarray | None:
    """The answers [samples, answers of each] in a graph's only output [samples, ...]; None for values."""
    type, rows = graph.type(graph.outputs[0]), outputs.reshape(len(outputs), -1)
    if type.quant is None and type.dtype != DType.F32:
        return rows
    is_row = type.size > 1 and type.shape[-1:] == (type.size,)
    return rows.argmax(axis=1)[:, None] if is_row else None


def compared(
    graph: Graph, real: np.ndarray, held: Graph, here: np.ndarray, labels: np.ndarray | None = None
) -> Drop:
    """What the integers `here` of an integer graph lose against what the float graph gives, [samples, ...].

    labels: [samples], for models of one answer.
    """
    want, got = answers_of(graph, real), answers_of(held, here)
    if want is None or got is None:
        found = to_reals(here, held.type(held.outputs[0])).reshape(real.shape)
        lost = 100 * min(float(np.square(found - real).mean() / max(real.var(), 1e-12)), 1.0)
        return Drop(len(real), None, 100 - lost, lost, of_values=True)
    if labels is None:
        same = 100 * float((want == got).mean())
        return Drop(len(real), None, same, 100 - same)
    first, second = (100 * float((x[:, 0] == labels).mean()) for x in (want, got))
    return Drop(len(real), first, second, first - second)
