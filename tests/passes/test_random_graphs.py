"""Drawn graphs through all float passes: verified after each, and the function unchanged."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from edgec.ir import Graph, TensorType
from edgec.ops.base import add_op
from edgec.passes.collapse_views import remaining_copies
from edgec.pipeline import FLOAT_PASSES
from tests.ops.test_views import steps
from tests.passes.common import optimised

MOST = 600
CONV = {"stride": (1, 1), "dilation": (1, 1), "activation": ""}


class Maker:
    """Adds drawn ops to a graph, most of them to the last value."""

    def __init__(self, data: st.DataObject) -> None:
        self.draw = data.draw
        self.graph = Graph()
        self.rng = np.random.default_rng(self.draw(st.integers(0, 99)))
        shape = self.draw(st.sampled_from([(1, 2, 4, 4), (1, 3, 4, 2), (1, 4, 6), (2, 6), (1, 4, 4, 3)]))
        self.values = [self.graph.add_input("x", TensorType(shape))]

    def shape(self, value: str) -> tuple[int, ...]:
        return self.graph.type(value).shape

    def constant(self, *shape: int) -> str:
        data = self.rng.normal(size=shape) if self.draw(st.booleans()) else np.full(shape, 0.5)
        return self.graph.add_constant("c", data.astype(np.float32))

    def op(self, op: str, inputs: list[str], attrs: dict[str, object] | None = None) -> str:
        (value,) = add_op(self.graph, op, inputs, attrs, path=op)  # type: ignore[arg-type]
        return value

    def step(self) -> None:
        x = self.values[-1] if self.draw(st.integers(0, 3)) else self.draw(st.sampled_from(self.values))
        kinds = [
            self.view,
            self.view,
            self.pointwise,
            self.binary,
            self.along_last,
            self.reduced,
            self.joined,
        ]
        kinds += [self.spatial] * (2 if len(self.shape(x)) == 4 else 0)
        kinds += [self.product] * (len(self.shape(x)) >= 2)
        self.values.append(self.draw(st.sampled_from(kinds))(x))

    def view(self, x: str) -> str:
        if not self.shape(x):
            return self.op("reshape", [x], {"shape": (1, 1)})
        op, attrs = self.draw(steps(self.shape(x)))
        y = self.op(op, [x], attrs)
        return y if math.prod(self.shape(y)) <= MOST and len(self.shape(y)) <= 6 else x

    def pointwise(self, x: str) -> str:
        return self.op(
            "pointwise", [x], {"fn": self.draw(st.sampled_from(["relu", "relu6", "gelu", "neg", "abs"]))}
        )

    def binary(self, x: str) -> str:
        op = self.draw(st.sampled_from(["add", "mul", "sub", "maximum"]))
        shape = self.shape(x)
        same = [v for v in self.values if self.shape(v) == shape]
        if self.draw(st.booleans()):
            y = self.draw(st.sampled_from(same))
        else:
            kept = [n if self.draw(st.booleans()) else 1 for n in shape]
            y = self.constant(*kept[self.draw(st.integers(0, max(len(shape) - 1, 0))) :])
        return self.op(op, [x, y] if self.draw(st.booleans()) else [y, x])

    def along_last(self, x: str) -> str:
        shape = self.shape(x)
        if not shape:
            return x
        n = shape[-1]
        match self.draw(st.sampled_from(["softmax", "layer_norm", "linear", "batch_norm"])):
            case "softmax":
                return self.op("softmax", [x], {"beta": 1.0})
            case "layer_norm":
                return self.op("layer_norm", [x], {"epsilon": 0.1, "rms": False})
            case "linear":
                return self.op("linear", [x, self.constant(self.draw(st.integers(1, 5)), n)])
            case _:
                ones = self.graph.add_constant("var", np.full(n, 2, np.float32))
                stats = [self.constant(n), ones, self.constant(n), self.constant(n)]
                return self.op("batch_norm", [x, *stats], {"epsilon": 0.1})

    def reduced(self, x: str) -> str:
        rank = len(self.shape(x))
        if not rank:
            return x
        axes = tuple(a for a in range(rank) if self.draw(st.booleans())) or (rank - 1,)
        op = self.draw(st.sampled_from(["mean", "reduce_max"]))
        return self.op(op, [x], {"axes": axes, "keepdims": self.draw(st.booleans())})

    def joined(self, x: str) -> str:
        shape = self.shape(x)
        if not shape or math.prod(shape) * 2 > MOST:
            return x
        axis = self.draw(st.integers(0, len(shape) - 1))
        fitting = [v for v in self.values if _fits(self.shape(v), shape, axis)]
        y = self.op("concat", [x, self.draw(st.sampled_from(fitting))], {"axis": axis})
        return y if math.prod(self.shape(y)) <= MOST else x

    def product(self, x: str) -> str:
        rank = len(self.shape(x))
        perm = (*range(rank - 2), rank - 1, rank - 2)
        y = self.op("matmul", [x, self.op("transpose", [x], {"perm": perm})])
        if self.draw(st.booleans()):
            y = self.op("matmul", [self.op("softmax", [y], {"beta": 1.0}), x])
        return y if math.prod(self.shape(y)) <= MOST else x

    def spatial(self, x: str) -> str:
        """A convolution of NCHW, as front ends make it."""
        c = self.shape(x)[1]
        if self.draw(st.booleans()):
            x = self.op("pad", [x], {"pads": ((0, 0), (0, 0), (1, 0), (0, 1)), "value": 0.0})
        y = self.op("transpose", [x], {"perm": (0, 2, 3, 1)})
        padding = (1, 1, 1, 1)
        if self.draw(st.booleans()):
            attrs = CONV | {"padding": padding, "groups": 1}
            y = self.op("conv2d", [y, self.constant(self.draw(st.integers(1, 4)), 2, 2, c)], attrs)
        else:
            y = self.op("depthwise_conv2d", [y, self.constant(2, 2, c)], CONV | {"padding": padding})
        return self.op("transpose", [y], {"perm": (0, 3, 1, 2)})


def _fits(a: tuple[int, ...], b: tuple[int, ...], axis: int) -> bool:
    return len(a) == len(b) and all(m == n for k, (m, n) in enumerate(zip(a, b, strict=True)) if k != axis)


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_drawn_graphs(data: st.DataObject) -> None:
    maker = Maker(data)
    for _ in range(data.draw(st.integers(1, 8))):
        maker.step()
    graph = maker.graph
    graph.outputs = [maker.values[-1]]
    if data.draw(st.booleans()):
        graph.outputs.append(data.draw(st.sampled_from(maker.values)))
    assume(all(v not in graph.inputs for v in graph.outputs))
    result = optimised(graph, *FLOAT_PASSES, rtol=1e-3)
    assert remaining_copies(result)[0] <= len(graph)
