"""What fine-tuning makes small: the distance to the float model's outputs, and to labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from edgec.ir import Graph
from edgec.quant.learn.torch_graph import fronts

if TYPE_CHECKING:
    from edgec.quant.learn.tune import Settings

_LEAST = 1e-4
"""Of a probability that an integer softmax may give as zero."""


class Loss:
    """Of what a graph is learned by (`fronts`), [samples, *shape], against the same of the float graph.

    Scores of classes (one row of values) are compared as distributions, softened by the temperature; all
    other values by mean squares, as a share of their power. usual: float values of some samples, for that
    power. scores: the place of the first output that is scores of classes; None without one.
    """

    def __init__(self, graph: Graph, usual: Sequence[Tensor], settings: Settings) -> None:
        self.settings = settings
        ends = fronts(graph)
        makers = [graph.producer(v) for v in ends]
        self.shares = [m is not None and m.op == "softmax" for m in makers]
        shapes = [graph.type(v).shape for v in ends]
        self.rows = [settings.loss == "classes" and _is_row(s) for s in shapes]
        self.scores = self.rows.index(True) if True in self.rows else None
        self.power = [x.var(correction=0).clamp_min(1e-12) for x in usual]

    def __call__(self, got: Sequence[Tensor], want: Sequence[Tensor], labels: np.ndarray | None) -> Tensor:
        """A number. labels: [samples], or None."""
        t = self.settings.temperature
        parts = []
        for k, (y, x) in enumerate(zip(got, want, strict=True)):
            if self.rows[k]:
                a, b = (F.log_softmax(self._logits(k, v) / t, 1) for v in (y, x))
                parts.append(t * t * F.kl_div(a, b, reduction="batchmean", log_target=True))
            else:
                parts.append(((y - x) ** 2).mean() / self.power[k])
        distance = torch.stack(parts).mean()
        if labels is None or self.scores is None or not self.settings.labels:
            return distance
        answers = self._logits(self.scores, got[self.scores])
        wrong = F.cross_entropy(answers, torch.from_numpy(labels))
        return (1 - self.settings.labels) * distance + self.settings.labels * wrong

    def _logits(self, k: int, x: Tensor) -> Tensor:
        """Scores [samples, classes]; of shares of one, their logarithms."""
        rows = x.flatten(1)
        return rows.clamp_min(_LEAST).log() if self.shares[k] else rows


def classes_of(graph: Graph) -> int:
    """How many classes the first output that may be scores has, 0 without one."""
    shapes = [graph.type(v).shape for v in fronts(graph)]
    return next((s[1] for s in shapes if _is_row(s)), 0)


def is_stated(graph: Graph) -> bool:
    """Whether a graph itself says that it scores classes: by a softmax, or an argmax."""
    ends = fronts(graph)
    makers = [graph.producer(v) for v in ends]
    return ends != graph.outputs or any(m is not None and m.op == "softmax" for m in makers)


def _is_row(shape: tuple[int, ...]) -> bool:
    return len(shape) == 2 and shape[0] == 1 and shape[1] > 1
