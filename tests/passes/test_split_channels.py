"""split_channels: groups of channels, each with its own running sum, and the same bytes."""

from __future__ import annotations

import pytest

from edgec.passes.running_sums import RunningSums
from edgec.passes.split_channels import SplitChannels
from tests.passes.common import graph_of, lines, ops, optimised

CONV = 'stride=(1, 1), padding=(0, 0, 0, 0), dilation=(1, 1), activation="relu"'
SCALES = ", ".join(str(0.01 + k / 997) for k in range(21))
MEAN = "%y = mean(%a) {axes=(1, 2), keepdims=true} : i8 q(0.11, 4)"


def after(*statements: str, parts: int = 2, only: frozenset[str] | None = None) -> list[str]:
    start = [
        "input %x: i8[1, 3, 5, 6] NHWC q(0.05, 3)",
        f"const %w: i8[21, 1, 1, 6] q([{SCALES}], axis=0) = random(1)",
    ]
    graph = graph_of("\n".join([*start, *statements, "output %y"]))
    return ops(optimised(graph, RunningSums(), SplitChannels(parts, only)))


PART = ["conv2d", "running_sums", "last_row"]


@pytest.mark.parametrize(("parts", "made"), [(1, 1), (2, 2), (3, 3), (9, 5)])
def test_a_convolution_before_a_mean(parts: int, made: int) -> None:
    end = ["join", "reshape"] if made > 1 else []
    conv = f"%a = conv2d(%x, %w) {{{CONV}, groups=1}} : i8 q(0.2, -20)"
    assert after(conv, MEAN, parts=parts) == PART * made + end


def test_names_and_order() -> None:
    graph = graph_of(f"""
        input %x: i8[1, 3, 5, 6] NHWC q(0.05, 3)
        const %w: i8[8, 1, 1, 6] q(0.01) = random(1)
        %a = conv2d(%x, %w) {{{CONV}, groups=1}} : i8 q(0.2, -20)
        {MEAN}
        output %y
    """)
    nodes = lines(optimised(graph, RunningSums(), SplitChannels(2, frozenset({"a"}))))
    assert [s.split(" {")[0] for s in nodes[1:]] == [
        "%a.0 = conv2d(%x, %w.0)",
        "%y.running.0 = running_sums(%a.0)",
        "%y.0 = last_row(%y.running.0, %y.offset, %y.multiplier, %y.shift)",
        "%a.4 = conv2d(%x, %w.4)",
        "%y.running.4 = running_sums(%a.4)",
        "%y.4 = last_row(%y.running.4, %y.offset, %y.multiplier, %y.shift)",
        "%y.join = join(%y.0, %y.4)",
        "%y = reshape(%y.join)",
        "output %y",
    ]


def test_what_lies_between() -> None:
    made = after(
        "const %d: i8[3, 3, 21] q(0.02) = random(2)",
        "const %b: i32[21] = random(3)",
        f"%e = conv2d(%x, %w) {{{CONV}, groups=1}} : i8 q(0.2, -20)",
        f"%f = depthwise_conv2d(%e, %d, %b) {{{CONV.replace('0, 0, 0, 0', '1, 1, 1, 1')}}} : i8 q(0.2, -20)",
        '%a = pointwise(%f) {fn="hard_swish"} : i8 q(0.1, -100)',
        "%y = reduce_max(%a) {axes=(1, 2), keepdims=false} : i8 q(0.1, -100)",
    )
    part = ["conv2d", "depthwise_conv2d", "pointwise", "running_max", "last_row"]
    assert made == [*part, *part, "join", "reshape"]


def test_an_average_whose_padding_counts() -> None:
    pool = "kernel=(3, 5), stride=(1, 1), padding=(0, 0, 0, 0), count_include_pad=true"
    conv = f"%a = conv2d(%x, %w) {{{CONV}, groups=1}} : i8 q(0.2, -20)"
    assert after(conv, f"%y = avg_pool2d(%a) {{{pool}}} : i8 q(0.2, -20)") == [
        *PART,
        *PART,
        "join",
        "reshape",
    ]


@pytest.mark.parametrize(
    "statements",
    [
        ["%y = mean(%a) {axes=(1,), keepdims=false} : i8 q(0.11, 4)"],
        ["%m = mean(%a) {axes=(1, 2), keepdims=true} : i8 q(0.11, 4)", "%y = mul(%a, %m) : i8 q(0.11, 4)"],
        ["%y = mean(%a) {axes=(1, 2, 3), keepdims=false} : i8 q(0.11, 4)"],
        [
            "%s = softmax(%a) : i8 q(0.00390625, -128)",
            "%y = mean(%s) {axes=(1, 2), keepdims=false} : i8 q(0.11, 4)",
        ],
    ],
)
def test_what_stays(statements: list[str]) -> None:
    made = after(f"%a = conv2d(%x, %w) {{{CONV}, groups=1}} : i8 q(0.2, -20)", *statements)
    assert made.count("conv2d") == 1


def test_other_layers_stay() -> None:
    conv = f"%a = conv2d(%x, %w) {{{CONV}, groups=1}} : i8 q(0.2, -20)"
    assert after(conv, MEAN, only=frozenset({"b"})) == PART
