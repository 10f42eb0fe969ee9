"""fuse_activations."""

from __future__ import annotations

import pytest

from edgec.passes.fuse_activations import FuseActivations
from tests.passes.common import graph_of, lines, ops, optimised


def fused(fn: str, between: bool = False, activation: str = "", outputs: str = "%y") -> list[str]:
    graph = graph_of(f"""
        input %x: f32[1, 6, 2]
        const %w: f32[4, 2] = random(1)
        %a = linear(%x, %w) {{activation="{activation}"}}
        {"%b = reshape(%a) {shape=(1, 2, 3, 4)}" if between else ""}
        %y = pointwise({"%b" if between else "%a"}) {{{fn}}}
        output {outputs}
    """)
    result = optimised(graph, FuseActivations())
    return [s for s in lines(result) if "linear" in s or "pointwise" in s]


@pytest.mark.parametrize(
    ("fn", "name"),
    [
        ('fn="relu"', "relu"),
        ('fn="relu6"', "relu6"),
        ('fn="clip", lo=0.0, hi=6.0', "relu6"),
        ('fn="clip", lo=-1.0, hi=1.0', "relu_n1_to_1"),
    ],
)
def test_into_the_producer(fn: str, name: str) -> None:
    assert fused(fn) == [f'%a = linear(%x, %w) {{activation="{name}"}}']
    assert fused(fn, between=True) == [f'%a = linear(%x, %w) {{activation="{name}"}}']


def test_relu_and_relu6_together() -> None:
    assert fused('fn="relu"', activation="relu6") == ['%a = linear(%x, %w) {activation="relu6"}']


@pytest.mark.parametrize("fn", ['fn="gelu"', 'fn="clip", lo=0.0, hi=5.0', 'fn="relu", pre_shift=1.0'])
def test_other_functions_stay(fn: str) -> None:
    assert len(fused(fn)) == 2


def test_a_value_used_elsewhere_stays() -> None:
    assert len(fused('fn="relu"', outputs="%y, %a")) == 2


def test_a_relu_of_an_input_stays() -> None:
    graph = graph_of("""
        input %x: f32[1, 6, 2]
        %y = pointwise(%x) {fn="relu"}
        output %y
    """)
    assert ops(optimised(graph, FuseActivations())) == ["pointwise"]
