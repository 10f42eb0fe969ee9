"""Rows of a layer computed by several threads: what may be split, the same bytes, no races."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from edgec import prove
from edgec.build import write_files
from edgec.codegen.library import Library, generate
from edgec.codegen.toolchain import build_runner
from edgec.ir import Graph
from edgec.ir.parse import parse
from edgec.ops.base import infer_types
from edgec.ops.interpret import evaluate
from edgec.schedule import check_plan, make_plan
from edgec.schedule.plan import Plan
from edgec.sim.linux import LinuxRunner
from edgec.sim.process import HostRunner
from edgec.spread import spread
from edgec.target import load_target

IMAGE = """
graph image for {features}
input %image: i8[1, 24, 20, 3] NHWC q(0.05, 3)
const %conv.w: i8[20, 3, 3, 3] q(0.02) = random(1)
const %dw.w: i8[3, 3, 20] q(0.02) = random(2)
const %pw.w: i8[12, 1, 1, 20] q(0.02) = random(3)
const %fc.w: i8[5, 12] q(0.02) = random(4)
%conv = conv2d(%image, %conv.w) {padding=(1, 1, 1, 1), activation="relu"} : i8 q(0.1, -128) @ stem.conv
%dw = depthwise_conv2d(%conv, %dw.w) {padding=(1, 1, 1, 1)} : i8 q(0.2, 5) @ stem.dw
%sum = add(%conv, %dw) : i8 q(0.2, -3) @ stem
%pw = conv2d(%sum, %pw.w) : i8 q(0.3, 2) @ pw
%pool = mean(%pw) {axes=(1, 2), keepdims=false} : i8 q(0.1, 0) @ pool
%logits = linear(%pool, %fc.w) : i8 q(0.1, 1) @ head
output %logits
"""
TOKENS = """
graph tokens for {features}
input %tokens: i8[1, 37, 32] q(0.04, -2)
const %gamma: f32[32] = random(1)
const %beta: f32[32] = random(2)
const %qkv.w: i8[96, 32] q(0.02) = random(3)
const %out.w: i8[32, 32] q(0.02) = random(4)
%norm = layer_norm(%tokens, %gamma, %beta) {epsilon=1e-05} : i8 q(0.03, 0) @ norm
%qkv = linear(%norm, %qkv.w) : i8 q(0.05, 0) @ qkv
%context = attention(%qkv, %qkv, %qkv) {dims=(1, 2, 37, 37, 16, 16), q_view=(0, 0, 16, 96), k_view=(32, 0, 16, 96), v_view=(64, 0, 16, 96), scale=0.25} : i8 q(0.05, 0) @ attn
%merged = reshape(%context) {shape=(1, 37, 32)} : i8 q(0.05, 0) @ attn
%proj = linear(%merged, %out.w) : i8 q(0.05, 0) @ proj
%sum = add(%tokens, %proj) : i8 q(0.08, -1) @ sum
%act = pointwise(%sum) {fn="gelu"} : i8 q(0.05, -120) @ act
output %act
"""  # noqa: E501
MODELS = {"image": IMAGE, "tokens": TOKENS}
FEATURES = {"cortex-a53": "neon", "cortex-a76": "dotprod, neon"}
MAIN = Path(__file__).parent / "threads_main.c"

every_model = pytest.mark.parametrize("name", MODELS)


def made(name: str, target: str = "cortex-a76") -> tuple[Graph, Plan, Library]:
    text = MODELS[name].replace("{features}", FEATURES[target])
    graph = parse(text, infer=infer_types)
    assert graph.features == load_target(target).features
    plan = spread(graph, make_plan(graph, regions=False))
    check_plan(graph, plan)
    return graph, plan, generate(graph, plan, load_target(target))


def flags(library: Library) -> list[str]:
    """Per layer whether its rows may be split, as the library has it."""
    table = library.files["src/model.c"].split("model_parallel[")[1].split("};")[0]
    return [line.split(",")[0].strip() for line in table.splitlines()[1:]][: len(library.layers)]


@every_model
def test_every_layer_may_be_split(name: str) -> None:
    assert set(flags(made(name)[2])) == {"1"}


def test_what_lies_over_its_operand_is_not_split() -> None:
    graph = parse(MODELS["image"].replace("{features}", "neon"), infer=infer_types)
    library = generate(graph, make_plan(graph, regions=False), load_target("cortex-a53"))
    assert "0" in flags(library)


def test_boards_have_no_threads() -> None:
    graph, plan, _ = made("image")
    files = generate(graph, plan, load_target("stm32f746")).files
    assert not any("threads" in name or "MODEL_SPLIT" in text for name, text in files.items())


@pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")
@pytest.mark.parametrize("sanitizer", ["thread", "address,undefined"])
@every_model
def test_threads_give_the_same_bytes_without_races(name: str, sanitizer: str, tmp_path: Path) -> None:
    write_files(tmp_path, made(name)[2].files)
    src = tmp_path / "src"
    files = [str(p) for p in (*sorted(src.rglob("*.c")), MAIN)]
    options = [
        "-std=c11",
        "-O1",
        "-g",
        "-Wall",
        "-Wextra",
        "-Wconversion",
        "-Werror",
        f"-fsanitize={sanitizer}",
    ]
    program = tmp_path / "program"
    command = ["gcc", *options, f"-I{src}", f"-I{src / 'kernels'}", *files, "-pthread", "-o", str(program)]
    subprocess.run(command, check=True)
    done = subprocess.run([str(program)], capture_output=True, text=True, timeout=300)
    if "unexpected memory mapping" in done.stderr:
        pytest.skip("ThreadSanitizer does not run with this kernel's address layout")
    assert done.returncode == 0, done.stderr[:3000]


@pytest.mark.parametrize("target", FEATURES)
@every_model
def test_processors_agree_with_the_reference(name: str, target: str, tmp_path: Path) -> None:
    graph, _, library = made(name, target)
    write_files(tmp_path, library.files)
    inputs = prove.draw_inputs(graph, 2)
    want = [b"".join(y.tobytes() for y in evaluate(graph, x).values()) for x in inputs]
    data = [prove.pack_inputs(library, x) for x in inputs]
    program = tmp_path / "runner"
    program.write_bytes(build_runner(tmp_path / "src", load_target(target), strict=True))
    program.chmod(0o755)
    with LinuxRunner(program, load_target(target)) as runner:
        first, second = runner.run(data), runner.run(data)
    assert [r.outputs for r in first] == want
    counts = [r.instructions for r in first]
    assert counts == [r.instructions for r in second]
    layers = first[0].per_layer
    assert layers is not None and counts[0] is not None and first[0].cycles is None
    assert all(c.instructions > 0 and c.cycles is None for c in layers)
    assert 0 < counts[0] - sum(c.instructions for c in layers) < 100 * len(layers)
    if shutil.which("qemu-aarch64") is None:
        return
    for threads in (1, 3):
        with HostRunner(program, load_target(target), threads=threads) as runner:
            assert [r.outputs for r in runner.run(data)] == want


def test_a_wrong_argument_ends_the_program(tmp_path: Path) -> None:
    if shutil.which("qemu-aarch64") is None:
        pytest.skip("qemu-aarch64 is not installed")
    write_files(tmp_path, made("image")[2].files)
    program = tmp_path / "runner"
    program.write_bytes(build_runner(tmp_path / "src", load_target("cortex-a76")))
    program.chmod(0o755)
    for arguments in (["--threads", "0"], ["--threads"], ["--many", "2"]):
        assert subprocess.run(["qemu-aarch64", "-cpu", "max", program, *arguments]).returncode == 2


def test_spread_keeps_aliases_and_joins_together() -> None:
    graph, plan, _ = made("tokens")
    context, merged = plan.windows["context"], plan.windows["merged"]
    assert context.address == merged.address
    spans = sorted(
        (w.address, w.address + w.bytes) for v, w in plan.windows.items() if v in ("tokens", "sum")
    )
    assert spans[0][1] <= spans[1][0]
    assert np.all([w.address % 16 == 0 for w in plan.windows.values()])
    assert graph.outputs == ["act"] or graph.outputs == ("act",)
