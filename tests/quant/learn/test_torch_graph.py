"""Float graphs in torch compute what their float references do, and slopes are those of differences."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from edgec.frontends import load_model
from edgec.ir import Graph
from edgec.pipeline import FLOAT_PASSES, run_passes
from edgec.quant.data import Samples, random_samples
from edgec.quant.learn.torch_graph import constants_of, inputs_of, outputs_with, run
from edgec.quant.snr import float_outputs

SOME = ("vit", "swin_v2", "cait", "t2t")
"""With attention of all kinds, views, pads and pools among them: all models of the zoo pass."""


def float_graph(name: str) -> tuple[Graph, Samples]:
    graph = load_model(f"tests.e2e.zoo:{name}")
    own = {v: graph.type(v) for v in graph.inputs}
    run_passes(graph, FLOAT_PASSES)
    return graph, random_samples(own).permuted(graph.input_perms).head(3)


@pytest.mark.parametrize("name", SOME)
def test_outputs_are_those_of_the_references(name: str) -> None:
    graph, samples = float_graph(name)
    want = float_outputs(graph, samples)
    got = outputs_with(graph, inputs_of(graph, samples), constants_of(graph), {})
    for value, y in zip(graph.outputs, got, strict=True):
        x = np.stack([w[value] for w in want])
        np.testing.assert_allclose(y.reshape(x.shape), x, rtol=1e-3, atol=1e-4 * max(1.0, np.abs(x).max()))


def test_a_function_without_a_torch_form_has_the_slope_of_its_differences() -> None:
    graph, _ = float_graph("vit")
    node = next(n for n in graph.nodes() if n.op == "pointwise")
    node.attrs["fn"] = "mish"
    x = torch.linspace(-3, 3, graph.type(node.inputs[0]).size).reshape(1, *graph.type(node.inputs[0]).shape)
    x.requires_grad_()
    (y,) = run(graph, {node.inputs[0]: x}, constants_of(graph), node.outputs)
    y.sum().backward()
    other = x.detach().clone().requires_grad_()
    torch.nn.functional.mish(other).sum().backward()
    torch.testing.assert_close(y, torch.nn.functional.mish(x))
    torch.testing.assert_close(x.grad, other.grad, rtol=1e-3, atol=1e-4)
