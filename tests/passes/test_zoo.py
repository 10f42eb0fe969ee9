"""All float passes on whole models: the function stays, and little is left to move."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from edgec.frontends.torch import load_torch  # noqa: E402
from edgec.ops.interpret import evaluate  # noqa: E402
from edgec.passes.collapse_views import remaining_copies  # noqa: E402
from edgec.pipeline import FLOAT_PASSES, run_passes  # noqa: E402
from tests.zoo import MODELS  # noqa: E402

COPIES = {
    "resnet": 0,
    "densenet": 0,
    "mobilenet_v3": 0,
    "shufflenet": 3,  # channel shuffles
    "keyword1d": 0,
    "vit": 1,  # the class token
    "simple_vit": 1,  # patches in rows
    "swin": 5,  # windows, rolls, patch merging
    "swin_v2": 2,
    "cvt": 3,
    "convnext": 0,
    "convmixer": 0,
    "gmlp": 2,
    "focalnet": 0,
    "mixer": 4,  # tokens and channels change places
    "unet": 1,  # the image that comes out
    "wavenet": 1,
}


@pytest.mark.parametrize("name", COPIES)
def test_whole_models(name: str) -> None:
    model, inputs = MODELS[name]()
    graph = load_torch((model, inputs))
    xs = {v: x.numpy() for v, x in zip(graph.inputs, inputs, strict=True)}
    wanted = list(evaluate(graph, xs).values())
    run_passes(graph, FLOAT_PASSES)
    for v, perm in graph.input_perms.items():
        xs[v] = xs[v].transpose(perm)
    for got, want in zip(evaluate(graph, xs).values(), wanted, strict=True):
        assert got.shape == want.shape
        assert np.abs(got - want).max() <= 1e-4 * np.abs(want).max()
    assert remaining_copies(graph)[0] <= COPIES[name]
    left = {node.op for node in graph.nodes()}
    assert not left & {"transpose", "slice", "take", "expand", "batch_norm", "div"}
