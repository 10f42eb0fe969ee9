"""fold_pads."""

from __future__ import annotations

import pytest

from edgec.passes.fold_pads import FoldPads
from tests.passes.common import graph_of, lines, ops, optimised

CONV = "stride=(1, 1), padding=(1, 0, 0, 0), dilation=(1, 1)"
POOL = "kernel=(3, 3), stride=(1, 1)"
PADS = "((0, 0), (1, 2), (0, 1), (0, 0))"


def folded(user: str, pads: str = PADS, value: float = 0.0, before: str = "gelu") -> list[str]:
    graph = graph_of(f"""
        input %x: f32[1, 5, 5, 4]
        const %w: f32[6, 3, 3, 4] = random(1)
        const %d: f32[3, 3, 8] = random(3)
        %a = pointwise(%x) {{fn="{before}"}}
        %b = pad(%a) {{pads={pads}, value={value}}}
        %y = {user}
        output %y
    """)
    return [s.split(" = ")[1] for s in lines(optimised(graph, FoldPads())) if s.startswith(("%b", "%y"))]


def test_into_convolutions() -> None:
    (conv,) = folded(f"conv2d(%b, %w) {{{CONV}, groups=1}}")
    assert "padding=(2, 0, 2, 1)" in conv
    (conv,) = folded(f"depthwise_conv2d(%b, %d) {{{CONV}}}")
    assert "padding=(2, 0, 2, 1)" in conv


def test_into_pools() -> None:
    average = "avg_pool2d(%b) {%s, padding=(%s, 0, 0, 0), count_include_pad=false}"
    (pool,) = folded(average.replace("%s", POOL, 1).replace("%s", "0"))
    assert "padding=(1, 0, 2, 1)" in pool and "count_include_pad=true" in pool
    assert len(folded(average.replace("%s", POOL, 1).replace("%s", "1"))) == 2


def test_into_a_maximum_only_behind_a_relu() -> None:
    pool = f"max_pool2d(%b) {{{POOL}, padding=(0, 0, 0, 0), dilation=(1, 1)}}"
    assert len(folded(pool)) == 2
    assert len(folded(pool, before="relu")) == 1


@pytest.mark.parametrize(("pads", "value"), [(PADS, 1.0), ("((0, 0), (1, 1), (0, 0), (0, 1))", 0.0)])
def test_other_pads_stay(pads: str, value: float) -> None:
    user = 'pointwise(%b) {fn="relu"}'
    assert len(folded(user, pads, value)) == 2


def test_a_pad_with_another_user_stays() -> None:
    graph = graph_of(f"""
        input %x: f32[1, 5, 5, 4]
        const %w: f32[6, 3, 3, 4] = random(1)
        %b = pad(%x) {{pads={PADS}, value=0.0}}
        %y = conv2d(%b, %w) {{{CONV}, groups=1}}
        output %y, %b
    """)
    assert ops(optimised(graph, FoldPads())) == ["pad", "conv2d"]
