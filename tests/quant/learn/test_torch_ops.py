"""Every op that a float graph may have, in torch: the results of its float reference, and gradients."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from edgec.ir import Graph  # noqa: E402
from edgec.ir.parse import parse  # noqa: E402
from edgec.ops.base import infer_types, registry  # noqa: E402
from edgec.ops.interpret import evaluate  # noqa: E402
from edgec.quant.learn.torch_graph import constants_of, fronts, run  # noqa: E402
from edgec.quant.learn.torch_ops import has_gradient  # noqa: E402

CONV = "stride=(2, 3), padding=(1, 0, 2, 1), dilation=(1, 2)"
OPS = {
    "resize_nearest": ("%x", "size=(9, 4)"),
    "resize_nearest half pixel": ("%x", "size=(11, 3), half_pixel=true"),
    "resize_nearest corners": ("%x", "size=(9, 13), align_corners=true"),
    "resize_bilinear": ("%x", "size=(9, 4)"),
    "resize_bilinear half pixel": ("%x", "size=(12, 3), half_pixel=true"),
    "resize_bilinear corners": ("%x", "size=(9, 13), align_corners=true"),
    "conv_transpose2d": ("%x, %w", ""),
    "conv_transpose2d bias": ("%x, %w, %b", f'{CONV}, activation="relu6"'),
    "conv_transpose2d groups": ("%x, %g, %b", f"{CONV}, groups=2, output_padding=(1, 2)"),
    "quantize": ("%x", ""),
    "dequantize": ("%x", ""),
}
CONSTS = {
    "%w": "const %w: f32[6, 3, 2, 4] = random(1)",
    "%g": "const %g: f32[6, 3, 2, 2] = random(2)",
    "%b": "const %b: f32[6] = random(3)",
}
TEXT = """
graph one
input %x: f32[2, 6, 5, 4]
{consts}
%out = {op}({xs}) {{{attrs}}}
output %out
"""
NONE = {"argmax"}
"""Results are places."""
SCHEDULED = {*("join", "last_row", "running_depthwise", "running_linear", "running_max", "running_sums")}
"""Made of an integer graph."""


def graph_of(name: str) -> Graph:
    xs, attrs = OPS[name]
    consts = "\n".join(text for v, text in CONSTS.items() if v in xs)
    return parse(TEXT.format(op=name.split()[0], consts=consts, xs=xs, attrs=attrs), infer=infer_types)


@pytest.mark.parametrize("name", OPS)
def test_results_are_those_of_the_reference_and_have_gradients(name: str) -> None:
    graph, rng = graph_of(name), np.random.default_rng(0)
    x = rng.normal(size=(3, *graph.type("x").shape)).astype(np.float32)
    given = torch.from_numpy(x).requires_grad_()
    constants = {v: c.requires_grad_() for v, c in constants_of(graph).items()}
    (y,) = run(graph, {"x": given}, constants, graph.outputs)
    want = np.stack([evaluate(graph, {"x": part})["out"] for part in x])
    np.testing.assert_allclose(y.detach().numpy(), want, rtol=1e-5, atol=1e-5)
    y.square().sum().backward()
    assert all(v.grad is not None and v.grad.any() for v in (given, *constants.values()))


def test_every_op_of_a_float_graph_has_a_gradient_unless_it_gives_places() -> None:
    own = {n for n, op in registry().items() if type(op).__module__.startswith("edgec.")}
    assert {n for n in own if not has_gradient(n)} == NONE | SCHEDULED


PLACES = """
graph places
input %x: f32[1, 6, 5, 4]
const %w: f32[3, 4] = random(1)
%scores = linear(%x, %w)
%at = argmax(%scores) {axis=3, keepdims=true}
%out = reshape(%at) {shape=(1, 6, 5)}
output %out
"""


def test_places_are_the_references_and_learned_by_what_they_are_found_in() -> None:
    graph, rng = parse(PLACES, infer=infer_types), np.random.default_rng(0)
    x = rng.normal(size=(3, 1, 6, 5, 4)).astype(np.float32)
    (y,) = run(graph, {"x": torch.from_numpy(x)}, constants_of(graph), graph.outputs)
    np.testing.assert_array_equal(y.numpy(), np.stack([evaluate(graph, {"x": part})["out"] for part in x]))
    assert fronts(graph) == ["scores"]
