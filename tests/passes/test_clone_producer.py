"""rerun_sites and clone_producer: what can be run twice, what it costs, and the same bytes."""

from __future__ import annotations

import pytest

from edgec.codegen.library import generate
from edgec.ir import Graph
from edgec.ir.verify import verify
from edgec.ops.base import call_of, infer_types, op_of
from edgec.passes.clone_producer import CloneProducer
from edgec.passes.merge_equal import MergeEqual
from edgec.passes.rerun_sites import Site, rerun_sites
from edgec.passes.split_attention import SplitAttention
from edgec.schedule import make_plan
from edgec.target import load_target
from tests.passes.common import graph_of, ops, optimised, same_function

BLOCK = """
    %nK = layer_norm(%xK, %g, %g) {epsilon=1e-5, rms=false} : i8[1, 9, 12] q(0.02, 3)
    %lK = linear(%nK, %w, %b) : i8[1, 9, 36] q(0.03, -4)
    %aK = attention(%lK, %lK, %lK) {scale=0.5, dims=(1, 3, 9, 9, 4, 4), q_view=(0, 0, 4, 36),
        k_view=(12, 0, 4, 36), v_view=(24, 0, 4, 36)} : i8[1, 9, 3, 4] q(0.02, 1)
    %rK = reshape(%aK) {shape=(1, 9, 12)} : i8 q(0.02, 1)
    %oK = linear(%rK, %v) : i8[1, 9, 12] q(0.03, 2)
    %xN = add(%xK, %oK) : i8[1, 9, 12] q(0.05, 0)
"""
TRANSFORMER = (
    """
    input %x0: i8[1, 9, 12] q(0.05, 3)
    const %w: i8[36, 12] q(0.01) = random(1)
    const %b: i32[36] q(0.0002) = random(2)
    const %v: i8[12, 12] q(0.01) = random(3)
    const %g: f32[12] = random(4)
    """
    + BLOCK.replace("K", "0").replace("N", "1")
    + BLOCK.replace("K", "1").replace("N", "2")
    + "output %x2"
)
SQUEEZE = """
    input %x: i8[1, 12, 12, 4] q(0.05, 3)
    const %we: i8[16, 1, 1, 4] q(0.01) = random(1)
    const %wd: i8[3, 3, 16] q(0.01) = random(2)
    const %wg: i8[16, 16] q(0.01) = random(3)
    const %wp: i8[4, 1, 1, 16] q(0.01) = random(4)
    %e = conv2d(%x, %we) {stride=(1, 1), padding=(0, 0, 0, 0), dilation=(1, 1), groups=1} : i8 q(0.04, 1)
    %s = pointwise(%e) {fn="hard_swish"} : i8[1, 12, 12, 16] q(0.04, 1)
    %d = depthwise_conv2d(%s, %wd) {stride=(1, 1), padding=(1, 1, 1, 1), dilation=(1, 1)} : i8 q(0.03, 2)
    %m = mean(%d) {axes=(1, 2), keepdims=false} : i8[1, 16] q(0.02, 0)
    %f = linear(%m, %wg) : i8[1, 16] q(0.03, 0)
    %h = pointwise(%f) {fn="hard_sigmoid"} : i8[1, 16] q(0.00390625, -128)
    %r = reshape(%h) {shape=(1, 1, 1, 16)} : i8 q(0.00390625, -128)
    %p = mul(%d, %r) : i8[1, 12, 12, 16] q(0.02, 1)
    %y = conv2d(%p, %wp) {stride=(1, 1), padding=(0, 0, 0, 0), dilation=(1, 1), groups=1} : i8 q(0.04, 1)
    %z = add(%x, %y) : i8[1, 12, 12, 4] q(0.05, 0)
    output %z
"""
PLAIN = SQUEEZE.replace("%z = add(%x, %y)", "%z = add(%y, %y)")


def macs(graph: Graph) -> int:
    return sum(op_of(n).macs(call_of(graph, n)) for n in graph)


def rerun(graph: Graph, sites: list[Site]) -> Graph:
    """The graph with second runs: the same bytes, and as many more products as the sites say."""
    result = optimised(graph, CloneProducer(tuple(sites)))
    assert macs(result) == macs(graph) + sum(s.macs for s in sites)
    assert len({n.name for n in result}) == len(result)
    return result


def halves(heads: bool) -> Graph:
    graph = graph_of(TRANSFORMER)
    SplitAttention(heads).run(graph)
    verify(graph, infer_types)
    return graph


def test_a_norm_before_keys_and_queries_costs_nothing() -> None:
    graph = halves(heads=False)
    sites = rerun_sites(graph)
    assert [(s.value, s.chain, s.macs, s.held) for s in sites] == [
        ("n0", ("n0",), 0, 0),
        ("n1", ("n1",), 0, 0),
    ]
    assert sites[0].kind == sites[1].kind and sites[0].inputs == ("x0",)
    result = rerun(graph, sites)
    assert ops(result).count("layer_norm") == 4
    for attention in (n for n in result if n.op == "attention"):
        q, k, v = (result.producer(x) for x in attention.inputs)
        assert q is not None and k is not None and v is not None
        assert k.inputs[0] == v.inputs[0] != q.inputs[0]
        norms = [result.producer(x.inputs[0]) for x in (q, k)]
        assert [n.path for n in norms if n is not None] == [k.inputs[0]] * 2


def test_every_head_has_its_loops() -> None:
    graph = halves(heads=True)
    sites = rerun_sites(graph)
    assert len(sites) == 2 * 5 and len({s.kind for s in sites}) == 2
    assert {len(s.consumers) for s in sites} == {1, 2}
    result = rerun(graph, sites)
    assert ops(result).count("layer_norm") == 2 * 6
    norms = [n for n in result if n.op == "layer_norm"]
    assert all(len({u.op for u, _ in result.consumers(n.outputs[0])}) == 1 for n in norms)


def test_a_joint_projection_is_paid_for() -> None:
    graph = graph_of(TRANSFORMER)
    sites = rerun_sites(graph)
    assert [(s.chain, s.held) for s in sites[:2]] == [(("l0",), 9 * 12), (("n0", "l0"), 0)]
    assert [s.chain for s in sites[2:]] == [("l1",), ("n1", "l1")]
    rerun(graph, [sites[1], sites[2]])


def test_a_gate_that_needs_the_map_first() -> None:
    graph = graph_of(SQUEEZE)
    (site,) = rerun_sites(graph)
    assert (site.value, site.consumers, site.chain) == ("d", (("p", 0),), ("e", "s", "d"))
    assert site.macs == 12 * 12 * (16 * 4 + 16 * 9) and site.held == 0
    result = rerun(graph, [site])
    assert [n.path for n in result].count("d") == 2 and result.producer("m") is not None


def test_what_must_be_held_for_the_second_run() -> None:
    (site,) = rerun_sites(graph_of(PLAIN))
    assert site.held == 12 * 12 * 4 and site.inputs == ("x",)
    assert rerun_sites(graph_of(PLAIN), most=0.1) == []


def test_sites_end_at_barriers_and_nothing_crosses_none() -> None:
    chain = SQUEEZE[: SQUEEZE.index("%m =")] + "output %d"
    assert rerun_sites(graph_of(chain)) == []
    causal = TRANSFORMER.replace("(%l0, %l0, %l0)", "(%l0, %l0, %l0, %m)").replace(
        "const %w:", "const %m: f32[9, 9] = random(8)\nconst %w:"
    )
    graph = graph_of(causal)
    data = graph.values["m"].data
    assert data is not None
    data[:] = 0
    for i in range(9):
        data[i, i + 1 :] = -1e9
    SplitAttention().run(graph)
    assert [s.value for s in rerun_sites(graph)] == ["n1"]


def test_second_runs_of_second_runs() -> None:
    once = rerun(halves(heads=True), rerun_sites(halves(heads=True)))
    again = rerun_sites(once)
    result = once.copy()
    CloneProducer(tuple(again)).run(result)
    verify(result, infer_types)
    same_function(once, result)


def test_a_consumer_gets_one_second_run() -> None:
    graph = graph_of(SQUEEZE)
    (site,) = rerun_sites(graph)
    changes = CloneProducer((site, site)).run(graph)
    assert len(changes.made) == 1 and changes.refused == [("d", "another run feeds its consumers already")]


@pytest.mark.parametrize("text", [SQUEEZE, PLAIN])
def test_merging_undoes_it(text: str) -> None:
    graph = graph_of(text)
    before = ops(graph)
    CloneProducer(tuple(rerun_sites(graph))).run(graph)
    MergeEqual().run(graph)
    assert ops(graph) == before


def test_weights_are_stored_once() -> None:
    graph = graph_of(SQUEEZE)
    result = rerun(graph, rerun_sites(graph))
    sizes = [generate(g, make_plan(g), load_target("host")).weight_bytes for g in (graph, result)]
    assert sizes[0] == sizes[1]
