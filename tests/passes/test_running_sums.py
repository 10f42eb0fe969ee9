"""running_sums: the same bytes, from rows that come one after the other."""

from __future__ import annotations

import pytest

from edgec.passes.running_sums import RunningSums
from tests.passes.common import graph_of, lines, ops, optimised

MAP = "input %x: i8[1, 4, 3, 8] NHWC q(0.05, 3)"


def after(*statements: str, only: frozenset[str] | None = None) -> list[str]:
    """The nodes of a graph after the pass, each checked to compute what it did."""
    graph = graph_of("\n".join([*statements, "output %y"]))
    return [s for s in lines(optimised(graph, RunningSums(only))) if s.startswith("%")]


def test_a_mean_over_the_image() -> None:
    assert after(MAP, "%y = mean(%x) {axes=(1, 2), keepdims=false} : i8[1, 8] q(0.03, -5)") == [
        "%y.running = running_sums(%x) {columns=3, taps=3, stride=3, padding=(0, 0)}",
        "%y = last_row(%y.running, %y.offset, %y.multiplier, %y.shift) {shape=(1, 8), lo=-128, hi=127}",
    ]


@pytest.mark.parametrize(
    ("axes", "columns"),
    [
        ("(1,)", "columns=1, taps=1"),
        ("(1, 2)", "columns=3, taps=3"),
        ("(1, 3)", "columns=24, taps=8"),
        ("(1, 2, 3)", "columns=24, taps=24"),
        ("(0, 1)", "columns=1, taps=1"),
    ],
)
@pytest.mark.parametrize("op", ["mean", "sum", "reduce_max"])
def test_reductions(op: str, axes: str, columns: str) -> None:
    quant = "q(0.05, 3)" if op == "reduce_max" else "q(0.21, -7)"
    running, last = after(MAP, f"%y = {op}(%x) {{axes={axes}, keepdims=true}} : i8 {quant}")
    assert columns in running and "last_row" in last
    assert ("running_max" if op == "reduce_max" else "running_sums") in running


@pytest.mark.parametrize("shape", ["(1, 12, 8)", "(12, 8)", "(1, 4, 24)", "(1, 2, 2, 3, 8)"])
def test_a_map_under_another_shape(shape: str) -> None:
    rank = shape.count(",") + 1
    axes = tuple(range(rank - 1)) if shape != "(1, 4, 24)" else (1,)
    nodes = after(
        MAP,
        f"%r = reshape(%x) {{shape={shape}}} : i8 q(0.05, 3)",
        f"%y = mean(%r) {{axes={axes}, keepdims=false}} : i8 q(0.02, 1)",
    )
    assert [s.split("(")[0] for s in nodes] == ["%y.running = running_sums", "%y = last_row"]


def test_tokens_of_16_bits() -> None:
    running, _ = after(
        "input %x: i16[1, 5, 6] q(0.001)", "%y = mean(%x) {axes=(1,), keepdims=false} : i8 q(0.2, 1)"
    )
    assert running == "%y.running = running_sums(%x) {columns=1, taps=1, stride=1, padding=(0, 0)}"


@pytest.mark.parametrize(("width", "type"), [(64, "i16"), (65, "i32")])
def test_few_values_have_short_sums(width: int, type: str) -> None:
    graph = graph_of(f"""
        input %x: i8[1, 4, {width}, 2] NHWC q(0.05, 3)
        %y = mean(%x) {{axes=(1, 2), keepdims=false}} : i8 q(0.03, -5)
        output %y
    """)
    assert optimised(graph, RunningSums()).type("y.running").dtype == type


@pytest.mark.parametrize("pads", ["0, 0, 0, 0", "0, 1, 0, 0", "0, 1, 0, 1", "1, 1, 1, 1"])
@pytest.mark.parametrize(("taps", "stride"), [(3, 1), (2, 1), (2, 2), (1, 2)])
def test_pools(pads: str, taps: int, stride: int) -> None:
    kernel = 6 if pads.startswith("1") else 4
    attrs = f"kernel=({kernel}, {taps}), stride=(1, {stride}), padding=({pads})"
    for include in ("true", "false"):
        average = f'avg_pool2d(%x) {{{attrs}, count_include_pad={include}, activation="relu"}}'
        nodes = after(MAP, f"%y = {average} : i8 q(0.05, 3)")
        assert [s.split("(")[0] for s in nodes] == ["%y.running = running_sums", "%y = last_row"]
        assert "lo=3, hi=127" in nodes[1]
    nodes = after(MAP, f'%y = max_pool2d(%x) {{{attrs}, dilation=(1, 1), activation=""}} : i8 q(0.05, 3)')
    assert [s.split("(")[0] for s in nodes] == ["%y.running = running_max", "%y = last_row"]


@pytest.mark.parametrize("weights", ["q(0.01)", "q([0.01, 0.02, 0.005, 0.1, 0.03], axis=0)"])
@pytest.mark.parametrize("result", ["i8 q(0.4, -9)", "i16 q(0.01)"])
@pytest.mark.parametrize("bias", [True, False])
def test_linear_over_a_flattened_map(weights: str, result: str, bias: bool) -> None:
    operands = "%r, %w, %b" if bias else "%r, %w"
    assert after(
        MAP,
        f"const %w: i8[5, 96] {weights} = random(1)",
        "const %b: i32[5] = [100, -20, 3000, 0, 7]" if bias else "",
        "%r = reshape(%x) {shape=(1, 96)} : i8 q(0.05, 3)",
        f'%y = linear({operands}) {{activation="relu6"}} : {result}',
    ) == [
        "%y.running = running_linear(%x, %w.rows)",
        "%y = last_row(%y.running, %y.offset, %y.multiplier, %y.shift) "
        + ("{shape=(1, 5), lo=-9, hi=6}" if result.startswith("i8") else "{shape=(1, 5), lo=0, hi=600}"),
    ]


def test_weights_in_fewer_bits_stay_as_they_are() -> None:
    reshape = "%r = reshape(%x) {shape=(1, 96)} : i8 q(0.05, 3)"
    weights = "const %w: i8[5, 96] q(0.01) = zeros"
    linear = '%y = linear(%r, %w) {{activation=""{}}} : i8 q(0.4, -9)'
    assert "running_linear" in after(MAP, weights, reshape, linear.format(""))[0]
    assert "running_linear" not in after(MAP, weights, reshape, linear.format(', form="codebook2"'))[0]


def test_a_kernel_as_large_as_its_map() -> None:
    conv = 'stride=(1, 1), padding=({}), dilation=(1, 1), groups=1, activation=""'
    start = [MAP, "const %w: i8[5, 4, 3, 8] q(0.01) = random(1)"]
    nodes = after(*start, f"%y = conv2d(%x, %w) {{{conv.format('0, 0, 0, 0')}}} : i8 q(0.4, -9)")
    assert [s.split("(")[0] for s in nodes] == ["%y.running = running_linear", "%y = last_row"]
    nodes = after(*start, f"%y = conv2d(%x, %w) {{{conv.format('0, 1, 0, 1')}}} : i8 q(0.4, -9)")
    assert len(nodes) == 1


@pytest.mark.parametrize("weights", ["q(0.01)", "q([0.1, 0.02, 0.05, 0.1, 0.3, 0.01, 0.02, 0.03], axis=2)"])
def test_a_depthwise_kernel_as_large_as_its_map(weights: str) -> None:
    conv = 'stride=(1, 1), padding=({}), dilation=(1, 1), activation="relu"'
    start = [MAP, f"const %w: i8[4, 3, 8] {weights} = random(1)", "const %b: i32[8] = random(2)"]
    running, _ = after(
        *start, f"%y = depthwise_conv2d(%x, %w, %b) {{{conv.format('0, 0, 0, 0')}}} : i8 q(0.9)"
    )
    assert running == "%y.running = running_depthwise(%x, %w.rows)"
    assert (
        len(after(*start, f"%y = depthwise_conv2d(%x, %w) {{{conv.format('0, 1, 0, 1')}}} : i8 q(0.4)")) == 1
    )


@pytest.mark.parametrize(
    "statement",
    [
        "%y = mean(%x) {axes=(2,), keepdims=false} : i8 q(0.03, -5)",
        "%y = mean(%x) {axes=(3,), keepdims=true} : i8 q(0.03, -5)",
        "%y = max_pool2d(%x) {kernel=(2, 3), stride=(1, 1), padding=(0, 0, 0, 0), dilation=(3, 1)}"
        " : i8 q(0.05, 3)",
        "%y = avg_pool2d(%x) {kernel=(3, 3), stride=(1, 1), padding=(0, 0, 0, 0)} : i8 q(0.05, 3)",
        '%y = pointwise(%x) {fn="relu"} : i8 q(0.03, -5)',
    ],
)
def test_what_stays(statement: str) -> None:
    assert len(after(MAP, statement)) == 1


def test_vectors_and_tied_weights_stay() -> None:
    start = ["input %x: i8[1, 6] q(0.05, 3)", "const %w: i8[6, 6] q(0.01) = random(1)"]
    assert len(after(*start, "%y = linear(%x, %w) : i8 q(0.1)")) == 1
    start[0] = "input %x: i8[1, 2, 1, 3] q(0.05, 3)"
    flat = "%r = reshape(%x) {shape=(1, 6)} : i8 q(0.05, 3)"
    nodes = after(*start, flat, "%a = linear(%r, %w) : i8 q(0.1)", "%y = linear(%a, %w) : i8 q(0.1)")
    assert [s.split("(")[0] for s in nodes] == ["%r = reshape", "%a = linear", "%y = linear"]


def test_only_some_and_what_follows_them() -> None:
    graph = graph_of(f"""
        {MAP}
        %a = mean(%x) {{axes=(1, 2), keepdims=true}} : i8 q(0.03, -5)
        %b = reduce_max(%x) {{axes=(1, 2), keepdims=true}} : i8 q(0.05, 3)
        %c = add(%a, %a) : i8 q(0.1)
        %d = add(%c, %b) : i8 q(0.1)
        output %d, %a
    """)
    result = optimised(graph, RunningSums(frozenset({"a", "d"})))
    assert ops(result) == ["running_sums", "last_row", "reduce_max", "add", "add"]
    assert result.outputs == ["d", "a"]
    assert result.node("a").op == "last_row"
    made = RunningSums(frozenset({"b"})).run(graph).made
    assert made == [("b", "adds up the rows of its operand as they come")]
