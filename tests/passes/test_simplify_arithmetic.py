"""simplify_arithmetic, lower_division, fuse_affine."""

from __future__ import annotations

import pytest

from edgec.passes.base import Pass
from edgec.passes.collapse_views import CollapseViews
from edgec.passes.fuse_affine import FuseAffine
from edgec.passes.lower_division import LowerDivision
from edgec.passes.merge_tables import MergeTables
from edgec.passes.simplify_arithmetic import SimplifyArithmetic
from tests.passes.common import graph_of, lines, optimised


def body(text: str, *passes: Pass) -> list[str]:
    graph = graph_of(f"""
        input %x: f32[1, 3, 4]
        const %two: f32[1] = [2]
        const %v: f32[4] = [1, 2, 4, 8]
        const %one: f32[] = [1]
        const %nought: f32[4] = [0, 0, 0, 0]
        {text}
        output %y
    """)
    return lines(optimised(graph, *passes))[1:-1]


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("%y = div(%x, %v)", ["%y = mul(%x, %v_1)"]),
        ("%y = sub(%x, %v)", ["%y = add(%x, %v_1)"]),
        ("%y = mul(%x, %x)", ['%pointwise = pointwise(%x) {fn="square"}']),
        ('%y = pointwise(%x) {fn="power", exponent=2.0}', ['%y = pointwise(%x) {fn="square"}']),
        ('%y = pointwise(%x) {fn="neg"}', ["%mul = mul(%x, %minus_one)"]),
        ("%y = maximum(%x, %two)", ['%pointwise = pointwise(%x) {fn="clip", lo=2.0}']),
        ("%y = minimum(%two, %x)", ['%pointwise = pointwise(%x) {fn="clip", hi=2.0}']),
        ("%y = maximum(%x, %nought)", ['%pointwise = pointwise(%x) {fn="relu"}']),
        ("%a = mul(%x, %v)\n%b = div(%a, %two)\n%y = mul(%two, %b)", ["%y = mul(%x, %y.constant)"]),
        ("%a = add(%x, %v)\n%y = sub(%a, %two)", ["%y = add(%x, %y.constant)"]),
        ("%a = mul(%x, %one)\n%b = add(%a, %nought)\n%y = div(%b, %v)", ["%y = mul(%x, %v_1)"]),
    ],
)
def test_one_form(text: str, result: list[str]) -> None:
    assert body(text, SimplifyArithmetic()) == result


@pytest.mark.parametrize(
    "text",
    [
        "%y = div(%v, %x)",
        "%y = sub(%v, %x)",
        "%y = maximum(%x, %v)",
        "%y = div(%x, %nought)",
        '%y = mul(%x, %one) {activation="relu"}',
        '%y = pointwise(%x) {fn="power", exponent=2.0, pre_scale=3.0}',
    ],
)
def test_left_alone(text: str) -> None:
    if "nought" in text:  # the result is infinite: only the form is compared
        graph = graph_of(f"input %x: f32[4]\nconst %nought: f32[4] = zeros\n{text}\noutput %y")
        SimplifyArithmetic().run(graph)
        assert lines(graph)[1:-1] == [text]
    else:
        assert body(text, SimplifyArithmetic()) == [text]


def test_division_of_tensors() -> None:
    text = '%a = pointwise(%x) {fn="exp"}\n%y = div(%x, %a)'
    assert body(text, LowerDivision()) == [
        '%a = pointwise(%x) {fn="exp"}',
        '%pointwise = pointwise(%a) {fn="reciprocal"}',
        '%mul = mul(%x, %pointwise) {activation=""}',
    ]


@pytest.mark.parametrize(
    ("text", "result"),
    [
        (
            '%a = mul(%x, %two)\n%y = pointwise(%a) {fn="tanh", pre_scale=3.0, pre_shift=1.0}',
            '%y = pointwise(%x) {fn="tanh", pre_scale=6.0, pre_shift=1.0}',
        ),
        (
            '%a = add(%x, %two)\n%y = pointwise(%a) {fn="tanh", pre_scale=3.0, pre_shift=1.0}',
            '%y = pointwise(%x) {fn="tanh", pre_scale=3.0, pre_shift=7.0}',
        ),
        (
            '%a = pointwise(%x) {fn="tanh"}\n%b = add(%a, %one)\n%y = mul(%b, %two)',
            '%a = pointwise(%x) {fn="tanh", post_scale=2.0, post_shift=2.0}',
        ),
        (
            "%a = mul(%x, %two)\n%y = add(%a, %one)",
            '%y = pointwise(%x) {fn="identity", pre_scale=2.0, pre_shift=1.0}',
        ),
    ],
)
def test_affine_steps(text: str, result: str) -> None:
    assert body(text, FuseAffine()) == [result]


def test_one_product_alone_stays() -> None:
    assert body("%y = mul(%x, %two)", FuseAffine()) == ["%y = mul(%x, %two)"]


def test_functions_in_a_row_are_one() -> None:
    text = """
        %a = pointwise(%x) {fn="square"}
        %b = pointwise(%a) {fn="sqrt", pre_shift=1.0}
        %c = reshape(%b) {shape=(3, 4)}
        %d = pointwise(%c) {fn="clip", lo=1.5}
        %y = pointwise(%d) {fn="reciprocal", post_scale=2.0}
    """
    assert body(text, MergeTables(), CollapseViews()) == [
        '%a = pointwise(%x) {fn="square", then=((("fn", "sqrt"), ("pre_shift", 1.0)), '
        '(("fn", "clip"), ("lo", 1.5)), (("fn", "reciprocal"), ("post_scale", 2.0)))}',
        "%c = reshape(%a) {shape=(3, 4)}",
    ]


def test_a_result_used_twice_is_kept() -> None:
    text = '%a = pointwise(%x) {fn="exp"}\n%b = pointwise(%a) {fn="tanh"}\n%y = mul(%a, %b)'
    assert body(text, MergeTables()) == text.splitlines()
