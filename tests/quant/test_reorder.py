"""Outputs are put in an order in which groups have like weights, and the network computes the same."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from edgec.frontends import load_model
from edgec.ir import Graph
from edgec.ops.interpret import evaluate
from edgec.pipeline import FLOAT_PASSES, run_passes
from edgec.quant.reorder import _error, reorder

rng = np.random.default_rng(0)


def uneven(count: int, inputs: int) -> torch.Tensor:
    """Weights of which every other output's are flat, the others' heavy in the tails."""
    flat = rng.uniform(-1, 1, (count, inputs))
    heavy = rng.standard_t(2, (count, inputs))
    return torch.from_numpy(np.where(np.arange(count)[:, None] % 2, flat, heavy).astype(np.float32))


class Mlp(nn.Module):
    """The value between is read by another layer, or by the user as well."""

    def __init__(self, *, seen: bool) -> None:
        super().__init__()
        self.first, self.second, self.seen = nn.Linear(24, 128), nn.Linear(128, 5), seen
        self.first.weight.data = uneven(128, 24)

    def forward(self, x: torch.Tensor) -> torch.Tensor | tuple[torch.Tensor, torch.Tensor]:
        hidden = nn.functional.gelu(self.first(x))
        return (self.second(hidden), hidden) if self.seen else self.second(hidden)


class Convs(nn.Module):
    """A pointwise convolution, a depthwise one, a pool, and a convolution that reads them."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(16, 128, 1)
        self.first.weight.data = uneven(128, 16)[:, :, None, None]
        self.depthwise = nn.Conv2d(128, 128, 3, padding=1, groups=128)
        self.last = nn.Conv2d(128, 4, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = nn.functional.max_pool2d(self.depthwise(torch.relu(self.first(x))).sigmoid(), 2)
        out: torch.Tensor = self.last(x)
        return out


def lowered(module: nn.Module, shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> Graph:
    monkeypatch.setattr(
        "tests.quant.test_reorder.made", lambda: (module, (torch.zeros(shape),)), raising=False
    )
    graph = load_model("tests.quant.test_reorder:made")
    run_passes(graph, FLOAT_PASSES)
    return graph


@pytest.mark.parametrize(("module", "shape"), [(Mlp(seen=False), (1, 3, 24)), (Convs(), (1, 16, 8, 8))])
def test_less_is_lost_and_nothing_changes(
    module: nn.Module, shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = lowered(module, shape, monkeypatch)
    (x,), (y,) = graph.inputs, graph.outputs
    inputs = {x: rng.normal(size=graph.type(x).shape).astype(np.float32)}
    before, names = evaluate(graph, inputs)[y], {n.name for n in graph.nodes()}
    (changed,) = reorder(graph)
    np.testing.assert_allclose(evaluate(graph, inputs)[y], before, rtol=1e-4, atol=1e-5)
    assert {n.name for n in graph.nodes()} == names
    weights = graph.data(graph.node(changed).inputs[1])
    assert weights is not None
    mixed = np.argsort(np.arange(128) % 64, kind="stable")
    assert _error(weights) < 0.9 * _error(weights[mixed])


def test_an_order_that_is_seen_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    assert reorder(lowered(Mlp(seen=True), (1, 3, 24), monkeypatch)) == []
