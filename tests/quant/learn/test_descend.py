"""Entries chosen one input at a time: none is better changed alone; layers in front are made up for."""

import numpy as np
import pytest
import torch

from edgec.ir import Graph, TensorType
from edgec.ops.base import add_op
from edgec.ops.forms import Form
from edgec.quant.learn.coded import Coded
from edgec.quant.learn.descend import Descent, Inputs

OUTPUTS, WIDTH = 12, 20
SWEEPS_TO_REST = 60


def mixed(rng: np.random.Generator, count: int = 400) -> np.ndarray:
    """Inputs that go with each other, [count, WIDTH]."""
    return rng.normal(size=(count, 4)) @ rng.normal(size=(4, WIDTH)) + 0.3 * rng.normal(size=(count, WIDTH))


def error(w: np.ndarray, target: np.ndarray, h: np.ndarray) -> float:
    return float(np.einsum("ok,kl,ol->", w - target, h, w - target))


@pytest.mark.parametrize("form", ["int4", "codebook2", "codebook3/16", "codebook4", None])
def test_outputs_are_nearer_than_with_the_nearest_weights(form: str | None) -> None:
    rng = np.random.default_rng(1)
    x, w = mixed(rng), rng.normal(size=(OUTPUTS, WIDTH)).astype(np.float32)
    h = x.T @ x / len(x)
    made = Coded(w, np.abs(w).max(axis=1) / 127, Form.parse(form) if form else None)
    with torch.no_grad():
        nearest = made().numpy()
        made.descend(w.astype(np.float64), h)
        found = made().numpy()
    assert error(found, w, h) < 0.5 * error(nearest, w, h)
    books = np.broadcast_to(made.books(), (OUTPUTS, made.books().shape[1]))
    entries = np.rint(found / made.scale.detach().numpy()[:, None])
    assert all(np.isin(row, book).all() for row, book in zip(entries, books, strict=True))


def test_no_entry_is_better_changed_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgec.quant.learn.descend._SWEEPS", SWEEPS_TO_REST)
    monkeypatch.setattr("edgec.quant.learn.descend._DAMPED", 0.0)
    rng = np.random.default_rng(2)
    x, w = mixed(rng), rng.normal(size=(OUTPUTS, WIDTH))
    h, book = x.T @ x / len(x), np.array([-3.0, -1.0, 0.0, 2.0])
    descent = Descent(w, h, np.full(OUTPUTS, 0.5), book[None])
    _, q = descent.run(np.zeros((OUTPUTS, WIDTH)))
    units = descent.units[:, None]
    least = error(q * units, w, h)
    for place in np.ndindex(q.shape):
        for entry in book:
            changed = q.copy()
            changed[place] = entry
            assert error(changed * units, w, h) >= least * (1 - 1e-9)


def test_what_came_before_is_made_up_for() -> None:
    """x' is x through a matrix: the target is what undoes it, and the means are told apart."""
    rng = np.random.default_rng(3)
    graph = Graph()
    graph.add_input("x", TensorType((1, WIDTH)))
    w = rng.normal(size=(OUTPUTS, WIDTH)).astype(np.float32)
    (y,) = add_op(graph, "linear", ["x", graph.add_constant("w", w)], name="y")
    graph.outputs = [y]
    (node,) = graph.nodes()
    x = rng.normal(size=(4000, WIDTH))
    away = np.eye(WIDTH) + 0.2 * rng.normal(size=(WIDTH, WIDTH)) / np.sqrt(WIDTH)
    moved = x @ away.T + 0.5
    pairs = [(a[None].astype(np.float32), b[None].astype(np.float32)) for a, b in zip(x, moved, strict=True)]
    seen = Inputs.of(graph, node, pairs, is_centred=True)
    target = seen.target(w.astype(np.float64))
    real, now = x @ w.T, (moved - moved.mean(0)) @ target.T
    left = np.square(real - real.mean(0) - now).mean() / real.var()
    plain = np.square(real - real.mean(0) - (moved - moved.mean(0)) @ w.T).mean() / real.var()
    assert left < 0.01 * plain
    assert np.allclose(seen.before, x.mean(0), atol=1e-4)
    assert np.allclose(seen.now.mean, moved.mean(0), atol=1e-4)
