"""The push interface: every way to feed it and to misuse it, on the host and on the simulated board."""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from edgec import replay
from edgec.codegen import toolchain
from edgec.codegen.tools import arm_gcc
from edgec.diagnostics import Diagnostic
from edgec.resources import resource_dir
from edgec.schedule import Step, check_plan
from edgec.sim.board import SimRunner
from edgec.sim.process import HostRunner, ProcessRunner, QemuRunner
from edgec.sim.protocol import Frame
from edgec.sim.runner import Runner
from edgec.target import load_target

from . import streams

MAIN = Path(__file__).parent / "stream_main.c"
BOARD = load_target("stm32f746")
FLAGS = ["-std=c11", "-O1", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-fsanitize=address,undefined"]

needs_gcc = pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")
needs_gpp = pytest.mark.skipif(shutil.which("g++") is None, reason="needs g++")
every_plan = pytest.mark.parametrize("name", streams.PLANS)


def host(name: str, folder: Path, main: Path) -> Runner:
    """A program with sanitizers, its main() from a file."""
    src, firmware = streams.sources(name, folder), resource_dir("firmware")
    extra = [firmware / "boards" / "host" / "board.c", firmware / "runtime" / "link.c", main]
    files = [str(p) for p in (*sorted(src.rglob("*.c")), *extra)]
    includes = [f"-I{p}" for p in (src, src / "kernels", firmware / "runtime")]
    program = folder / "program"
    subprocess.run(["gcc", *FLAGS, *includes, *files, "-o", str(program)], check=True)
    return ProcessRunner("host program", [str(program)], timeout=30)


def board(name: str, folder: Path, main: Path, monkeypatch: pytest.MonkeyPatch) -> Runner:
    """A firmware on the simulated board, its main() from a file."""
    plain = toolchain._runtime

    def replaced(*names: str) -> list[Path]:
        return [main if p.name == "main.c" else p for p in plain(*names)]

    monkeypatch.setattr(toolchain, "_runtime", replaced)
    firmware = toolchain.build_firmware(streams.sources(name, folder), BOARD, strict=True)
    return SimRunner(firmware.elf, BOARD)


def check(runner: Runner, model: streams.Model) -> None:
    """All uses and misuses that stream_main.c has."""
    for rows in (1, 2, 3, 1000, 0, 1):
        got = runner.exchange("U", struct.pack("<I", rows) + model.inputs)
        assert got == model.outputs, f"{rows} rows at a time"
    assert runner.exchange("T", model.inputs) == model.outputs
    for _ in range(2):
        reply = runner.exchange("M", model.inputs)
        assert struct.unpack_from("<I", reply) == (0,), "check that failed, see stream_main.c"
        assert reply[4:] == model.outputs


@every_plan
def test_the_plans_are_safe(name: str) -> None:
    check_plan(streams.model(name).graph, streams.model(name).plan)


@needs_gcc
@every_plan
def test_uses_and_misuses_on_the_host(name: str, tmp_path: Path) -> None:
    with host(name, tmp_path, MAIN) as runner:
        check(runner, streams.model(name))


@every_plan
def test_uses_and_misuses_on_the_board(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with board(name, tmp_path, MAIN, monkeypatch) as runner:
        check(runner, streams.model(name))


@every_plan
def test_the_firmware_on_the_board(name: str, tmp_path: Path) -> None:
    model = streams.model(name)
    firmware = toolchain.build_firmware(streams.sources(name, tmp_path), BOARD, strict=True)
    with SimRunner(firmware.elf, BOARD) as runner:
        results = runner.run([model.inputs] * 3)
        assert [r.outputs for r in results] == [model.outputs] * 3
        assert results[0].arena_used is not None
        assert results[0].arena_used <= model.plan.arena
        assert results[0].stack_used is not None
        assert results[0].stack_used <= firmware.stack_bound
        assert replay.steps(runner, replay.load(tmp_path), lambda _done, _of: None) is None
        assert replay.model(runner, replay.load(tmp_path)) is None


def test_a_damaged_row_is_sent_again(tmp_path: Path) -> None:
    """Over the link: nothing of a frame counts before it has proved intact."""
    model = streams.model("one row")
    row = model.library.inputs[0].type.row_bytes
    firmware = toolchain.build_firmware(streams.sources("one row", tmp_path), BOARD)
    with SimRunner(firmware.elf, BOARD) as runner:
        runner.identify()
        assert struct.unpack("<2I", runner.exchange("B")) == (0, row)
        first = model.inputs[:row]
        damaged = bytearray(Frame("D", 7, first).encode())
        damaged[20] ^= 1
        assert runner._transfer(bytes(damaged), 7) == Frame("e", 7, argument=1)
        for wrong in (first + b"\0", first * 2):
            assert runner._transfer(Frame("D", 8, wrong).encode(), 8) == Frame("e", 8, argument=4)
        with pytest.raises(Diagnostic, match="E501") as raised:
            runner.exchange("R")
        assert "the result is not ready" in raised.value.render()
        runner.send_inputs(first)
        reply = runner.exchange("N")
        while (span := struct.unpack("<2I", reply))[1]:
            runner.send_inputs(model.inputs[span[0] : sum(span)])
            reply = runner.exchange("N")
        runner.exchange("R")
        assert runner.outputs() == runner.outputs() == model.outputs


@pytest.mark.parametrize("place", ["host", "cortex-a53", "mps2-an500"])
def test_the_firmware_elsewhere(place: str, tmp_path: Path) -> None:
    model, target = streams.model("two inputs in blocks"), load_target(place)
    source = streams.sources("two inputs in blocks", tmp_path)
    tool = {"cortex-a53": "qemu-aarch64", "mps2-an500": "qemu-system-arm"}.get(place)
    if tool and not (shutil.which(tool) and (tool == "qemu-aarch64" or shutil.which("arm-none-eabi-gcc"))):
        pytest.skip(f"needs {tool} and its compiler")
    if target.is_mcu:
        firmware = toolchain.build_firmware(source, target, tool=arm_gcc(), strict=True)
        runner: Runner = QemuRunner(firmware.elf, target, timeout=60)
    else:
        program = tmp_path / "runner"
        program.write_bytes(toolchain.build_runner(source, target, strict=True))
        program.chmod(0o755)
        runner = HostRunner(program, target, timeout=60)
    with runner:
        assert [r.outputs for r in runner.run([model.inputs] * 2)] == [model.outputs] * 2
        assert replay.steps(runner, replay.load(tmp_path), lambda _done, _of: None) is None


def test_only_the_inference_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same steps, once fed over the link row by row and once from memory."""
    model = streams.model("one row")
    with board("one row", tmp_path / "memory", MAIN, monkeypatch) as runner:
        assert isinstance(runner, SimRunner)
        runner.exchange("U", struct.pack("<I", 0) + model.inputs)
        finish = runner._measure(timed=False)
        runner.exchange("U", struct.pack("<I", 0) + model.inputs)
        memory, layers = finish()
    monkeypatch.undo()
    firmware = toolchain.build_firmware(streams.sources("one row", tmp_path / "link"), BOARD)
    with SimRunner(firmware.elf, BOARD) as runner:
        linked = runner.run([model.inputs] * 2)[1]
    assert linked.per_layer is not None
    assert linked.instructions is not None
    assert [c.instructions for c in linked.per_layer] == [c.instructions for c in layers]
    own = linked.instructions - sum(c.instructions for c in layers)
    rows = model.library.inputs[0].type.rows
    steps = sum(isinstance(s, Step) for s in model.plan.steps)
    assert own < 40 * steps + 80 * rows
    assert own <= memory.instructions - sum(c.instructions for c in layers) + 20 * rows


@needs_gcc
@every_plan
def test_the_tests_of_a_build(name: str, tmp_path: Path) -> None:
    src = streams.sources(name, tmp_path)
    files = [str(p) for p in sorted(tmp_path.rglob("*.c"))]
    program = str(tmp_path / "run_tests")
    subprocess.run(["gcc", *FLAGS, f"-I{src}", f"-I{src}/kernels", *files, "-o", program], check=True)
    vectors = tmp_path / "tests" / "vectors"
    done = subprocess.run([program, str(vectors)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ok   model\n" in done.stdout
    # a golden row of the first layer that is not right: the layer and the row are named
    layer = streams.model(name).library.layers[0]
    file = next(p for p in vectors.iterdir() if p.stem.endswith(f"_{layer.node.outputs[0]}"))
    data = bytearray(file.read_bytes())
    data[2 * layer.call.outs[0].row_bytes + 1] ^= 1
    file.write_bytes(bytes(data))
    done = subprocess.run([program, str(vectors)], capture_output=True, text=True)
    assert done.returncode == 1
    assert f"FAIL {layer.symbol}: row 2 of {layer.node.outputs[0]}: element 1 is " in done.stdout


@needs_gpp
def test_the_header_is_usable_from_cpp(tmp_path: Path) -> None:
    src = streams.sources("one row", tmp_path)
    (tmp_path / "use.cpp").write_text(
        '#include "model.h"\n'
        "static model_ctx ctx;\n"
        "int main()\n{\n"
        "    static const int8_t row[10] = {0};\n"
        "    const int8_t *result;\n"
        "    model_begin(&ctx);\n"
        "    while (model_feed(&ctx, row, sizeof row) == MODEL_MORE) {\n    }\n"
        "    return model_result(&ctx, &result) == MODEL_READY ? result[0] : 1;\n}\n"
    )
    flags = ["-std=c++17", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-fsyntax-only"]
    subprocess.run(["g++", *flags, f"-I{src}", str(tmp_path / "use.cpp")], check=True)
