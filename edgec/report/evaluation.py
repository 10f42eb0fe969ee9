"""What a classifier's answers are worth: the figures of `edgec eval`, schema edgec.eval/1.

Shares are between 0 and 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NotRequired, TypedDict

import numpy as np

SCHEMA = "edgec.eval/1"
TOP = 5
"""The classes among which the right one is, for the second figure."""
_Z = 1.959964
"""Standard deviations on each side of a normal distribution's middle 95 %."""


@dataclass(frozen=True)
class Answers:
    """What a model said of n samples: `said` [n] the class, `rank` [n] how many classes stand before the
    right one, `tied` [n] whether another class has as much."""

    said: np.ndarray
    rank: np.ndarray
    tied: np.ndarray

    @staticmethod
    def of(scores: np.ndarray, labels: np.ndarray) -> Answers:
        """Answers from outputs [n, classes]. Of equal outputs the first stands before the others, as in a
        loop that looks for the largest."""
        right = scores[np.arange(len(labels)), labels][:, None]
        earlier = np.arange(scores.shape[1]) < labels[:, None]
        rank = ((scores > right) | ((scores == right) & earlier)).sum(1)
        tied = (scores == scores.max(1, keepdims=True)).sum(1) > 1
        return Answers(scores.argmax(1), rank, tied)

    @staticmethod
    def joined(parts: Sequence[Answers]) -> Answers:
        """All answers, one part after the other."""
        names = ("said", "rank", "tied")
        return Answers(*(np.concatenate([getattr(p, n) for p in parts]) for n in names))

    def top(self, count: int) -> float:
        """The share of samples whose right class is among the first `count`."""
        return float((self.rank < count).mean())


class Class(TypedDict):
    """A class: its samples, and of how many it was said. recall: right / samples, absent without samples."""

    name: str
    samples: int
    right: int
    recall: NotRequired[float]


class Confusion(TypedDict):
    """Samples of class `label` of which the build said `said`; share: of that class' samples."""

    label: str
    said: str
    count: int
    share: float


class Float(TypedDict):
    """The float model on the same samples. agreement: the same top-1 as the build's. lost: samples that only
    the float model has right; won: those that only the build has right."""

    model: str
    top1: float
    top5: NotRequired[float]
    agreement: float
    lost: int
    won: int


class Sensitivity(TypedDict):
    """A layer whose weights alone are int8. weights: how many. snr_db: of the output. share: of the noise
    that all layers make so, one by one."""

    name: str
    op: str
    weights: int
    snr_db: float
    share: float


class Evaluation(TypedDict):
    """A build's answers to labelled samples.

    samples: how many ran, of `of` there are. seed: by which they were drawn, where not all were asked for.
    planned: how many were to run, where an interrupt came before. top1, top5: shares; top5 where there are
    more than five classes. interval: Wilson's 95 % confidence interval of top1. ties: samples with two
    largest outputs, of which the first counts. confusions: all there are, the most frequent first.
    float_absent: why there is no `float`. sensitivity: where asked for, the most sensitive layer first.
    """

    schema: str
    model: str
    target: str
    on: str
    data: str
    output: str
    samples: int
    of: int
    seed: NotRequired[int]
    planned: NotRequired[int]
    right: int
    top1: float
    interval: tuple[float, float]
    top5: NotRequired[float]
    ties: int
    float: NotRequired[Float]
    float_absent: NotRequired[str]
    sensitivity: NotRequired[list[Sensitivity]]
    classes: list[Class]
    confusions: list[Confusion]


@dataclass(frozen=True)
class About:
    """What was evaluated: the build, where it ran, the data and how many samples they have, which output."""

    model: str
    target: str
    on: str
    data: str
    output: str
    of: int


def evaluated(about: About, labels: np.ndarray, answers: Answers, names: Sequence[str]) -> Evaluation:
    """The figures of answers to samples with these labels; names: of all classes."""
    right, samples = int((answers.rank == 0).sum()), len(labels)
    result = Evaluation(
        schema=SCHEMA,
        model=about.model,
        target=about.target,
        on=about.on,
        data=about.data,
        output=about.output,
        samples=samples,
        of=about.of,
        right=right,
        top1=answers.top(1),
        interval=interval(right, samples),
        ties=int(answers.tied.sum()),
        classes=by_class(labels, answers, names),
        confusions=confusions(labels, answers, names),
    )
    if len(names) > TOP:
        result["top5"] = answers.top(TOP)
    return result


def interval(right: int, samples: int) -> tuple[float, float]:
    """Wilson's 95 % confidence interval of a share (Wilson 1927, JASA 22)."""
    share, z2 = right / samples, _Z**2 / samples
    middle = (share + z2 / 2) / (1 + z2)
    half = _Z * math.sqrt(share * (1 - share) / samples + z2 / (4 * samples)) / (1 + z2)
    return max(0.0, middle - half), min(1.0, middle + half)


def by_class(labels: np.ndarray, answers: Answers, names: Sequence[str]) -> list[Class]:
    """Every class, those without samples too."""
    counts = np.bincount(labels, minlength=len(names))
    rights = np.bincount(labels[answers.rank == 0], minlength=len(names))
    found = []
    for name, n, right in zip(names, counts.tolist(), rights.tolist(), strict=True):
        found.append(Class(name=name, samples=n, right=right))
        if n:
            found[-1]["recall"] = right / n
    return found


def confusions(labels: np.ndarray, answers: Answers, names: Sequence[str]) -> list[Confusion]:
    """Which classes were taken for which others, the most frequent first."""
    counts = np.bincount(labels, minlength=len(names))
    wrong = labels != answers.said
    pairs, times = np.unique(np.stack([labels[wrong], answers.said[wrong]]), axis=1, return_counts=True)
    found = sorted((-int(n), int(a), int(b)) for a, b, n in zip(*pairs, times, strict=True))
    return [
        Confusion(label=names[a], said=names[b], count=-n, share=-n / int(counts[a])) for n, a, b in found
    ]


def against_float(model: str, answers: Answers, real: Answers, classes: int) -> Float:
    """The build's answers beside the float model's."""
    right, float_right = answers.rank == 0, real.rank == 0
    result = Float(
        model=model,
        top1=real.top(1),
        agreement=float((answers.said == real.said).mean()),
        lost=int((float_right & ~right).sum()),
        won=int((right & ~float_right).sum()),
    )
    if classes > TOP:
        result["top5"] = real.top(TOP)
    return result
