"""split_attention: own projections, own heads, the same bytes and no more products."""

from __future__ import annotations

import numpy as np
import pytest

from edgec.ir import Graph
from edgec.ops.base import call_of, op_of
from edgec.passes.base import Changes
from edgec.passes.split_attention import SplitAttention
from edgec.pipeline import bind
from tests.passes.common import graph_of, ops, optimised

JOINT = """
    input %x: i8[1, 5, 12] q(0.05, 3)
    const %w: i8[36, 12] q(0.01) = random(1)
    const %b: i32[36] q(0.0005) = random(2)
    %l = linear(%x, %w, %b) : i8[1, 5, 36] q(0.03, -4)
    %a = attention(%l, %l, %l) {scale=0.5, dims=(1, 3, 5, 5, 4, 4), q_view=(0, 0, 4, 36),
        k_view=(12, 0, 4, 36), v_view=(24, 0, 4, 36)} : i8[1, 5, 3, 4] q(0.02, 1)
    output %a
"""
HEADED = JOINT.replace("(0, 0, 4, 36)", "(0, 0, 12, 36)").replace("(12, 0, 4, 36)", "(4, 0, 12, 36)")
FORMS = {
    "q, k, v": JOINT,
    "head by head": HEADED.replace("(24, 0, 4, 36)", "(8, 0, 12, 36)"),
    "heads backwards": JOINT.replace("(12, 0, 4, 36)", "(20, 0, -4, 36)"),
    "one key head": JOINT.replace("(12, 0, 4, 36)", "(12, 0, 0, 36)"),
    "per channel": JOINT.replace("q(0.01)", f"q({[0.002 * (k % 5 + 1) for k in range(36)]}, axis=0)"),
    "without bias": JOINT.replace("linear(%x, %w, %b)", "linear(%x, %w)"),
    "clamped": JOINT.replace("linear(%x, %w, %b)", 'linear(%x, %w, %b) {activation="relu6"}'),
    "reshaped": JOINT.replace(
        "%a = ", "%r = reshape(%l) {shape=(5, 3, 3, 4)} : i8 q(0.03, -4)\n%a = "
    ).replace("attention(%l, %l, %l)", "attention(%r, %r, %r)"),
    "one query": JOINT.replace("(1, 3, 5, 5,", "(1, 3, 1, 5,").replace("i8[1, 5, 3, 4]", "i8[1, 1, 3, 4]"),
    "keys from the third on": JOINT.replace("(1, 3, 5, 5,", "(1, 3, 5, 3,")
    .replace("(12, 0, 4, 36)", "(84, 0, 4, 36)")
    .replace("(24, 0, 4, 36)", "(96, 0, 4, 36)"),
    "two windows": JOINT.replace("i8[1, 5,", "i8[2, 5,")
    .replace("(1, 3, 5, 5,", "(2, 3, 5, 5,")
    .replace("(0, 0,", "(0, 180,")
    .replace("(12, 0,", "(12, 180,")
    .replace("(24, 0,", "(24, 180,"),
}


def macs(graph: Graph) -> int:
    return sum(op_of(n).macs(call_of(graph, n)) for n in graph)


def split(graph: Graph, heads: bool) -> Graph:
    """The graph after the pass: the same bytes, no product more, every op has a kernel."""
    result = optimised(graph, SplitAttention(heads))
    assert macs(result) <= macs(graph)
    bind(result)
    return result


def reported(graph: Graph, heads: bool = False, only: frozenset[str] | None = None) -> Changes:
    return SplitAttention(heads, only).run(graph.copy())


@pytest.mark.parametrize("form", FORMS)
def test_own_projections(form: str) -> None:
    graph = split(graph_of(FORMS[form]), heads=False)
    assert [op for op in ops(graph) if op != "reshape"] == ["linear"] * 3 + ["attention"]
    assert {n.path for n in graph if n.op == "linear"} == {"l"}
    (attention,) = [n for n in graph if n.op == "attention"]
    assert op_of(attention).overwrites(call_of(graph, attention)) == (0,)


@pytest.mark.parametrize("form", FORMS)
def test_own_heads(form: str) -> None:
    graph = split(graph_of(FORMS[form]), heads=True)
    linears = 7 if form == "one key head" else 9
    assert sorted(ops(graph)) == ["attention"] * 3 + ["concat"] + ["linear"] * linears


@pytest.mark.parametrize("kind", ["causal", "head bias", "windows and bias", "the same for all"])
def test_masks_keep_their_formats(kind: str) -> None:
    text = FORMS["two windows" if "windows" in kind else "per channel"]
    batch = 2 if "windows" in kind else 1
    rng = np.random.default_rng(3)
    mask = np.where(np.tril(np.ones((5, 5), bool)), 0, -np.inf)
    if kind != "causal":
        mask = rng.normal(0, 1, (1, 1, 5, 5))
    if "bias" in kind:  # the heads' sizes differ, and with them the formats that each would have alone
        mask = rng.normal(0, 1, (1, 3, 5, 5)) * np.array([0.1, 3.0, 25.0])[:, None, None]
    if "windows" in kind:
        mask = mask + np.where(rng.random((batch, 1, 5, 5)) < 0.3, -100, 0)
    shape = ", ".join(map(str, mask.shape))
    graph = graph_of(
        text.replace("%a =", f"const %m: f32[{shape}] = random(5)\n%a =").replace(
            "(%l, %l, %l)", "(%l, %l, %l, %m)"
        )
    )
    graph.values["m"].data = mask.astype(np.float32)
    for heads in (False, True):
        result = split(graph, heads)
        assert sum(v.data is not None and v.data.shape == mask.shape for v in result.values.values()) == 1


def test_a_mask_of_more_heads_needs_no_second_split() -> None:
    text = JOINT.replace("%a =", "const %m: f32[4, 5, 5] = random(5)\n%a =")
    text = text.replace("(%l, %l, %l) {", "(%l, %l, %l, %m) {first_head=1, ")
    assert ops(split(graph_of(text), heads=True)).count("attention") == 3


CROSS = """
    input %x: i8[1, 5, 12] q(0.05, 3)
    input %y: i8[1, 7, 8] q(0.05, 3)
    const %wq: i8[12, 12] q(0.01) = random(1)
    const %wkv: i8[24, 8] q(0.01) = random(2)
    %q = linear(%x, %wq) : i8[1, 5, 12] q(0.03, -4)
    %kv = linear(%y, %wkv) : i8[1, 7, 24] q(0.03, 7)
    %a = attention(%q, %kv, %kv) {scale=0.5, dims=(1, 3, 5, 7, 4, 4), q_view=(0, 0, 4, 12),
        k_view=(0, 0, 4, 24), v_view=(12, 0, 4, 24)} : i8[1, 5, 3, 4] q(0.02, 1)
    output %a
"""


def test_cross_attention() -> None:
    graph = graph_of(CROSS)
    assert reported(graph).refused == [("a", "its projections are separate")]
    assert sorted(ops(split(graph, heads=True))) == ["attention"] * 3 + ["concat"] + ["linear"] * 9


def test_constant_keys() -> None:
    text = JOINT.replace("%a =", "const %k: i8[1, 3, 5, 4] q(0.02, 1) = random(9)\n%a =")
    text = text.replace("(%l, %l, %l)", "(%l, %k, %l)").replace("(12, 0, 4, 36)", "(0, 0, 20, 4)")
    assert ops(split(graph_of(text), heads=False)) == ["linear", "linear", "attention"]
    graph = split(graph_of(text), heads=True)
    assert sorted(ops(graph)) == ["attention"] * 3 + ["concat"] + ["linear"] * 6
    assert all(n.inputs[1] == "k" for n in graph if n.op == "attention")


def test_queries_that_are_normed() -> None:
    text = JOINT.replace(
        "%a =",
        """%wq = linear(%x, %w) : i8[1, 5, 36] q(0.03, -4)
        %n = pointwise(%wq) {fn="tanh"} : i8[1, 5, 36] q(0.0078125)
        %a =""",
    ).replace("(%l, %l, %l)", "(%n, %l, %l)")
    refused = reported(graph_of(text)).refused
    assert refused == [("a", "q is not the result of a linear layer with constant weights")]
    graph = split(graph_of(text), heads=True)
    assert ops(graph).count("linear") == 7 and len({n.inputs[0] for n in graph if n.op == "attention"}) == 1


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (("output %a", "output %a, %l"), "the layer that computes q is read by others, too"),
        (("k_view=(12, ", "k_view=(0, "), "its operands share channels of a projection"),
        (("(12, 0, 4, 36)", "(12, 0, 2, 36)"), "the heads of k overlap"),
        (("(12, 0, 4, 36)", "(12, 0, 4, 35)"), "the heads of k are not channels of its layer"),
        (("(24, 0, 4, 36)", "(24, 0, 5, 36)"), "the heads of v are not channels of its layer"),
    ],
)
def test_left_as_they_are(change: tuple[str, str], why: str) -> None:
    graph = graph_of(JOINT.replace(*change))
    for heads in (False, True):
        changes = reported(graph, heads)
        assert changes.made == [] and changes.refused == [("a", why)]


def test_heads_of_one_channel() -> None:
    text = JOINT.replace("(1, 3, 5, 5, 4, 4)", "(1, 12, 5, 5, 1, 1)").replace(", 0, 4, 36)", ", 0, 1, 36)")
    graph = graph_of(text.replace("i8[1, 5, 3, 4]", "i8[1, 5, 12, 1]"))
    assert reported(graph, heads=True).refused == [("a", "q has heads of one channel")]


def test_only_those_named() -> None:
    graph = graph_of(JOINT)
    assert reported(graph, only=frozenset({"a"})).made
    assert not reported(graph, only=frozenset({"other"})).made
