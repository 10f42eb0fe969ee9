"""QEMU's boards and command-line programs: the same bytes as the simulated board."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from edgec.codegen.toolchain import build_firmware, build_runner
from edgec.codegen.tools import arm_gcc
from edgec.diagnostics import Diagnostic
from edgec.sim.board import SimRunner
from edgec.sim.process import HostRunner, ProcessRunner, QemuRunner
from edgec.sim.runner import Block
from edgec.target import load_target

from . import fake

needs_qemu = pytest.mark.skipif(
    not shutil.which("qemu-system-arm"), reason="qemu-system-arm is not installed"
)
needs_gcc = pytest.mark.skipif(not shutil.which("arm-none-eabi-gcc"), reason="arm-none-eabi-gcc is missing")


def program(target: str, folder: Path) -> Path:
    path = folder / "runner"
    path.write_bytes(build_runner(fake.MODEL, load_target(target), strict=True))
    path.chmod(0o755)
    return path


@needs_qemu
@needs_gcc
@pytest.mark.parametrize("board", ["mps2-an500", "mps2-an386", "mps3-an547"])
def test_qemu_with_the_other_compiler(board: str) -> None:
    firmware = fake.firmware(board, arm_gcc())
    xs = fake.inputs(5)
    with QemuRunner(firmware.elf, load_target(board), timeout=60) as runner:
        results = runner.run(xs)
    assert [r.outputs for r in results] == [fake.answer(x) for x in xs]
    assert results[0].arena_used == fake.ARENA_USED
    assert results[0].stack_used is not None
    assert 0 < results[0].stack_used <= firmware.stack_bound
    assert results[0].cycles is None
    assert results[0].per_layer is not None
    assert all(c.instructions > 0 for c in results[0].per_layer)


@needs_qemu
def test_qemu_counts_what_the_simulated_board_counts() -> None:
    """The same library by the same compiler: QEMU's plugin and Unicorn's hook see the same instructions."""
    xs = fake.inputs(2)
    with QemuRunner(fake.firmware("mps2-an500").elf, load_target("mps2-an500")) as runner:
        counted = runner.run(xs)
    with SimRunner(fake.firmware("stm32f746").elf, load_target("stm32f746")) as board:
        expected = board.run(xs)
    for a, b in zip(counted, expected, strict=True):
        assert a.per_layer is not None and b.per_layer is not None
        assert a.instructions == b.instructions
        assert [c.instructions for c in a.per_layer] == [c.instructions for c in b.per_layer]


@needs_qemu
def test_fault_report_of_the_firmware(tmp_path: Path) -> None:
    board = load_target("mps2-an500")
    source = fake.variant(
        tmp_path / "model",
        "do { kernel_fault(arena); arena[1] = 3; } while (0)",
        declare="void kernel_fault(uint8_t *arena);",
        deep=DEEP,
    )
    elf = build_firmware(source, board).elf
    with QemuRunner(elf, board, timeout=60) as runner, pytest.raises(Diagnostic) as raised:
        runner.run(fake.inputs(1))
    text = raised.value.render()
    assert "undefined instruction" in text
    assert "kernel_fault + 0x" in text
    assert "layer 1: model_layer_001_body_copy" in text


DEEP = """
#include <stdint.h>
void kernel_fault(uint8_t *arena);
void kernel_fault(uint8_t *arena) { arena[0] = 1; __asm volatile("udf #0" ::: "memory"); arena[1] = 2; }
"""


@pytest.mark.parametrize("target", ["host", "cortex-a53"])
def test_command_line_program(target: str, tmp_path: Path) -> None:
    if target == "cortex-a53" and not shutil.which("qemu-aarch64"):
        pytest.skip("qemu-aarch64 is not installed")
    xs = fake.inputs(5)
    with HostRunner(program(target, tmp_path), load_target(target), timeout=60) as runner:
        results = runner.run(xs)
        runner.write(0, xs[0][:900])
        blocks = [runner.step(restart=True), runner.step(restart=False)]
        y = runner.read(2000, 900)
    assert [r.outputs for r in results] == [fake.answer(x) for x in xs]
    assert blocks == [Block(0, 0, 500), Block(0, 500, 900)]
    assert y == fake.scaled(xs[0]).tobytes()
    assert results[0].arena_used == fake.ARENA_USED
    assert results[0].stack_used is None


def test_a_program_that_ends_or_is_silent(tmp_path: Path) -> None:
    command = ["sh", "-c", "echo sorry >&2; exit 3"]
    with ProcessRunner("it", command, timeout=30) as runner, pytest.raises(Diagnostic) as raised:
        runner.identify()
    assert raised.value.code == "E501"
    assert "status 3" in raised.value.render() and "sorry" in raised.value.render()
    with ProcessRunner("it", ["sleep", "30"], timeout=0.2) as runner, pytest.raises(Diagnostic) as raised:
        runner.identify()
    assert "no answer from it in 0.2 s" in raised.value.render()


def test_missing_qemu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(Diagnostic) as raised:
        QemuRunner(fake.firmware("mps2-an500").elf, load_target("mps2-an500"))
    assert raised.value.code == "E401" and "qemu-system-arm" in raised.value.render()
