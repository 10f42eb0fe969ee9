"""Weights fetched in slices: the same bytes by copying and by DMA, what waits cost, and when it pays."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from edgec import fast, prove
from edgec.build import write_files
from edgec.codegen.library import Library, generate
from edgec.codegen.tests import test_files as files_of_tests
from edgec.codegen.toolchain import build_firmware
from edgec.ir import Graph
from edgec.ops.interpret import evaluate
from edgec.schedule import make_plan
from edgec.schedule.plan import Plan
from edgec.schedule.prefetch import STEP, Prefetch, cut_of, fetch_cycles, slices
from edgec.sim.board import SimRunner
from edgec.target import Target, load_target
from tests.schedule.layers import Net

BLOCKS = {"up": 8, "down": 32, "wide": 16}
"""Layers for 37 tokens, and the rows of a block of each."""
HALF = 1024
DISCO = load_target("stm32f746g-disco")


def qspi(**changes: int) -> Target:
    """The board with its weights in QSPI flash, whatever their size, which is as fast as `changes` say."""
    flash, memory = (next(r for r in DISCO.regions if r.name == n) for n in ("flash", "qspi"))
    new = {
        "flash": replace(flash, holds=("code", "rodata")),
        "qspi": replace(memory, **changes),  # type: ignore[arg-type]
    }
    return replace(DISCO, regions=tuple(new.get(r.name, r) for r in DISCO.regions))


@cache
def made(dual: str = "dual") -> tuple[Graph, Plan, Library, Library, Prefetch]:
    """Graph, plan, the library without and with slices, and these."""
    n = Net("fetched", 0)
    up = n.linear(n.input(37, 48), 150, "relu")
    down = n.linear(up, 40)
    wide = n.linear(up, 22)
    n.wide.add(wide)
    row = n.op("mean", [down], {"axes": (1,), "keepdims": True})
    graph = n.integer(wide, n.linear(row, 8))
    graph.features = frozenset({"dsp", dual} - {""})
    linear = [node for node in graph.nodes() if node.op == "linear"]
    for node in linear:
        name = {150: "up", 40: "down", 22: "wide", 8: "alone"}[graph.type(node.outputs[0]).shape[-1]]
        node.path = name
        if name in BLOCKS:
            node.attrs = {**node.attrs, "block": BLOCKS[name]}
    plan = make_plan(graph)
    plain = generate(graph, plan, DISCO)
    kernels = {x.node.name: x.kernel for x in plain.layers if x.kernel.cut is not None}
    prefetch = slices(kernels, HALF)
    return graph, plan, plain, generate(graph, plan, DISCO, prefetch=prefetch), prefetch


@pytest.mark.parametrize("dual", ["dual", ""])
def test_slices_are_the_whole_table(dual: str) -> None:
    _, _, plain, library, prefetch = made(dual)
    assert list(prefetch.nodes) == [x.node.name for x in plain.layers if x.title in BLOCKS]
    assert any(x.kernel.function == "ec_linear_s16_dsp" for x in plain.layers if x.title == "wide")
    for layer in plain.layers:
        parts = prefetch.nodes.get(layer.node.name, ())
        if parts:
            data = cut_of(layer.kernel)[1]
            assert [p.first for p in parts] == [sum(q.results for q in parts[:k]) for k in range(len(parts))]
            assert [p.offset for p in parts] == [sum(q.bytes for q in parts[:k]) for k in range(len(parts))]
            assert sum(p.results for p in parts) == layer.call.outs[0].shape[-1]
            assert sum(p.bytes for p in parts) == data.nbytes
            assert all(p.first % STEP == 0 and 0 < p.bytes <= HALF and p.bytes % 4 == 0 for p in parts)
    assert library.hash != plain.hash and library.window_bytes == 2 * HALF


def test_only_what_fits_and_is_more_than_one_slice() -> None:
    plain = made()[2]
    kernels = {x.title: x.kernel for x in plain.layers if x.kernel.cut is not None}
    sizes = {title: cut_of(kernel)[1].nbytes for title, kernel in kernels.items()}
    # Four results of `down` and `wide` take 4 * (152 + 8) bytes.
    assert set(slices(kernels, 639).nodes) == {"up"}
    assert set(slices(kernels, 640).nodes) == {"up", "down", "wide"}
    assert set(slices(kernels, sizes["wide"] + 320).nodes) == {"up", "down"}


@pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")
@pytest.mark.parametrize("dual", ["dual", ""])
def test_copied_where_nobody_fetches(dual: str, tmp_path: Path) -> None:
    graph, plan, _, library, _ = made(dual)
    seen: dict[str, np.ndarray] = {}
    evaluate(graph, prove.draw_inputs(graph, 1)[0], seen.__setitem__)
    seen |= prove.draw_inputs(graph, 1)[0]
    write_files(tmp_path, {**library.files, **files_of_tests(graph, plan, library, seen)})
    sources = [str(p) for p in sorted(tmp_path.rglob("*.c"))]
    flags = ["-std=c11", "-O1", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-fsanitize=address,undefined"]
    folders = [f"-I{tmp_path}/src", f"-I{tmp_path}/src/kernels"]
    program = tmp_path / "run_tests"
    subprocess.run(["gcc", *flags, *folders, *sources, "-o", str(program)], check=True)
    done = subprocess.run([str(program), str(tmp_path / "tests" / "vectors")], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("ok ") == len(library.layers) + 1


def run(library: Library, target: Target, folder: Path, model_c: str | None = None) -> tuple[bool, int]:
    """Whether all bytes of three inferences on the simulated board are the reference's; cycles of one."""
    graph = made()[0]
    write_files(folder, library.files)
    if model_c is not None:
        (folder / "src" / "model.c").write_text(model_c)
    proof = prove.prepare(graph, prove.draw_inputs(graph, 3), lambda _done, _total: None)
    with SimRunner(build_firmware(folder / "src", target, strict=True).elf, target) as runner:
        results = runner.run([prove.pack_inputs(library, x) for x in proof.inputs])
    wanted = [
        b"".join(np.ascontiguousarray(y[p.value]).tobytes() for p in library.outputs) for y in proof.outputs
    ]
    assert results[0].cycles is not None
    return [r.outputs for r in results] == wanted, results[0].cycles


def test_by_dma(tmp_path: Path) -> None:
    _, _, plain, library, _ = made()
    same, before = run(plain, qspi(), tmp_path / "plain")
    fetched, after = run(library, qspi(), tmp_path / "fetched")
    assert same and fetched and after < 0.9 * before
    # What arrives is there when it has been waited for, and not before.
    text = library.files["src/model.c"]
    assert text.count("            MODEL_FETCH_WAIT();\n") == 3
    early = run(library, qspi(), tmp_path / "early", text.replace("            MODEL_FETCH_WAIT();\n", ""))
    assert not early[0]


def test_waiting_takes_what_the_memory_takes(tmp_path: Path) -> None:
    graph, _, _, library, prefetch = made()
    slow = qspi(wait_states=400, beat_cycles=400, next_states=400)
    home = next(r for r in slow.regions if r.name == "qspi")
    blocks = {name: -(-37 // rows) for name, rows in BLOCKS.items()}
    least = sum(
        blocks[graph.node(n).path] * fetch_cycles(home, p.bytes)
        for n, parts in prefetch.nodes.items()
        for p in parts
    )
    same, cycles = run(library, slow, tmp_path)
    assert same and least * 0.99 < cycles < least * 1.3


def test_core_and_dma_share_the_memory(tmp_path: Path) -> None:
    library = made()[3]
    text, begin = (
        library.files["src/model.c"],
        "    MODEL_FETCH_BEGIN(window[0], slices[0].from, slices[0].bytes);\n",
    )
    lines = 16
    byte = "((const volatile uint8_t *)slices[0].from)[32 * q]"
    reads = f"    for (int32_t q = 0; q < {lines}; q++) {{ (void){byte}; }}\n"
    before = run(library, qspi(), tmp_path / "before", text.replace(begin, reads + begin, 1))
    during = run(library, qspi(), tmp_path / "during", text.replace(begin, begin + reads, 1))
    assert before[0] and during[0]
    # By themselves the reads would hide behind the copy; so each costs it the line, and another access.
    assert during[1] > before[1] + lines * 100


def test_it_is_chosen_where_it_saves_cycles() -> None:
    graph, plan, library, _, _ = made()
    home = next(r for r in DISCO.regions if r.name == "qspi")

    def chosen(room: int, memory: str = "qspi") -> Prefetch | None:
        region = next(r for r in DISCO.regions if r.name == memory)
        return fast._chosen(graph, plan, library, DISCO, region, 8192, 8192 + room).prefetch

    assert home.fetch and not DISCO.boot.fetch
    assert chosen(6000, "flash") is None and chosen(1000) is None
    found = chosen(6000)
    assert found is not None and found.room <= 6000
    assert {graph.node(n).path for n in found.nodes} <= {"up", "down", "wide"}
    assert chosen(100_000) is None  # all tables fit
