"""The exact forward pass: its integers are the reference's, and samples together are samples one by one."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from edgec.ir import Graph  # noqa: E402
from edgec.ir.parse import parse  # noqa: E402
from edgec.ops.base import call_of, infer_types, op_of  # noqa: E402
from edgec.ops.interpret import results_of  # noqa: E402
from edgec.quant.learn import exact  # noqa: E402
from edgec.quant.learn.exact import integer_results  # noqa: E402

MAP, TOKENS = "i8[1, 6, 6, 4] q(0.05, 3)", "i8[1, 5, 8] q(0.04, -2)"
FUSED = "dims=(1, 2, 5, 5, 4, 4), q_view=(0, 0, 4, 24), k_view=(8, 0, 4, 24), v_view=(16, 0, 4, 24)"
OPS = {
    "add": ("%x, %y", TOKENS, "", "i8 q(0.07, 1)"),
    "add const": ("%x, %c", TOKENS, "", "i8 q(0.07, 1)"),
    "add row": ("%x, %c1", TOKENS, "", "i8 q(0.07, 1)"),
    "sub": ("%x, %y", TOKENS, "", "i8 q(0.07, 1)"),
    "mul": ("%x, %y", TOKENS, "", "i16 q(0.0001)"),
    "maximum": ("%x, %y", TOKENS, "", "i8 q(0.04, 1)"),
    "minimum": ("%x, %y", TOKENS, "", "i8 q(0.04, 1)"),
    "linear": ("%x, %c", TOKENS, "", "i8 q(0.9, 1)"),
    "layer_norm": ("%x", TOKENS, "epsilon=1e-05", "i8 q(0.02, 0)"),
    "softmax": ("%x", TOKENS, "", "i8 q(0.00390625, -128)"),
    "pointwise": ("%x", TOKENS, 'fn="gelu"', "i8 q(0.03, -120)"),
    "requantize": ("%x", TOKENS, "", "i8 q(0.1, 7)"),
    "prelu": ("%x, %c1", TOKENS, "", "i8 q(0.05, 7)"),
    "mean": ("%x", TOKENS, "axes=(1,), keepdims=false", "i8 q(0.02, 0)"),
    "sum": ("%x", TOKENS, "axes=(1,), keepdims=true", "i8 q(0.2, 0)"),
    "reduce_max": ("%x", TOKENS, "axes=(2,), keepdims=false", "i8 q(0.04, -2)"),
    "matmul": ("%x, %z", TOKENS, "", "i8 q(0.3, 0)"),
    "matmul views": (
        "%x, %y",
        TOKENS,
        "dims=(1, 5, 5, 8), a_view=(0, 40, 8, 1), b_view=(0, 40, 1, 8)",
        "i8 q(0.3, 0)",
    ),
    "attention": ("%w, %w, %w", TOKENS, f"{FUSED}, scale=0.5", "i8 q(0.05, 0)"),
    "attention mask": ("%w, %w, %w, %m", TOKENS, f"{FUSED}, scale=0.5", "i8 q(0.05, 0)"),
    "conv2d": ("%x, %k", MAP, "stride=(2, 2), padding=(1, 1, 0, 0)", "i8 q(0.5, 0)"),
    "depthwise_conv2d": ("%x, %d", MAP, "padding=(1, 1, 1, 1)", "i8 q(0.3, 0)"),
    "conv_transpose2d": ("%x, %k", MAP, "stride=(2, 2), padding=(1, 0, 0, 1)", "i8 q(0.5, 0)"),
    "resize_nearest": ("%x", MAP, "size=(12, 9), half_pixel=true", "i8 q(0.05, 3)"),
    "resize_bilinear": ("%x", MAP, "size=(12, 9), half_pixel=true", "i8 q(0.05, 3)"),
    "argmax": ("%x", MAP, "axis=3, keepdims=false", "i32"),
    "group_norm": ("%x", MAP, "groups=2, epsilon=1e-05", "i8 q(0.02, 0)"),
    "avg_pool2d": ("%x", MAP, "kernel=(3, 3), padding=(1, 1, 1, 1)", "i8 q(0.05, 3)"),
    "max_pool2d": ("%x", MAP, "kernel=(2, 2), stride=(2, 2)", "i8 q(0.05, 3)"),
    "reshape": ("%x", MAP, "shape=(1, 36, 4)", "i8 q(0.05, 3)"),
    "transpose": ("%x", TOKENS, "perm=(0, 2, 1)", "i8 q(0.04, -2)"),
    "concat": ("%x, %y", TOKENS, "axis=1", "i8 q(0.04, -2)"),
}
TEXT = """
graph one
input %x: {type}
input %y: {type}
input %z: i8[1, 8, 3] q(0.1, 4)
input %w: i8[1, 5, 24] q(0.1, 1)
const %c: i8[5, 8] q(0.02) = random(1)
const %c1: i8[8] q(0.02) = random(2)
const %m: f32[2, 5, 5] = random(3)
const %k: i8[3, 3, 3, 4] q(0.02) = random(4)
const %d: i8[3, 3, 4] q(0.02) = random(5)
%out = {op}({xs}) {{{attrs}}} : {result}
output %out
"""
APART = {"argmax", "concat", "reshape", "transpose"}
"""Those that are no product of the reference called once."""


def a_graph(name: str) -> Graph:
    xs, type, attrs, result = OPS[name]
    return parse(
        TEXT.format(type=type, op=name.split()[0], xs=xs, attrs=attrs, result=result), infer=infer_types
    )


@pytest.mark.parametrize("name", OPS)
def test_samples_together_are_samples_one_by_one(name: str) -> None:
    graph, rng = a_graph(name), np.random.default_rng(0)
    (node,) = graph.nodes()
    op, call = op_of(node), call_of(graph, node)
    xs = [
        c if c is not None else rng.integers(-128, 128, (7, *t.shape)).astype(t.dtype.numpy)
        for t, c in zip(call.ins, call.consts, strict=True)
    ]
    want = [
        results_of(op, call, [x if c is not None else x[k] for x, c in zip(xs, call.consts, strict=True)])[0]
        for k in range(7)
    ]
    assert exact._stacks(op, call) == (op.name not in APART)
    np.testing.assert_array_equal(integer_results(op, call, xs), np.stack(want))


def test_every_op_whose_samples_are_stacked_is_compared() -> None:
    assert {name.split()[0] for name in OPS} - APART == exact._STACKED
