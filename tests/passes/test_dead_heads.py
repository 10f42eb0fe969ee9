"""remove_dead_channels, heads of attention: the same bytes from fewer heads."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgec.ir import Graph
from edgec.ops.attention_reads import dims_of
from edgec.ops.base import call_of
from edgec.ops.interpret import evaluate
from edgec.passes.remove_dead_channels import RemoveDeadChannels
from edgec.passes.strips import total_macs
from edgec.pipeline import bind
from edgec.prove import draw_inputs
from tests.passes.common import graph_of, ops, optimised
from tests.passes.test_remove_dead_channels import lowered
from tests.passes.test_split_attention import FORMS

READER = """
    %s = reshape(%a) {{shape=({rows}, 12)}} : i8[{rows}, 12] q(0.02, 1)
    const %u: i8[7, 12] q({scales}, axis=0) = random(7)
    const %c: i32[7] q(0.0002) = random(8)
    %y = linear(%s, %u, %c) : i8[{rows}, 7] q(0.01, 2)
    output %y
"""


def network(form: str, unread: list[int], silent: list[int]) -> Graph:
    """Attention of three heads and a layer that reads them; some go nowhere, of some all values are zero."""
    rows = {"one query": 1, "two windows": 10}.get(form, 5)
    scales = [0.01 + k / 1000 for k in range(7)]
    text = FORMS[form].replace("output %a", READER.format(rows=rows, scales=scales))
    text = text.replace("q(0.03, -4)", "q(0.03, 0)")
    graph = graph_of(text)
    weights = graph.values["u"].data
    assert weights is not None
    weights.reshape(7, 3, 4)[:, unread] = 0
    view = graph.node("a").attrs["v_view"]
    assert isinstance(view, tuple)
    for h in silent:
        first = view[1 - 1] % 36 + h * view[2]
        for name in ("w", "b"):
            data = graph.values[name].data if name in graph.values else None
            if data is not None:
                data[first : first + 4] = 0
    return graph


def left(graph: Graph) -> int:
    """Heads of its attention."""
    return dims_of(call_of(graph, next(n for n in graph if n.op == "attention")))[1]


@pytest.mark.parametrize("form", FORMS)
def test_heads_go_with_all_that_is_theirs(form: str) -> None:
    graph = network(form, unread=[1], silent=[0])
    result = optimised(graph, RemoveDeadChannels())
    assert left(result) == 1
    (reader,) = [n for n in result if n.outputs[0] in result.outputs]
    assert result.type(reader.inputs[1]).shape == (7, 4)
    made = [n for n in result if n.op == "linear" and n is not reader]
    assert sum(result.type(n.outputs[0]).shape[-1] for n in made) == 12
    assert total_macs(result) < 0.5 * total_macs(graph)
    bind(result)


def test_all_heads_or_none() -> None:
    assert left(optimised(network("q, k, v", [], []), RemoveDeadChannels())) == 3
    assert left(optimised(network("q, k, v", [0, 1], [2]), RemoveDeadChannels())) == 1
    shown = network("q, k, v", [1], [])
    shown.outputs.append("a")
    assert left(optimised(shown, RemoveDeadChannels())) == 3


def test_masks_of_heads_keep_their_heads() -> None:
    text = FORMS["q, k, v"].replace("%a =", "const %m: f32[1, 3, 5, 5] = random(5)\n%a =")
    text = text.replace("(%l, %l, %l)", "(%l, %l, %l, %m)")
    scales = [0.01] * 7
    graph = graph_of(text.replace("output %a", READER.format(rows=5, scales=scales)))
    weights = graph.values["u"].data
    assert weights is not None
    weights.reshape(7, 3, 4)[:, 1] = 0
    assert left(optimised(graph, RemoveDeadChannels())) == 3


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    form=st.sampled_from(sorted(FORMS)),
    unread=st.lists(st.integers(0, 2), max_size=2),
    silent=st.lists(st.integers(0, 2), max_size=2),
    seed=st.integers(0, 99),
)
def test_drawn_heads(form: str, unread: list[int], silent: list[int], seed: int) -> None:
    graph = network(form, unread, silent)
    result = graph.copy()
    RemoveDeadChannels().run(result)
    bind(result)
    assert left(result) == max(1, 3 - len({*unread, *silent})) or form == "clamped"
    for sample in draw_inputs(graph, 3, seed=seed):
        want, got = evaluate(graph, sample), evaluate(result, sample)
        for v, w in zip(graph.outputs, result.outputs, strict=True):
            np.testing.assert_array_equal(got[w], want[v])
    assert ops(result).count("attention") == 1


def test_a_vision_transformer_with_pruned_heads() -> None:
    pytest.importorskip("torch")
    less = lowered("tests.e2e.models:pruned_vit")
    assert less.whole is not None and less.dead is not None
    heads = [dims_of(call_of(less.graph, n))[1] for n in less.graph if n.op == "attention"]
    assert heads == [3, 2]
    assert less.dead["weights"] < 0.85 * less.dead["weights_before"]
    for sample in less.samples:
        (want,), (got,) = (evaluate(x, sample).values() for x in (less.whole, less.graph))
        assert np.array_equal(got, want)
