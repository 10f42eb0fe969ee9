"""remove_dead_channels: the same bytes from fewer channels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgec.diagnostics import Diagnostic
from edgec.frontends import load_model
from edgec.ir import DType, Graph, Quant, TensorType
from edgec.ir.verify import verify
from edgec.ops.base import infer_types
from edgec.ops.interpret import evaluate
from edgec.options import BuildOptions, Silent
from edgec.passes.remove_dead_channels import RemoveDeadChannels
from edgec.passes.strips import total_macs
from edgec.pipeline import Lowered, bind, lower
from edgec.prove import draw_inputs
from tests.passes.common import graph_of, ops, optimised

POOL = "stride=(1, 1), padding=(0, 0, 0, 0), dilation=(1, 1)"
ONE = f"{POOL}, groups=1"
PADDED = "stride=(1, 1), padding=(1, 1, 1, 1), dilation=(1, 1)"


def removed(text: str) -> Graph:
    """The graph without its dead channels, which computes the same."""
    return optimised(graph_of(text), RemoveDeadChannels())


def channels(graph: Graph) -> list[int]:
    """Of every op's result."""
    return [graph.type(node.outputs[0]).shape[-1] for node in graph]


def constant(graph: Graph, node: int, operand: int) -> list[int]:
    """A constant operand of a node, flat."""
    data = graph.data(graph.nodes()[node].inputs[operand])
    assert data is not None
    return data.ravel().tolist()


def two_linears(w: str, b: str, u: str = "random(3)", outs: int = 2, first: str = "") -> str:
    return f"""
        input %x: i8[1, 2] q(0.1, 3)
        const %w: i8[3, 2] q(0.5) = {w}
        const %b: i32[3] = {b}
        const %u: i8[{outs}, 3] q(0.2) = {u}
        const %c: i32[{outs}] = [{", ".join(["7"] * outs)}]
        %a = linear(%x, %w, %b) {{activation="{first}"}} : i8 q(0.5, -4)
        %y = linear(%a, %u, %c) {{activation=""}} : i8 q(0.5, 1)
        output %y
    """


def test_a_constant_goes_into_the_bias() -> None:
    graph = removed(two_linears("[[1, 2], [0, 0], [3, -4]]", "[5, 60, 7]", "[[1, 2, 3], [4, 5, 6]]"))
    assert channels(graph) == [2, 2]
    assert constant(graph, 0, 1) == [1, 2, 3, -4] and constant(graph, 0, 2) == [5, 7]
    assert constant(graph, 1, 1) == [1, 3, 4, 6]
    assert constant(graph, 1, 2) == [7 + 2 * 6, 7 + 5 * 6]  # 60 * 0.1 * 0.5 / 0.5


def test_a_layer_without_bias_gets_one() -> None:
    graph = graph_of(two_linears("[[1, 2], [0, 0], [3, -4]]", "[5, 60, 7]", "[[1, 2, 3], [4, 5, 6]]"))
    second = graph.nodes()[1]
    graph.set_inputs(second, second.inputs[:2])
    graph.prune()
    graph = optimised(graph, RemoveDeadChannels())
    assert constant(graph, 1, 2) == [12, 30]


def test_channels_that_nobody_reads_go_and_what_feeds_them() -> None:
    graph = removed(f"""
        input %x: i8[1, 4, 4, 2] q(0.1, 3)
        const %w: i8[3, 1, 1, 2] q(0.01) = [[[[1, 2]]], [[[3, 4]]], [[[5, 6]]]]
        const %d: i8[3, 3, 3] q([0.01, 0.02, 0.03], axis=2) = random(1)
        const %u: i8[2, 1, 1, 3] q(0.01) = [[[[1, 0, 2]]], [[[3, 0, 4]]]]
        %a = conv2d(%x, %w) {{{ONE}}} : i8 q(0.1, 2)
        %m = max_pool2d(%a) {{kernel=(2, 2), {POOL}}} : i8 q(0.1, 2)
        %c = depthwise_conv2d(%m, %d) {{{PADDED}}} : i8 q(0.1, 4)
        %y = conv2d(%c, %u) {{{ONE}}} : i8 q(0.1, 5)
        output %y
    """)
    assert channels(graph) == [2, 2, 2, 2]
    assert graph.type(graph.nodes()[2].inputs[1]).q.scale == (0.01, 0.03)


def bordered(zero: int, weights: str, bias: int = 50, shift: int = 1000) -> list[int]:
    graph = removed(f"""
        input %x: i8[1, 4, 4, 2] q(0.1, 3)
        const %w: i8[3, 1, 1, 2] q(0.1) = [[[[1, 2]]], [[[0, 0]]], [[[5, 6]]]]
        const %b: i32[3] = [5, {bias}, 7]
        const %d: i8[3, 3, 3] q(0.1) = {weights}
        const %s: i32[3] = [0, {shift}, 0]
        const %u: i8[2, 1, 1, 3] q(0.01) = random(2)
        %a = conv2d(%x, %w, %b) {{{ONE}}} : i8 q(0.01, {zero})
        %c = depthwise_conv2d(%a, %d, %s) {{{PADDED}, activation="relu"}} : i8 q(0.01, -128)
        %y = conv2d(%c, %u) {{{ONE}}} : i8 q(0.1, 5)
        output %y
    """)
    return channels(graph)


def test_a_padded_depthwise_of_a_constant() -> None:
    assert bordered(-9, "random(1)", bias=0) == [2, 2, 2], "the zero point, as the padding is"
    assert bordered(-9, "random(1)") == [3, 3, 2], "another number: the border differs from the middle"
    assert bordered(-9, "random(1)", shift=-(10**6)) == [2, 2, 2], "a clamp makes all of it one number"


def test_a_padded_convolution_reads_only_the_zero_point_from_nowhere() -> None:
    def left(bias: int, padding: str = "(0, 1, 0, 0)") -> list[int]:
        graph = removed(f"""
            input %x: i8[1, 4, 4, 2] q(0.1, 3)
            const %w: i8[3, 1, 1, 2] q(0.1) = [[[[1, 2]]], [[[0, 0]]], [[[5, 6]]]]
            const %b: i32[3] = [5, {bias}, 7]
            const %u: i8[2, 1, 2, 3] q(0.01) = random(2)
            %a = conv2d(%x, %w, %b) {{{ONE}}} : i8 q(0.01, -9)
            %y = conv2d(%a, %u) {{stride=(1, 1), padding={padding}, dilation=(1, 1), groups=1}} : i8 q(0.1, 5)
            output %y
        """)
        return channels(graph)

    assert left(0) == [2, 2] and left(50) == [3, 2] and left(50, "(0, 0, 0, 0)") == [2, 2]


def test_a_clamp_that_always_holds_makes_a_constant() -> None:
    for bias, left in (("-6000", 2), ("-600", 3), ("7300", 2), ("7100", 3)):
        graph = removed(two_linears("[[1, 2], [25, 20], [3, 4]]", f"[1, {bias}, 2]", first="relu"))
        assert channels(graph) == [left, 2], bias


def test_a_shift_that_loses_bits_proves_nothing() -> None:
    # Both ends of the sums come out as 127; between them are some that come out as -128.
    text = two_linears("[[1, 2], [1, 2], [3, 4]]", "[0, 7, 2]").replace("q(0.5, -4)", "q(5e-09, -4)")
    assert channels(removed(text)) == [3, 2]


def test_a_border_makes_a_constant_vary() -> None:
    graph = removed(f"""
        input %x: i8[1, 4, 4, 2] q(0.1, 3)
        const %w: i8[2, 1, 1, 2] q(0.1) = [[[[1, 2]]], [[[0, 0]]]]
        const %b: i32[2] = [5, 50]
        const %v: i8[2, 1, 2, 2] q(0.1) = [[[[0, 3], [0, 4]]], [[[1, 2], [3, 4]]]]
        const %u: i8[2, 1, 1, 2] q(0.01) = random(2)
        %a = conv2d(%x, %w, %b) {{{ONE}}} : i8 q(0.01, -9)
        %c = conv2d(%a, %v) {{{PADDED}, groups=1}} : i8 q(0.1, 5)
        %y = conv2d(%c, %u) {{{ONE}}} : i8 q(0.1, 5)
        output %y
    """)
    assert channels(graph) == [2, 2, 2]


def test_a_constant_times_one_channel_for_all_is_none() -> None:
    graph = removed(f"""
        input %x: i8[1, 4, 4, 2] q(0.1, 3)
        const %w: i8[3, 1, 1, 2] q(0.1) = [[[[1, 2]]], [[[0, 0]]], [[[5, 6]]]]
        const %b: i32[3] = [5, 50, 7]
        const %g: i8[1, 1, 1, 2] q(0.1) = [[[[1, 2]]]]
        const %u: i8[2, 1, 1, 3] q(0.01) = random(2)
        %a = conv2d(%x, %w, %b) {{{ONE}}} : i8 q(0.01, -9)
        %s = conv2d(%x, %g) {{{ONE}}} : i8 q(0.01, -9)
        %m = mul(%a, %s) {{activation=""}} : i8 q(0.02, 1)
        %y = conv2d(%m, %u) {{{ONE}}} : i8 q(0.1, 5)
        output %y
    """)
    assert channels(graph) == [3, 1, 3, 2]


def test_equal_channels_become_one_where_the_weights_fit() -> None:
    def second(u: str) -> Graph:
        return removed(two_linears("[[1, 2], [1, 2], [3, 4]]", "[5, 5, 5]", u))

    graph = second("[[100, 27, 1], [-100, -27, 1]]")
    assert channels(graph) == [2, 2] and constant(graph, 1, 1) == [127, 1, -127, 1]
    assert channels(second("[[100, 28, 1], [4, 5, 6]]")) == [3, 2]
    assert channels(second("[[-100, -28, 1], [4, 5, 6]]")) == [3, 2]
    assert channels(second("[[100, -28, 1], [4, 5, 6]]")) == [2, 2]
    others = two_linears("[[1, 2], [1, 2], [3, 4]]", "[5, 90, 5]", "[[1, 2, 3], [4, 5, 6]]")
    assert channels(removed(others)) == [3, 2], "their biases differ"


def test_equal_channels_share_their_weights_sum() -> None:
    def second(u: str) -> Graph:
        return removed(two_linears("[[1, 2], [1, 2], [1, 2]]", "[5, 5, 5]", u))

    graph = second("[[100, 100, 40], [-1, -2, -3]]")
    assert channels(graph) == [2, 2] and constant(graph, 1, 1) == [127, 113, -6, 0]
    graph = second("[[100, -100, 100], [90, -9, 9]]")
    assert channels(graph) == [1, 2] and constant(graph, 1, 1) == [100, 90], "only the sum has to fit"
    graph = second("[[127, 127, 1], [4, 5, 6]]")
    assert channels(graph) == [3, 2] and constant(graph, 1, 1) == [127, 127, 1, 4, 5, 6], "it needs all"
    graph = second("[[-128, 0, 0], [4, 5, 6]]")
    assert channels(graph) == [1, 2], "-128 where it was"


def test_equal_sums_of_equal_channels_are_equal() -> None:
    def third(rows: str, outs: str = "[[1, 2], [3, 4]]") -> Graph:
        text = two_linears("[[1, 2], [1, 2], [3, 4]]", "[5, 5, 5]", rows)
        more = f"""const %v: i8[2, 2] q(0.2) = {outs}
        %z = linear(%y, %v) {{activation=""}} : i8 q(0.5, 1)
        output %z"""
        return removed(text.replace("output %y", more))

    graph = third("[[100, 28, 1], [28, 100, 1]]")
    assert channels(graph) == [3, 1, 2], "128 is too much for one channel of the first layer"
    assert constant(graph, 1, 1) == [100, 28, 1] and constant(graph, 2, 1) == [3, 7]
    assert channels(third("[[100, 28, 1], [28, 101, 1]]")) == [3, 2, 2]
    assert channels(third("[[1, 2, 3], [2, 1, 3]]", "[[9, -9], [-8, 8]]")) == [2, 1, 2], "and then unread"


@pytest.mark.parametrize(
    ("weights", "left"),
    [("[[[1, 1, 2], [3, 3, 4]]]", 2), ("[[[1, 1, 2], [3, 4, 4]]]", 3)],
)
def test_equal_channels_are_so_through_all_that_keeps_channels_apart(weights: str, left: int) -> None:
    def flat(u: str) -> Graph:
        return removed(f"""
            input %x: i8[1, 4, 4, 2] q(0.1, 3)
            const %w: i8[3, 1, 1, 2] q(0.1) = [[[[1, 2]]], [[[1, 2]]], [[[5, 6]]]]
            const %d: i8[1, 2, 3] q(0.2) = {weights}
            const %k: i8[3] q(0.1) = [4, 4, 5]
            const %u: i8[2, 12] q(0.01) = {u}
            %a = conv2d(%x, %w) {{{ONE}}} : i8 q(0.05, -2)
            %d1 = depthwise_conv2d(%a, %d) {{{PADDED}, activation="relu"}} : i8 q(0.1, -128)
            %m = mul(%d1, %k) {{activation=""}} : i8 q(0.05, 3)
            %t = pointwise(%m) {{fn="gelu"}} : i8 q(0.03, 3)
            %s = add(%t, %m) {{activation=""}} : i8 q(0.04, 3)
            %p = avg_pool2d(%s) {{kernel=(3, 2), stride=(3, 3), padding=(0, 0, 0, 0)}} : i8 q(0.04, 3)
            %f = reshape(%p) {{shape=(1, 12)}} : i8 q(0.04, 3)
            %y = linear(%f, %u) {{activation=""}} : i8 q(0.1, 5)
            output %y
        """)

    row = [60, 50, 1] * 4
    assert channels(flat(f"[{row}, {row[::-1]}]")) == [*[left] * 6, 4 * left, 2]
    row[9] = 78
    assert channels(flat(f"[{row}, {row}]")) == [*[3] * 6, 12, 2], "one pixel's weights do not fit"


def test_constants_of_one_value_are_equal() -> None:
    def left(third: int) -> list[int]:
        graph = removed(f"""
            input %x: i8[1, 4, 4, 2] q(0.1, 3)
            const %w: i8[3, 1, 1, 2] q(0.1) = [[[[1, 2]]], [[[0, 0]]], [[[1, 0]]]]
            const %b: i32[3] = [5, 4000, {third}]
            const %u: i8[2, 3, 3, 3] q(0.01) = {[[[[k, 2 - k, 9]] * 3] * 3 for k in (1, 5)]}
            %a = conv2d(%x, %w, %b) {{{ONE}}} : i8 q(0.01, -9)
            %y = conv2d(%a, %u) {{{PADDED}, groups=1}} : i8 q(0.1, 5)
            output %y
        """)
        return channels(graph)

    assert left(5000) == [2, 2] and left(50) == [3, 2]


def test_weights_in_a_form_are_not_summed() -> None:
    graph = graph_of(two_linears("[[1, 2], [1, 2], [3, 4]]", "[5, 5, 5]", "[[16, 32, 0], [48, 64, 0]]"))
    graph.nodes()[1].attrs["form"] = "int4"
    graph = optimised(graph, RemoveDeadChannels())
    assert channels(graph) == [2, 2] and constant(graph, 1, 1) == [16, 32, 48, 64], "the unread one is gone"


def test_zeros_for_a_channel_that_others_need_stay() -> None:
    graph = removed(f"""
        input %x: i8[1, 4, 4, 3] q(0.1, 3)
        const %w: i8[3, 1, 1, 3] q(0.01) = [[[[1, 0, 2]]], [[[3, 0, 4]]], [[[5, 0, 6]]]]
        const %v: i8[3, 1, 1, 3] q(0.01) = [[[[1, 0, 2]]], [[[3, 0, 4]]], [[[5, 0, 6]]]]
        const %u: i8[2, 1, 1, 3] q(0.01) = random(2)
        %a = conv2d(%x, %w) {{{ONE}}} : i8 q(0.05, -2)
        %c = conv2d(%a, %v) {{{ONE}}} : i8 q(0.05, -2)
        %s = add(%a, %c) {{activation=""}} : i8 q(0.05, 3)
        %y = conv2d(%s, %u) {{{ONE}}} : i8 q(0.1, 5)
        output %y
    """)
    assert channels(graph) == [3, 3, 3, 2], "the model's input and the sum have it"
    assert constant(graph, 0, 1)[1::3] == constant(graph, 1, 1)[1::3] == [0, 0, 0]


def test_equal_channels_that_cancel_are_never_read() -> None:
    graph = removed(two_linears("[[1, 2], [1, 2], [3, 4]]", "[5, 5, 5]", "[[9, -9, 1], [-8, 8, 2]]"))
    assert channels(graph) == [1, 2]


def test_a_linear_layer_keeps_two_scales() -> None:
    text = two_linears("[[1, 2], [0, 0], [3, 4]]", "[5, 60, 7]", "[[1, 2, 0], [4, 5, 0]]")
    graph = removed(text.replace("%w: i8[3, 2] q(0.5)", "%w: i8[3, 2] q([0.5, 0.3, 0.7], axis=0)"))
    assert channels(graph) == [2, 2]
    assert channels(removed(text)) == [1, 2]


def test_a_bias_near_its_limit_stays() -> None:
    text = two_linears("[[1, 2], [0, 0], [3, 4]]", "[5, 60, 7]")
    assert channels(removed(text)) == [2, 2]
    assert channels(removed(text.replace("[7, 7]", "[2147483000, 7]"))) == [3, 2]


@pytest.mark.parametrize("op", ['add(%a, %c) {activation=""}', "concat(%a, %c) {axis=1}"])
def test_either_operand_may_need_a_channel(op: str) -> None:
    def joined(second: str) -> list[int]:
        return channels(
            removed(f"""
            input %x: i8[1, 4, 4, 2] q(0.1, 3)
            const %v: i8[3, 1, 1, 2] q(0.01) = [[[[1, 2]]], [[[0, 0]]], [[[5, 6]]]]
            const %w: i8[3, 1, 1, 2] q(0.01) = {second}
            const %b: i32[3] = [700, -900, 80]
            const %u: i8[2, 1, 1, 3] q(0.01) = random(2)
            %a = conv2d(%x, %v, %b) {{{ONE}}} : i8 q(0.01, -2)
            %c = conv2d(%x, %w, %b) {{{ONE}}} : i8 q(0.01, -2)
            %d = {op} : i8 q(0.02, 1)
            %y = conv2d(%d, %u) {{{ONE}}} : i8 q(0.1, 5)
            output %y
            """)
        )

    assert joined("[[[[1, 2]]], [[[0, 0]]], [[[5, 6]]]]") == [2, 2, 2, 2]
    assert joined("[[[[1, 2]]], [[[0, 1]]], [[[5, 6]]]]") == [3, 3, 3, 2]


def test_through_constants_tables_joins_and_flattening() -> None:
    row = [[4, 9]] * 4
    graph = removed(f"""
        input %x: i8[1, 4, 4, 2] q(0.1, 3)
        const %w: i8[3, 1, 1, 2] q(0.01) = [[[[1, 2]]], [[[0, 0]]], [[[5, 6]]]]
        const %b: i32[3] = [700, -900, 80]
        const %k: i8[3] q(0.1) = [4, 5, 6]
        const %e: i8[1, 4, 4, 2] q(0.1) = [[{row}, {row}, {row}, {row}]]
        const %u: i8[2, 32] q(0.01) = random(2)
        %a = conv2d(%x, %w, %b) {{{ONE}}} : i8 q(0.01, -2)
        %m = mul(%a, %k) {{activation=""}} : i8 q(0.02, 3)
        %t = pointwise(%m) {{fn="gelu"}} : i8 q(0.02, 3)
        %j = concat(%t, %m, %e) {{axis=3}} : i8 q(0.02, 3)
        %p = avg_pool2d(%j) {{kernel=(2, 2), stride=(2, 2), padding=(0, 0, 0, 0)}} : i8 q(0.02, 3)
        %f = reshape(%p) {{shape=(1, 32)}} : i8 q(0.02, 3)
        %y = linear(%f, %u) {{activation=""}} : i8 q(0.1, 5)
        output %y
    """)
    # Each operand of the join keeps a channel.
    assert channels(graph) == [2, 2, 2, 5, 5, 20, 2]


def test_inputs_and_outputs_keep_their_shapes() -> None:
    graph = removed("""
        input %x: i8[1, 3] q(0.1, 3)
        const %w: i8[3, 3] q(0.5) = [[1, 0, 2], [0, 0, 0], [3, 0, 4]]
        %y = linear(%x, %w) {activation=""} : i8 q(0.5, -4)
        output %y
    """)
    assert channels(graph) == [3] and graph.type("x").shape == (1, 3)


def test_ops_that_mix_channels_need_all() -> None:
    graph = removed(
        two_linears("[[1, 2], [0, 0], [3, 4]]", "[5, 60, 7]", outs=1).replace(
            "%y = linear(%a, %u, %c)",
            "%s = softmax(%a) {beta=1.0} : i8 q(0.00390625, -128)\n        %y = linear(%s, %u, %c)",
        )
    )
    assert ops(graph) == ["linear", "softmax", "linear"] and channels(graph) == [3, 3, 1]


def test_what_is_said_of_it() -> None:
    changes = RemoveDeadChannels().run(graph_of(two_linears("[[1, 2], [0, 0], [3, 4]]", "[5, 60, 7]")))
    assert changes.made == [("a", "1 dead channel left out")]
    assert changes.figures == {
        "channels": 1,
        "macs_before": 12,
        "macs_after": 8,
        "weights_before": 12,
        "weights_after": 8,
    }


class Maker:
    """Adds drawn ops to an integer graph whose layers have dead, equal and unread channels."""

    def __init__(self, data: st.DataObject) -> None:
        self.draw, self.graph = data.draw, Graph()
        self.rng = np.random.default_rng(self.draw(st.integers(0, 9999)))
        self.values = [self.graph.add_input("x", TensorType((1, 5, 4, 3), DType.I8, Quant.of(0.1, 3)))]

    def chance(self, share: float) -> bool:
        return bool(self.rng.random() < share)

    def pick(self, *options):
        return options[self.rng.integers(len(options))]

    def shape(self, value: str) -> tuple[int, ...]:
        return self.graph.type(value).shape

    def op(self, op: str, inputs: list[str], attrs: dict[str, object], quant: Quant | None = None) -> str:
        quant = quant or Quant.of(self.pick(0.05, 0.3, 2.0), self.pick(-128, -3, 0, 90))
        (bare,) = infer_types(self.graph, op, inputs, attrs)
        return self.graph.add(op, inputs, [bare.with_(dtype=DType.I8, quant=quant)], attrs).outputs[0]

    def same(self, op: str, x: str, attrs: dict[str, object]) -> str:
        return self.op(op, [x], attrs, self.graph.type(x).q)

    def parameters(self, shape: tuple[int, ...], out: int, inner: bool) -> list[str]:
        """Weights and bias; zeros planted for outputs and, if `inner`, for channels read."""
        most, n = self.pick(2, 60, 127), shape[out]
        w = self.rng.integers(-most, most + 1, shape)
        w = np.moveaxis(w, out, 0)
        bias = self.rng.integers(-3000, 3000, n)
        for k in range(n):
            if self.chance(0.3):
                w[k], bias[k] = 0, self.pick(0, bias[k])
            elif self.chance(0.1):
                bias[k] = self.pick(-1, 1) * self.pick(200_000, 2**31 - 1)
            elif k and self.chance(0.3):
                w[k], bias[k] = w[k - 1], bias[k - 1]
                if inner and self.chance(0.5):  # equal still where what it reads is
                    w[k] = np.roll(w[k], 1, axis=-1)
        w = np.ascontiguousarray(np.moveaxis(w, 0, out))
        if inner:
            w[..., self.rng.random(shape[-1]) < 0.2] = 0
        count = n if self.chance(0.5) else 1
        scale = tuple(self.rng.choice([0.002, 0.01], count).tolist())
        quant = Quant(scale, (0,) * count, out if count == n and n > 1 else None)
        names = [self.graph.add_constant("w", w.astype(np.int8), quant)]
        return [*names, self.graph.add_constant("b", bias.astype(np.int32))] if self.chance(0.8) else names

    def window(self) -> dict[str, object]:
        padding = tuple(int(p) for p in self.rng.integers(0, 2, 4)) if self.chance(0.6) else (0, 0, 0, 0)
        return {"stride": self.pick((1, 1), (2, 1), (2, 2)), "padding": padding, "dilation": (1, 1)}

    def product(self, x: str) -> str:
        activation = {"activation": self.pick("", "relu", "relu6")}
        c, o = self.shape(x)[-1], self.pick(1, 2, 4, 6)
        if len(self.shape(x)) != 4 or self.chance(0.2):
            return self.op("linear", [x, *self.parameters((o, c), 0, True)], activation)
        k = self.pick(1, 1, 2) if min(self.shape(x)[1:3]) > 1 else 1
        w = self.parameters((o, k, k, c), 0, True)
        if self.chance(0.15):
            attrs = {"stride": (2, 1), "padding": (0, 0, 0, 0), "dilation": (1, 1), "groups": 1}
            return self.op("conv_transpose2d", [x, *w], attrs | activation)
        return self.op("conv2d", [x, *w], self.window() | {"groups": 1} | activation)

    def spatial(self, x: str) -> str:
        if len(self.shape(x)) != 4 or min(self.shape(x)[1:3]) < 2:
            return self.product(x)
        pool = self.window() | {"kernel": (2, 2)}
        match self.pick("dw", "dw", "max", "avg", "pad", "resize", "mean", "reduce_max"):
            case "dw":
                w = self.parameters((2, 2, self.shape(x)[3] * self.pick(1, 1, 2)), 2, False)
                return self.op(
                    "depthwise_conv2d", [x, *w], self.window() | {"activation": self.pick("", "relu")}
                )
            case "max":
                return self.same("max_pool2d", x, pool)
            case "avg":
                return self.same("avg_pool2d", x, pool | {"count_include_pad": self.chance(0.5)})
            case "pad":
                pads = ((0, 0), (0, 1), (1, 0), (0, int(self.chance(0.3))))
                return self.same("pad", x, {"pads": pads, "value": self.pick(0.0, 1.0)})
            case "resize":
                return self.same("resize_nearest", x, {"size": (3, 3)})
            case "reduce_max":
                return self.same("reduce_max", x, {"axes": (1,), "keepdims": True})
            case _:
                return self.op("mean", [x], {"axes": (1, 2), "keepdims": self.chance(0.5)})

    def elementwise(self, x: str) -> str:
        match self.pick("gelu", "requantize", "reshape", "prelu", "softmax"):
            case "gelu":
                return self.op("pointwise", [x], {"fn": "gelu"})
            case "requantize":
                return self.op("requantize", [x], {})
            case "prelu":
                alpha = self.rng.integers(-50, 50, self.shape(x)[-1]).astype(np.int8)
                return self.op("prelu", [x, self.graph.add_constant("a", alpha, Quant.of(0.01))], {})
            case "softmax" if self.chance(0.3):
                return self.op("softmax", [x], {"beta": 1.0}, Quant.of(1 / 256, -128))
        shape, c = self.shape(x), self.shape(x)[-1]
        size = int(np.prod(shape))
        last = self.pick(size, c, c // 2 if c % 2 == 0 else c)
        return self.same("reshape", x, {"shape": (1, size // last, last) if last < size else (1, size)})

    def joined(self, x: str) -> str:
        shape = self.shape(x)
        same = [v for v in self.values if self.shape(v) == shape]
        if self.chance(0.3):
            wide = shape if self.chance(0.3) else shape[-1:] if self.chance(0.7) else (1,)
            data = self.rng.integers(-128, 128, wide).astype(np.int8)
            other = self.graph.add_constant("k", data, Quant.of(0.1, 5))
        else:
            other = self.pick(*same)
        pair = [x, other] if self.chance(0.5) else [other, x]
        if self.shape(other) == shape and self.chance(0.4):
            return self.op("concat", pair, {"axis": len(shape) - 1 - int(self.chance(0.2))})
        op = self.pick("add", "add", "sub", "mul", "maximum", "minimum")
        return self.op(op, pair, {"activation": self.pick("", "relu")})

    def step(self) -> None:
        x = self.values[-1] if self.chance(0.7) else self.pick(*self.values)
        if self.graph.type(x).size < 1500:
            kinds = (self.product, self.product, self.spatial, self.elementwise, self.joined)
            self.values.append(self.pick(*kinds)(x))


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_drawn_graphs(data: st.DataObject) -> None:
    maker = Maker(data)
    for _ in range(data.draw(st.integers(2, 9))):
        maker.step()
    graph = maker.graph
    graph.outputs = [maker.product(maker.values[-1])]
    if data.draw(st.integers(0, 3)) == 0:
        graph.outputs.append(maker.values[-1])
    graph.prune()
    for node in graph.nodes():
        node.path = node.name
    verify(graph, infer_types)
    result = graph.copy()
    RemoveDeadChannels().run(result)
    verify(result, infer_types)
    before = {v: x.data.copy() for v, x in graph.values.items() if x.data is not None}
    for sample in [
        *draw_inputs(graph, 6),
        *({"x": np.full((1, 5, 4, 3), v, np.int8)} for v in (-128, 127, 3)),
    ]:
        want, got = evaluate(graph, sample), evaluate(result, sample)
        for v, w in zip(graph.outputs, result.outputs, strict=True):
            np.testing.assert_array_equal(got[w], want[v])
    assert all(np.array_equal(graph.data(v), x) for v, x in before.items())  # constants are shared
    if has_kernels(graph):
        bind(result)


def has_kernels(graph: Graph) -> bool:
    try:
        bind(graph)
    except Diagnostic:
        return False
    return True


def lowered(model: str, keep_dead: bool = False) -> Lowered:
    options = BuildOptions(model, "host", Path("unused"), keep_dead=keep_dead)
    return lower(load_model(model), options, Silent())


def test_half_of_visual_wake_words_is_dead(data_dir: Path) -> None:
    model = str(data_dir / "models" / "mlperf_tiny_vww_mobilenet_int8.tflite")
    whole, less = lowered(model, keep_dead=True), lowered(model)
    assert whole.dead is None and whole.whole is None and not whole.notes
    assert less.dead is not None and less.dead["macs_before"] == total_macs(whole.graph) == 7_489_664
    assert less.dead["channels"] >= 971 and less.dead["weights"] <= 29_242
    assert total_macs(less.graph) <= 3_740_000
    (note,) = less.notes
    assert note.startswith(f"removed {less.dead['channels']} dead channels: 7,489,664 -> 3,7")
    for sample in draw_inputs(whole.graph, 40, seed=9):
        (want,), (got,) = (evaluate(x.graph, sample).values() for x in (whole, less))
        assert np.array_equal(got, want)


@pytest.mark.parametrize("name", ["ad_autoencoder", "ic_resnet8", "kws_dscnn", "sww"])
def test_the_other_models_are_alive(data_dir: Path, name: str) -> None:
    less = lowered(str(data_dir / "models" / f"mlperf_tiny_{name}_int8.tflite"))
    assert less.dead is None and less.whole is not None
    assert total_macs(less.graph) == total_macs(less.whole)


def test_models_quantized_here() -> None:
    pytest.importorskip("torch")
    less = lowered("tests.e2e.models:pruned")
    assert less.whole is not None and less.dead is not None
    assert channels(less.whole)[0] == 12 and channels(less.graph)[0] == 7
    assert less.dead["channels"] == 5 + 4, "of the stem, and of the MLP"
    for sample in less.samples:
        (want,), (got,) = (evaluate(x, sample).values() for x in (less.whole, less.graph))
        assert np.array_equal(got, want)
