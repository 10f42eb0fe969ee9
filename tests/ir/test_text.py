"""The text form: what is printed parses back to an equal graph; errors name their line."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgec.ir import (
    DType,
    Graph,
    Quant,
    TensorType,
    TextError,
    constant_table,
    parse,
    to_text,
    verify,
)
from edgec.ops.base import infer_types

EXAMPLE = """\
graph digits
input %x: i8[1, 8, 8, 1] NHWC q(0.0625, -128)
input %"odd name/x;1": f32[]
const %w: i8[2, 3] q([0.5, 0.25], axis=0) = [[1, 2, 3], [4, 5, -6]]
const %v: i8[2] q([0.5, 0.25], [1, -2], axis=0) = [0, 0]
const %t: bool[2] = [true, false]
const %s: f32[] = 1e-07
const %none: i32[0, 4] = []
const %big: i16[4, 5] q(0.001) = sha256:KEY
%y = conv2d(%x, %w) {stride=(2, 2), pads=((0, 1), (2,), ()), fn="a \\"b\\"", eps=1e-05, one=1.0, \
n=-1, on=true, off=false, no=none} : i8[1, 4, 4, 2] NHWC q(0.1) @ features.0
%a.0, %a.1 = split(%y, %y) : i8[1, 4, 4, 1] q(0.1), i64[] @ "two words"
%p, %q = split(%a.0) as halves : i8[1, 4, 4, 1] q(0.1), i64[] "layout q"
%r = nothing() as node_r : f32[1] @ layers[3]/conv:0
output %p, %x, %p, %t
"""


def same(a: Graph, b: Graph) -> None:
    assert (a.name, a.inputs, a.outputs, a.features) == (b.name, b.inputs, b.outputs, b.features)
    assert set(a.values) == set(b.values)
    for name, value in a.values.items():
        other = b.values[name]
        assert value.type == other.type
        assert (value.data is None) == (other.data is None)
        if value.data is not None:
            assert value.data.dtype == other.data.dtype
            np.testing.assert_array_equal(value.data, other.data)
    assert a.nodes() == b.nodes()


def example() -> tuple[str, dict[str, np.ndarray]]:
    big = Graph()
    big.add_constant("big", np.arange(20, dtype=np.int16).reshape(4, 5))
    table = constant_table(big)
    return EXAMPLE.replace("KEY", next(iter(table))), table


def test_everything_survives_both_ways() -> None:
    text, table = example()
    graph = parse(text, table)
    verify(graph, paths=False)
    assert to_text(graph) == text
    same(graph, parse(to_text(graph, "inline")))
    assert graph.node("halves").outputs == ("p", "q")
    assert graph.node("a").outputs == ("a.0", "a.1")
    assert graph.type("w").quant == Quant((0.5, 0.25), (0, 0), 0)
    assert graph.node("y").attrs["pads"] == ((0, 1), (2,), ())
    assert isinstance(graph.node("y").attrs["one"], float)
    assert graph.node("y").path == "features.0"


def test_elided_constants_are_for_reading() -> None:
    text, table = example()
    elided = to_text(parse(text, table), "elide")
    assert "= ...\n" in elided
    with pytest.raises(TextError, match=r"line 9: the constant's data were left out"):
        parse(elided)


def test_types_are_inferred_where_left_out() -> None:
    graph = parse(
        """
        input %x: i8[1, 4] NC q(0.5)
        const %w: i8[3, 4] q([1, 1, 1], axis=0) = random(3)   # by hand
        const %z: f32[3, 4] = zeros
        %y = linear(
            %x,
            %w,
        ) : i8 q(0.25, 3) @ head
        %f = linear(%y, %w2)
        """.replace("%f = linear(%y, %w2)", "output %y"),
        infer=infer_types,
    )
    assert graph.type("y") == TensorType((1, 3), DType.I8, Quant.of(0.25, 3), "NC")
    assert graph.data("w").shape == (3, 4) and len(np.unique(graph.data("w"))) > 6
    assert not graph.data("z").any()
    whole = parse("input %x: f32[1, 4]\nconst %w: f32[3, 4] = zeros\n%y = linear(%x, %w)", infer=infer_types)
    assert whole.type("y") == TensorType((1, 3))


@pytest.mark.parametrize(
    ("line", "text", "message"),
    [
        (1, "inpt %x: i8[1]", "no statement starts with 'inpt'"),
        (2, "input %x: i8[1]\ninput %x: i8[1]", "value %x exists already"),
        (1, "input %x: i9[1]", "no such element type: i9"),
        (1, "input %x: i8", "the type needs a shape"),
        (1, "input %x: i8[1.5]", "1.5 is not an integer"),
        (1, "input %x i8[1]", "expected ':', found 'i8'"),
        (1, "input %x:", "expected a word, found end of line"),
        (1, "input %x: i8[1] q()", "q takes scales"),
        (1, "input %x: i8[1] q(1, 0.5)", "a zero point is an integer"),
        (1, "input %x: i8[1] NC NC", "unexpected 'NC'"),
        (1, "input %x: i8[1] ~", "unexpected character '~'"),
        (1, "const %c: i8[2] = [1]", "1 elements for a constant of 2"),
        (1, "const %c: i8[1] = [1.5]", "elements of i8 are integers"),
        (1, "const %c: i8[1] = [300]", "300"),
        (1, "const %c: i8[99] = sha256:12ab", "the constant 12ab is not in the table"),
        (3, "\n\n%y = neg(%x)", "no value %x so far"),
        (2, "input %x: i8[1]\n%y = neg(%x)", "the type has no shape, and nothing infers it"),
        (2, "input %x: i8[1]\n%y = neg(%x) {a=1, a=2} : i8[1]", "attribute a is given twice"),
        (2, "input %x: i8[1]\n%y = neg(%x) {a=} : i8[1]", "expected a number"),
        (2, "input %x: i8[1]\n%y, %z = neg(%x) : i8[1]", "2 results, but 1 types"),
        (2, "input %x: i8[1]\n%y, %y = neg(%x) : i8[1]", "two results have the same name"),
        (3, "input %x: i8[1]\n%y = neg(%x) : i8[1]\n%z = neg(%x) as y : i8[1]", "node y exists already"),
        (4, "input %x: i8[1]\n%y = neg(\n%x\n%x) : i8[1]", "expected ',', found '%'"),
    ],
)
def test_errors_name_their_line(line: int, text: str, message: str) -> None:
    with pytest.raises(TextError) as caught:
        parse(text)
    assert caught.value.line == line
    assert str(caught.value).startswith(f"line {line}: ") and message in str(caught.value)


def test_inference_errors_name_their_line() -> None:
    text = "input %x: f32[1, 4]\nconst %w: f32[3, 5] = zeros\n%y = linear(%x, %w)"
    with pytest.raises(TextError, match="line 3: linear: features differ"):
        parse(text, infer=infer_types)
    with pytest.raises(TextError, match="line 1: nonsense: there is no op nonsense"):
        parse("%y = nonsense()", infer=infer_types)


names = st.text(min_size=1, max_size=8)
finite = st.floats(allow_nan=False)
scalars = st.one_of(st.integers(), finite, st.text(max_size=6), st.booleans(), st.none())
attrs = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3).map(tuple), max_leaves=6)
shapes = st.lists(st.integers(0, 4), max_size=3).map(tuple)


@st.composite
def types(draw: st.DrawFn) -> TensorType:
    shape = draw(shapes)
    axis = draw(st.none() | st.integers(0, len(shape) - 1)) if shape else None
    count = 1 if axis is None else shape[axis]
    scale = st.floats(min_value=1e-9, max_value=1e9)
    quant = Quant(
        tuple(draw(st.lists(scale, min_size=count, max_size=count))),
        tuple(draw(st.lists(st.integers(-128, 127), min_size=count, max_size=count))),
        axis,
    )
    return TensorType(shape, draw(st.sampled_from(DType)), draw(st.sampled_from([None, quant])), draw(names))


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    graph = Graph(draw(names))
    graph.features = draw(st.frozensets(names, max_size=2))
    for name in draw(st.lists(names, max_size=3, unique=True)):
        graph.add_input(name, draw(types()))
    for _ in range(draw(st.integers(0, 3))):
        type = draw(types())
        rng = np.random.default_rng(draw(st.integers(0, 9)))
        data = (rng.standard_normal(type.shape) * 50).astype(type.dtype.numpy)
        graph.add_constant(draw(names), data, type.quant, type.layout)
    for _ in range(draw(st.integers(0, 4))):
        known = sorted(graph.values)
        graph.add(
            draw(names),
            draw(st.lists(st.sampled_from(known), max_size=3)) if known else [],
            draw(st.lists(types(), min_size=1, max_size=3)),
            draw(st.dictionaries(names, attrs, max_size=3)),
            path=draw(st.text(max_size=6)),
            name=draw(st.none() | names),
        )
    if graph.values:
        graph.outputs = draw(st.lists(st.sampled_from(sorted(graph.values)), max_size=3))
    return graph


@settings(deadline=None, max_examples=150)
@given(graphs())
def test_any_graph_survives(graph: Graph) -> None:
    text = to_text(graph)
    same(graph, parse(text, constant_table(graph)))
    assert to_text(parse(text, constant_table(graph))) == text
    same(graph, parse(to_text(graph, "inline")))


def test_floats_are_exact() -> None:
    rng = np.random.default_rng(0)
    data = rng.integers(0, 2**32, 4000, np.uint32).view(np.float32)
    data = data[np.isfinite(data)]
    special = np.array([np.inf, -np.inf, -0.0, 1e-45], np.float32)
    graph = Graph()
    graph.add_constant("c", np.concatenate([data, special]))
    graph.add_constant("nan", np.array(np.nan, np.float32))
    back = parse(to_text(graph, "inline"))
    assert back.data("c").tobytes() == graph.data("c").tobytes()
    assert np.isnan(back.data("nan"))
