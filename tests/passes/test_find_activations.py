"""find_activations: exporters' spellings of activations."""

from __future__ import annotations

import pytest

from edgec.passes.find_activations import FindActivations
from edgec.passes.merge_equal import MergeEqual
from edgec.passes.simplify_arithmetic import SimplifyArithmetic
from tests.passes.common import graph_of, lines, optimised

SPELLINGS = {
    "gelu": """
        %a = div(%x, %sqrt2)
        %b = pointwise(%a) {fn="erf"}
        %c = add(%b, %one)
        %d = mul(%x, %c)
        %y = mul(%d, %half)
    """,
    "gelu_tanh": """
        %a = pointwise(%x) {fn="power", exponent=3.0}
        %b = mul(%a, %k)
        %c = add(%x, %b)
        %d = mul(%c, %s)
        %e = pointwise(%d) {fn="tanh"}
        %f = add(%e, %one)
        %g = mul(%half, %x)
        %y = mul(%g, %f)
    """,
    "gelu_quick": """
        %a = mul(%x, %q)
        %b = pointwise(%a) {fn="sigmoid"}
        %y = mul(%x, %b)
    """,
    "silu": """
        %a = pointwise(%x) {fn="sigmoid"}
        %y = mul(%x, %a)
    """,
    "hard_swish": """
        %a = add(%x, %three)
        %b = pointwise(%a) {fn="relu6"}
        %c = div(%b, %six)
        %y = mul(%x, %c)
    """,
    "hard_sigmoid": """
        %a = add(%x, %three)
        %b = maximum(%a, %nought)
        %c = minimum(%b, %six)
        %y = div(%c, %six)
    """,
    "mish": """
        %a = pointwise(%x) {fn="softplus"}
        %b = pointwise(%a) {fn="tanh"}
        %y = mul(%x, %b)
    """,
    "sigmoid": """
        %m = pointwise(%x) {fn="neg"}
        %a = pointwise(%m) {fn="exp"}
        %b = add(%a, %one)
        %y = div(%one, %b)
    """,
    "relu6": """
        %a = maximum(%x, %nought)
        %y = minimum(%a, %six)
    """,
}


def found(text: str) -> list[str]:
    graph = graph_of(f"""
        input %in: f32[1, 3, 4]
        const %w: f32[4, 4] = random(1)
        const %one: f32[1] = [1]
        const %half: f32[1] = [0.5]
        const %sqrt2: f32[1] = [1.4142135]
        const %k: f32[1] = [0.044715]
        const %s: f32[1] = [0.7978846]
        const %q: f32[1] = [1.702]
        const %three: f32[1] = [3]
        const %six: f32[1] = [6]
        const %nought: f32[1] = [0]
        const %tiny: f32[1] = [1e-12]
        const %tenth: f32[1] = [0.1]
        %x = linear(%in, %w)
        {text}
        output %y
    """)
    return lines(optimised(graph, SimplifyArithmetic(), MergeEqual(), FindActivations()))[2:-1]


@pytest.mark.parametrize("name", SPELLINGS)
def test_spellings(name: str) -> None:
    (line,) = found(SPELLINGS[name])
    assert line.endswith(f'(%x) {{fn="{name}"}}')


def test_leaky_relu_with_its_slope() -> None:
    (line,) = found("%a = mul(%x, %tenth)\n%y = maximum(%a, %x)")
    assert 'fn="leaky_relu", alpha=0.1' in line


def test_something_else_is_left() -> None:
    assert len(found('%a = pointwise(%x) {fn="tanh"}\n%y = mul(%x, %a)')) == 2


def test_a_small_limit_is_no_relu() -> None:
    (line,) = found("%y = maximum(%x, %tiny)")
    assert 'fn="clip"' in line


def test_a_second_tensor_is_not_taken_for_the_first() -> None:
    assert len(found('%b = linear(%x, %w)\n%a = pointwise(%b) {fn="sigmoid"}\n%y = mul(%x, %a)')) == 3
