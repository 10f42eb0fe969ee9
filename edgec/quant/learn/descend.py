"""Entries chosen one input at a time, so that each makes up for what those before it round wrong.

A layer is to give W x, but reads x', what the layers in front of it make of x by now. Of the weights that its
form holds, those that leave little of E|W x - W' x'|^2 are found by coordinate descent (QuantEase, Behdin et
al. 2023): the columns of W' take turns, each as the rest of them want it, scales being fitted in between.
That x' is not x is made up for by the target (GPTAQ, Li et al., ICML 2025). No step depends on
chance: it is where learning starts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from edgec.ir import Graph, Node
from edgec.quant.moments import Moments, columns

_SWEEPS = 6
"""Turns of all columns."""
_RIDGE = 0.01
"""Of the inputs' mean variance: what is added to that of each where the target is solved for."""
_DAMPED = 0.001
"""The same, for the descent."""


@dataclass(frozen=True)
class Inputs:
    """What a layer reads: x' for x. now: moments of x'. before: mean of x. moved: E[(x - x') x'^T]."""

    now: Moments
    before: np.ndarray
    moved: np.ndarray

    @staticmethod
    def of(
        graph: Graph, node: Node, samples: Iterable[tuple[np.ndarray, np.ndarray]], is_centred: bool
    ) -> Inputs:
        """Of pairs of samples, in float and as they are now. is_centred: whether a bias takes the means."""
        total, count = tuple(np.zeros(1) for _ in range(4)), 0
        for x, y in samples:
            a, b = columns(graph, node, x), columns(graph, node, y)
            sums = a.sum(0, dtype=np.float64), b.sum(0, dtype=np.float64), b.T @ b, (a - b).T @ b
            total, count = tuple(p + q for p, q in zip(total, sums, strict=True)), count + len(b)
        before, now, products, moved = (x / max(count, 1) for x in total)
        if is_centred:
            products, moved = products - np.outer(now, now), moved - np.outer(before - now, now)
        return Inputs(Moments(now, products, count), before, moved)

    def target(self, weights: np.ndarray) -> np.ndarray:
        """Weights [O, K] that give of x' what these give of x, as nearly as any."""
        # W' H = W (H + E[(x - x') x'^T]), with a ridge that keeps W' near to W
        found: np.ndarray = np.linalg.solve(_ridged(self.now.shrunk(), _RIDGE), self.moved.T @ weights.T).T
        return weights + found


@dataclass
class Descent:
    """Weights [O, K] as units [O] times entries. books: the entries there are, [O or 1, E], ascending."""

    target: np.ndarray
    products: np.ndarray
    units: np.ndarray
    books: np.ndarray

    def run(self, integers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """From these integers [O, K]: what each would best be now, and of that the nearest entries."""
        h = _ridged(self.products, _DAMPED)
        q, best = integers.astype(np.float64), integers.astype(np.float64)
        for sweep in range(_SWEEPS):
            if sweep:
                self._fit(q, h)
            pull: np.ndarray = (q * self.units[:, None] - self.target) @ h
            for k in range(len(h)):
                row: np.ndarray = h[k]
                best[:, k] = q[:, k] - pull[:, k] / (row[k] * self.units)
                entry = self._nearest(best[:, k])
                pull += ((entry - q[:, k]) * self.units)[:, None] * row
                q[:, k] = entry
        return best, q

    def _nearest(self, values: np.ndarray) -> np.ndarray:
        places = np.abs(self.books - values[:, None]).argmin(axis=1)
        books = np.broadcast_to(self.books, (len(values), self.books.shape[1]))
        found: np.ndarray = np.take_along_axis(books, places[:, None], axis=1)[:, 0]
        return found

    def _fit(self, q: np.ndarray, h: np.ndarray) -> None:
        seen = q @ h
        power, along = (seen * q).sum(axis=1), (seen * self.target).sum(axis=1)
        good = (along > 0) & (power > 0)
        self.units = np.where(good, along / np.where(good, power, 1.0), self.units)


def _ridged(products: np.ndarray, share: float) -> np.ndarray:
    size, least = len(products), float(np.finfo(np.float32).tiny)
    ridge = max(share * float(np.trace(products)) / size, least)
    return products + ridge * np.eye(size)
