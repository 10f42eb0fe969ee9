"""Mixed precision: which form the weights of every layer have, for a number of bytes in all.

What a form does to the outputs is measured, a layer at a time, with the nearest weights that the form holds;
noise of several layers adds up. An integer program then picks a form for every layer, with the least noise
that so many bytes allow, and prefers weights that kernels need not take apart (Hubara et al., "Accurate Post
Training Quantization With Small Calibration Sets", ICML 2021, section 3.3, states it so).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edgec.ir import Graph
from edgec.ops.forms import INT8, Form

FORMS = (INT8, "int4", "codebook4/64", "codebook3/64", "codebook2/64")
"""What a layer may have, the most exact first."""
_POINTS = 9
"""Budgets between the most and the fewest bytes that the frontier has."""
_UNIT = 1_000_000
"""The integer program counts noise in this part of the most there is."""
_APART = 0.002
"""Of the noise of a layer's int8 weights: what it may cost to have weights that need not be taken apart."""


@dataclass(frozen=True)
class Choice:
    """A form for every layer. bytes: of all weights. noise: at the outputs, as a share of their power."""

    forms: Mapping[str, str]
    bytes: int
    noise: float

    def words(self) -> str:
        """Such as "int8 x2, codebook3 x13"."""
        counts = {f: list(self.forms.values()).count(f) for f in FORMS}
        return ", ".join(f"{f} x{n}" for f, n in counts.items() if n)


@dataclass(frozen=True)
class Mixed:
    """What there is to choose from: of every layer and form, bytes and noise."""

    bytes: Mapping[tuple[str, str], int]
    noise: Mapping[tuple[str, str], float]

    @property
    def layers(self) -> list[str]:
        return list(dict.fromkeys(name for name, _ in self.bytes))

    @property
    def least(self) -> int:
        """The fewest bytes."""
        return sum(min(b for (n, _), b in self.bytes.items() if n == name) for name in self.layers)

    @property
    def most(self) -> int:
        """The bytes of int8."""
        return sum(b for (_, form), b in self.bytes.items() if form == INT8)

    def best(self, limit: int) -> Choice | None:
        """The forms with the least noise whose bytes are no more than a limit; None where there are none."""
        from ortools.sat.python import cp_model

        if limit < self.least:
            return None
        model = cp_model.CpModel()
        keys = list(self.bytes)
        taken = {k: model.new_bool_var(f"{k[0]} {k[1]}") for k in keys}
        for name in self.layers:
            model.add_exactly_one(taken[k] for k in keys if k[0] == name)
        model.add(sum(self.bytes[k] * taken[k] for k in keys) <= limit)
        worst = max(self.noise.values()) or 1.0
        costs = {k: round(self._cost(k) / worst * _UNIT * 1000) for k in keys}
        model.minimize(sum(costs[k] * taken[k] for k in keys))
        solver = cp_model.CpSolver()
        solver.parameters.num_workers = 1
        solver.parameters.random_seed = 0
        solver.parameters.max_deterministic_time = 5.0
        if solver.solve(model) not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            return None
        return self._choice({n: f for (n, f), x in taken.items() if solver.boolean_value(x)})

    def frontier(self, among: Sequence[int] = ()) -> list[Choice]:
        """Choices none of which beats another in both bytes and noise, the most bytes first.

        among: further limits to solve for.
        """
        ratio = (self.least / max(self.most, 1)) ** (1 / (_POINTS - 1))
        limits = {math.ceil(self.most * ratio**k) for k in range(_POINTS)} | set(among)
        found = [c for limit in sorted(limits, reverse=True) if (c := self.best(limit)) is not None]
        kept: list[Choice] = []
        for c in found:
            if not kept or c.bytes < kept[-1].bytes:
                kept.append(c)
        return kept

    def _cost(self, key: tuple[str, str]) -> float:
        coded = Form.parse(key[1]) is not None and key[1] != "int4"
        return self.noise[key] + (_APART * self.noise[key[0], INT8] if coded else 0.0)

    def _choice(self, forms: Mapping[str, str]) -> Choice:
        picked = [(n, f) for n, f in forms.items()]
        return Choice(forms, sum(self.bytes[k] for k in picked), sum(self.noise[k] for k in picked))


def size_of(weights: np.ndarray, form: str) -> int:
    """Bytes of a layer's weights in a form; the most there may be in Huffman's codes."""
    if (known := Form.parse(form)) is None:
        return weights.size
    books = -(-len(weights) // (known.share or len(weights))) if known.book else 0
    return -(-weights.size * known.bits // 8) + books * (1 << known.bits)


def measure(
    graph: Graph,
    layers: Sequence[str],
    outputs: Callable[[Mapping[str, np.ndarray]], list[np.ndarray]],
    held: Callable[[str, str], np.ndarray],
    tick: Callable[[int, int], None],
) -> Mixed:
    """Bytes and noise of every form of some layers.

    outputs: those of the float graph with other constants, by name. held: a layer's float weights as a form
    holds them. tick: called with (measurements done, measurements).
    """
    want = outputs({})
    power = [max(float(np.square(y).mean()), 1e-30) for y in want]
    sizes, noise = dict[tuple[str, str], int](), dict[tuple[str, str], float]()
    for k, name in enumerate(layers):
        value = graph.node(name).inputs[1]
        weights = graph.data(value)
        assert weights is not None
        for j, form in enumerate(FORMS):
            got = outputs({value: held(name, form)})
            shares = [float(np.square(y - x).mean()) / p for x, y, p in zip(want, got, power, strict=True)]
            sizes[name, form], noise[name, form] = size_of(weights, form), max(shares)
            tick(k * len(FORMS) + j + 1, len(layers) * len(FORMS))
    return Mixed(sizes, noise)
