"""Imports a PyTorch model, runs the float references and compares with PyTorch."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from edgec.frontends.torch import load_torch
from edgec.ir import Graph
from edgec.ops.interpret import evaluate


class Call(nn.Module):
    """A function as a module."""

    def __init__(self, fn: Callable[..., object]) -> None:
        super().__init__()
        self.fn = fn

    def forward(self, *xs: Tensor) -> object:
        return self.fn(*xs)


class Each(nn.Module):
    """Several modules on the same inputs: one export for all of them."""

    def __init__(self, modules: list[nn.Module]) -> None:
        super().__init__()
        self.cases = nn.ModuleList(modules)

    def forward(self, *xs: Tensor) -> list[object]:
        return [case(*xs) for case in self.cases]


def check_each(fns: list[Callable[..., object]], *inputs: Tensor) -> Graph:
    """Import several functions of the same inputs as one model."""
    return check(Each([fn if isinstance(fn, nn.Module) else Call(fn) for fn in fns]), *inputs)


def check(model: nn.Module, *inputs: Tensor) -> Graph:
    """Import, evaluate, compare to 1e-5 of the largest value; returns the graph."""
    graph = load_torch((model, inputs))
    with torch.no_grad():
        want = torch.utils._pytree.tree_leaves(model.eval()(*inputs))
    got = evaluate(
        graph, {v: x.numpy().astype(np.float32) for v, x in zip(graph.inputs, inputs, strict=True)}
    )
    for k, (value, tensor) in enumerate(zip(graph.outputs, want, strict=True)):
        expected = tensor.float().numpy()
        assert got[value].shape == expected.shape, f"output {k}"
        limit = 1e-5 * max(np.abs(expected).max(), 1)
        np.testing.assert_allclose(got[value], expected, rtol=0, atol=limit, err_msg=f"output {k}")
    return graph


def ops(graph: Graph) -> list[str]:
    """The ops of a graph in order."""
    return [n.op for n in graph.nodes()]


def rand(*shape: int) -> Tensor:
    return torch.from_numpy(np.random.default_rng(3).normal(size=shape).astype(np.float32))


IMAGE, TOKENS = rand(1, 4, 8, 8), rand(1, 6, 8)
