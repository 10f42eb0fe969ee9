"""Every model of the zoo, imported and run by the float references, gives what PyTorch gives."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from edgec.frontends.torch import load_torch  # noqa: E402
from edgec.ops.interpret import evaluate  # noqa: E402
from tests.zoo import MODELS  # noqa: E402


@pytest.mark.parametrize("name", MODELS)
def test_zoo_model_matches_pytorch(name: str) -> None:
    model, inputs = MODELS[name]()
    graph = load_torch((model, inputs))
    assert [graph.type(v).shape for v in graph.inputs] == [tuple(x.shape) for x in inputs]
    with torch.no_grad():
        want = torch.utils._pytree.tree_leaves(model(*inputs))
    got = evaluate(graph, {v: x.numpy() for v, x in zip(graph.inputs, inputs, strict=True)})
    assert len(graph.outputs) == len(want)
    for value, reference in zip(graph.outputs, want, strict=True):
        expected = reference.numpy()
        assert got[value].shape == expected.shape
        assert np.abs(got[value] - expected).max() <= 1e-4 * np.abs(expected).max()
