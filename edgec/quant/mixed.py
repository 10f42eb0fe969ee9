"""Mixed precision: which form the weights of every layer have, for a number of bytes in all.

What a form does to the outputs is measured, a layer at a time, with the nearest weights that the form holds;
noise of several layers adds up. An integer program then picks a form for every layer, with the least noise
that so many bytes allow (Hubara et al., "Accurate Post Training Quantization With Small Calibration Sets",
ICML 2021, section 3.3, states it so), and of those that are hardly worse the one that takes the fewest
cycles.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from edgec.ir import Graph
from edgec.ops.forms import INT8, Form

Key = tuple[str, str]
"""A layer and a form."""
FORMS = (INT8, "int4", "codebook4/64", "codebook3/64", "codebook2/64")
"""What a layer may have, the most exact first."""
_POINTS = 9
"""Budgets between the most and the fewest bytes that the frontier has."""
_UNIT = 1_000_000_000
"""The integer program counts noise in this part of the most there is."""
_HARDLY = 0.02
"""The part of the least noise that may be added for fewer cycles."""


@dataclass(frozen=True)
class Choice:
    """A form for every layer. bytes: of all weights. noise: at the outputs, as a share of their power.
    cycles: beyond those with int8."""

    forms: Mapping[str, str]
    bytes: int
    noise: float
    cycles: int

    def words(self) -> str:
        """Such as "int8 x2, codebook3 x13"."""
        counts = {f: list(self.forms.values()).count(f) for f in FORMS}
        return ", ".join(f"{f} x{n}" for f, n in counts.items() if n)


@dataclass(frozen=True)
class Mixed:
    """What there is to choose from: of every layer and form, bytes, noise, and cycles beyond int8's.

    None of these where not said.
    """

    bytes: Mapping[Key, int]
    noise: Mapping[Key, float]
    cycles: Mapping[Key, int] = field(default_factory=dict)

    @property
    def layers(self) -> list[str]:
        return list(dict.fromkeys(name for name, _ in self.bytes))

    @property
    def least(self) -> int:
        """The fewest bytes."""
        return sum(min(b for (n, _), b in self.bytes.items() if n == name) for name in self.layers)

    @property
    def most(self) -> int:
        """The most bytes: those of int8."""
        return sum(max(b for (n, _), b in self.bytes.items() if n == name) for name in self.layers)

    def among(self, forms: Sequence[str]) -> Mixed:
        """The same with some forms only."""
        kept = [k for k in self.bytes if k[1] in forms]
        return replace(self, bytes={k: self.bytes[k] for k in kept}, noise={k: self.noise[k] for k in kept})

    def best(self, limit: int) -> Choice | None:
        """The forms with the least noise, or hardly more, whose bytes are no more than a limit.

        None where there are none.
        """
        from ortools.sat.python import cp_model

        if limit < self.least:
            return None
        if not self.bytes:
            return self._choice({})
        model = cp_model.CpModel()
        keys = list(self.bytes)
        taken = {k: model.new_bool_var(f"{k[0]} {k[1]}") for k in keys}
        for name in self.layers:
            model.add_exactly_one(taken[k] for k in keys if k[0] == name)
        model.add(sum(self.bytes[k] * taken[k] for k in keys) <= limit)
        worst = max(self.noise.values()) or 1.0
        noise = sum(round(self.noise[k] / worst * _UNIT) * taken[k] for k in keys)
        cycles = sum(self.cycles.get(k, 0) * taken[k] for k in keys)
        solver = cp_model.CpSolver()
        solver.parameters.num_workers = 1
        solver.parameters.random_seed = 0
        solver.parameters.max_deterministic_time = 5.0
        found: dict[str, str] | None = None
        for goal in (noise, cycles):
            model.minimize(goal)
            if solver.solve(model) not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
                break
            found = {n: f for (n, f), x in taken.items() if solver.boolean_value(x)}
            if not self.cycles:
                break
            model.add(noise <= math.ceil(solver.objective_value * (1 + _HARDLY)))
        return self._choice(found) if found is not None else None

    def frontier(self, built: Choice | None = None) -> list[Choice]:
        """The best choices between the most and the fewest bytes, the most first; `built` is one of them."""
        ratio = (self.least / max(self.most, 1)) ** (1 / (_POINTS - 1))
        limits = {math.ceil(self.most * ratio**k) for k in range(_POINTS)}
        found = {c.bytes: c for limit in limits if (c := self.best(limit)) is not None}
        if built is not None:
            found[built.bytes] = built
        return [found[size] for size in sorted(found, reverse=True)]

    def _choice(self, forms: Mapping[str, str]) -> Choice:
        picked = [(n, f) for n, f in forms.items()]
        sizes, noise = sum(self.bytes[k] for k in picked), sum(self.noise[k] for k in picked)
        return Choice(forms, sizes, noise, sum(self.cycles.get(k, 0) for k in picked))


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
    cycles: Callable[[str, str], int],
    tick: Callable[[int, int], None],
) -> Mixed:
    """Bytes, noise and cycles of every form of some layers.

    outputs: those of the float graph with other constants, by name. held: a layer's float weights as a form
    holds them. cycles: what a layer takes beyond those with int8. tick: called with (measurements done,
    measurements).
    """
    want = outputs({})
    power = [max(float(np.square(y).mean()), 1e-30) for y in want]
    sizes, noise, more = dict[Key, int](), dict[Key, float](), dict[Key, int]()
    for k, name in enumerate(layers):
        value = graph.node(name).inputs[1]
        weights = graph.data(value)
        assert weights is not None
        for j, form in enumerate(FORMS):
            got = outputs({value: held(name, form)})
            shares = [float(np.square(y - x).mean()) / p for x, y, p in zip(want, got, power, strict=True)]
            sizes[name, form], noise[name, form] = size_of(weights, form), max(shares)
            more[name, form] = cycles(name, form)
            tick(k * len(FORMS) + j + 1, len(layers) * len(FORMS))
    return Mixed(sizes, noise, more)
