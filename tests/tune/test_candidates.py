"""What a layer can be computed by: never by a kernel that its target cannot run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgec.build import write_files
from edgec.codegen.toolchain import build_firmware
from edgec.ir import Graph, Node
from edgec.ir.parse import parse
from edgec.ir.text import constant_table, to_text
from edgec.ops.base import call_of, op_of
from edgec.ops.interpret import evaluate
from edgec.prove import draw_inputs, pack_inputs
from edgec.report.estimates import apart
from edgec.report.schema import Layer
from edgec.runners import simulated
from edgec.schedule.blocks import in_blocks
from edgec.schedule.cost import Costs, spent, spent_by
from edgec.schedule.forms import form_of
from edgec.schedule.work import job_of
from edgec.target import FEATURES, load_target, targets
from edgec.tune.candidates import Candidate, candidates, choosable, one_layer
from edgec.tune.measure import bench, compiled
from tests.tune.layers import mixed

BOARDS = [t.name for n in targets() if (t := load_target(n)).is_mcu]


def all_of(graph: Graph) -> list[tuple[Node, Candidate]]:
    return [(node, c) for node, found in choosable(graph) for c in found]


@pytest.mark.parametrize("cpu", FEATURES)
def test_no_kernel_is_a_candidate_that_the_processor_cannot_run(cpu: str) -> None:
    graph, own = mixed(*FEATURES[cpu]), set(FEATURES[cpu])
    layers = [n for n in graph.nodes() if not op_of(n).is_alias]
    for node in layers:
        found = candidates(graph, node)
        assert found[0].kernel.function == op_of(node).kernel(call_of(graph, node)).function
        for candidate in found:
            assert set(candidate.family) <= own
            assert candidate.kernel.feature in {"", *own}
            single = one_layer(graph, node, candidate)
            made = op_of(node).kernel(call_of(single, single.node("layer")))
            assert made.function == candidate.kernel.function
            assert (made.needs, made.block) == (candidate.kernel.needs, candidate.kernel.block)


@pytest.mark.parametrize("cpu", FEATURES)
def test_a_family_of_another_processor_is_not_used(cpu: str) -> None:
    graph, every = mixed(*FEATURES[cpu]), {f for found in FEATURES.values() for f in found}
    for node in graph.nodes():
        node.attrs["family"] = tuple(sorted(every))
        assert call_of(graph, node).features == set(FEATURES[cpu])
        node.attrs["family"] = ()
        assert call_of(graph, node).features == frozenset()


def test_all_families_and_blocks_are_tried_each_once() -> None:
    def ways(op: str, *features: str) -> list[tuple[tuple[str, ...], int]]:
        graph = mixed(*features)
        return [(c.family, c.block) for n, c in all_of(graph) if n.op == op]

    plain = [((), b) for b in (0, 2, 4, 8, 16, 32)]
    assert ways("linear") == plain
    assert ways("add") == []  # one way only: no choice
    dual = ways("linear", "dsp", "dual")
    assert dual[0] == (("dsp", "dual"), 0) and (("dsp",), 0) in dual
    assert [w for w in dual if not w[0]] == plain
    assert {f for f, _ in dual} == {("dsp", "dual"), ("dsp",), ()}
    # It has no kernel of its own for dual: each kernel is one candidate.
    assert len(ways("add", "dsp", "dual")) == len(ways("add", "dsp")) == 2


def test_the_choice_prints_and_parses() -> None:
    graph = mixed("dsp", "dual")
    for node, candidate in all_of(graph):
        layer = one_layer(graph, node, candidate)
        again = parse(to_text(layer), constant_table(layer))
        assert again.node("layer").attrs == layer.node("layer").attrs
        assert to_text(again) == to_text(layer)


def test_equal_layers_are_equal_graphs() -> None:
    graph = mixed("dsp")
    (node, first), *_ = all_of(graph)
    other = graph.copy()
    other.node(node.name).path = "another.path"
    assert to_text(one_layer(graph, node, first)) == to_text(one_layer(other, other.node(node.name), first))


def test_every_candidate_gives_the_same_bytes(tmp_path: Path) -> None:
    target = load_target("stm32f746")
    graph = mixed(*FEATURES[target.cpu])
    board, seen = bench(target, graph), set()
    for k, (node, candidate) in enumerate(all_of(graph)):
        if candidate.block not in (0, 4):
            continue
        layer = one_layer(graph, node, candidate)
        (sample,) = draw_inputs(layer, 1)
        library = compiled(layer, board)
        assert [x.kernel.function for x in library.layers] == [candidate.kernel.function]
        write_files(tmp_path / str(k), library.files)
        source = tmp_path / str(k) / "src"
        with simulated(build_firmware(source, board).elf, board, source) as runner:
            (result,) = runner.run([pack_inputs(library, sample)])
        (want,) = evaluate(layer, sample).values()
        assert np.array_equal(np.frombuffer(result.outputs, want.dtype), want.ravel()), candidate
        seen.add((candidate.kernel.function, candidate.kernel.needs))
    assert len(seen) > 8


@pytest.mark.parametrize("name", BOARDS)
def test_a_bench_has_room_and_weights_where_the_model_has_them(name: str) -> None:
    target, graph = load_target(name), mixed()
    graph.add_constant("large", np.zeros(1 << 20, np.int8))
    made = bench(target, graph)
    if target.is_qemu:
        assert made == target
        return
    assert made.sram.address == target.sram.address and made.sram.size >= 16 << 20
    assert made.boot == replace(target.boot, holds=made.boot.holds)
    roomy = [r for r in target.weight_regions if r.size > 1 << 20] or [target.weight_regions[-1]]
    assert [r.name for r in made.weight_regions] == [roomy[0].name]
    assert [r.name for r in made.regions] == [r.name for r in target.regions]


# -- costs ----------------------------------------------------------------


def test_a_measured_cost_counts_where_there_is_one() -> None:
    graph = mixed()
    node = next(n for n in graph.nodes() if n.op == "linear")
    call = call_of(graph, node)
    costs = Costs(measured={form_of(node, call, op_of(node).kernel(call)): 5.0})
    plain, known = spent_by(graph, None), spent_by(graph, None, costs)
    assert known.layers == {**plain.layers, node.name: 5}
    assert plain.cycles - known.cycles == plain.layers[node.name] - 5
    wide = in_blocks(graph, {node.name: 4})  # another form, which was not measured
    assert spent_by(wide, None, costs).layers[node.name] > 5


def test_passes_beyond_those_that_were_measured_cost_their_reads() -> None:
    graph = in_blocks(mixed(), {n.name: 4 for n in mixed().nodes() if n.op == "linear"})
    node = next(n for n in graph.nodes() if n.op == "linear")
    call = call_of(graph, node)
    kernel = op_of(node).kernel(call)
    costs = Costs(byte=1.0, measured={form_of(node, call, kernel): 360.0})

    def cycles(*steps: int) -> int:
        return spent(graph, job_of(graph), [(node.name, n) for n in steps], costs).layers[node.name]

    tables = sum(getattr(f.value, "nbytes", 0) for f in kernel.fields.values())
    assert cycles(36) == cycles(4, 32) == 360
    assert cycles(18, 18) == 360 + tables  # ten passes instead of nine
    assert cycles(36, 36) == 720


def test_how_far_estimates_are_off() -> None:
    def layer(name: str, estimate: int, cycles: int) -> Layer:
        return Layer(
            name=name, op="x", region=0, macs=0, live_bytes=0, cycles=cycles, cycles_estimate=estimate
        )

    found = apart([layer("a", 110, 100), layer("b", 150, 300), layer("tiny", 50, 1)])
    assert found is not None
    assert found.layer == "b" and found.worst == 0.5
    assert found.average == pytest.approx((10 + 150 + 49) / 401)
    assert apart([]) is None
