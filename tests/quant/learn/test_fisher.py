"""Which values matter to the outputs."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from edgec.ir import Graph, TensorType
from edgec.ops.base import add_op
from edgec.quant.learn.fisher import importance
from edgec.quant.learn.torch_graph import constants_of

RNG = np.random.default_rng(3)


def network(ends_in_argmax: bool = False) -> tuple[Graph, np.ndarray]:
    """%h, of eight numbers of which the second layer looks at half; its weights."""
    g = Graph()
    x = g.add_input("x", TensorType((1, 6)))
    (h,) = add_op(g, "linear", [x, g.add_constant("v", RNG.normal(size=(8, 6)).astype(np.float32))], name="h")
    w = RNG.normal(size=(5, 8)).astype(np.float32)
    w[:, 4:] = 0
    (y,) = add_op(g, "linear", [h, g.add_constant("w", w)], name="y")
    if ends_in_argmax:
        (y,) = add_op(g, "argmax", [y], {"axis": 1, "keepdims": False}, name="place")
    g.outputs = [y]
    return g, w


@pytest.mark.parametrize("ends_in_argmax", [False, True])
def test_errors_count_by_what_they_do_to_the_outputs(ends_in_argmax: bool) -> None:
    g, w = network(ends_in_argmax)
    h = torch.from_numpy(RNG.normal(size=(4096, 1, 8)).astype(np.float32))
    found = importance(g, {"h": h}, constants_of(g))["h"].numpy().reshape(8)
    assert found.mean() == pytest.approx(1, abs=1e-5)
    np.testing.assert_array_equal(found[4:], 0)
    power = np.square(w).sum(axis=0)
    np.testing.assert_allclose(found, 8 * power / power.sum(), rtol=0.1)


def test_nothing_is_told_of_values_that_nothing_is_read_from() -> None:
    g, _ = network()
    g.outputs = ["x"]
    assert importance(g, {"h": torch.ones(4, 1, 8), "x": torch.ones(4, 1, 6)}, constants_of(g)) == {}
