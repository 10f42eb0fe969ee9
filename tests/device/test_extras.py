"""What a target's settings ask for: a watchdog that is fed by steps, marks for a meter."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from edgec.codegen.toolchain import build_firmware
from edgec.device.virtual import VirtualBoard
from edgec.diagnostics import Diagnostic
from edgec.sim.board import SimRunner
from edgec.sim.protocol import Frame, decode
from edgec.target import Target, load_target
from edgec.target_schema import read
from tests.sim import fake


def with_settings(name: str, **settings: int) -> Target:
    target = load_target(name)
    return replace(target, settings=(*target.settings, *settings.items()))


@pytest.mark.parametrize("name", ["stm32f746", "stm32g071", "stm32h743", "stm32u575"])
def test_marks(name: str) -> None:
    """High while the model computes, and with steps low for every other one of them."""
    target = with_settings(name, mark_port=1, mark_pin=3)
    with SimRunner(build_firmware(fake.MODEL, target, strict=True).elf, target) as runner:
        board = runner.machine.board
        assert board.edges == 0
        results = runner.run(fake.inputs(2))
        spent = sum(r.instructions or 0 for r in results)
        assert board.edges == 4
        assert spent <= board.busy <= spent + 200
    steps = with_settings(name, mark_port=1, mark_pin=3, mark_steps=1)
    with SimRunner(build_firmware(fake.MODEL, steps).elf, steps) as runner:
        runner.run(fake.inputs(2))
        # Up, a change before each of three layers, which ends low.
        assert runner.machine.board.edges == 2 * 4


@pytest.mark.parametrize("name", ["stm32f746", "stm32g071", "stm32h743"])
def test_a_watchdog_lets_a_working_board_be(name: str) -> None:
    target = with_settings(name, watchdog_ms=20)
    with SimRunner(build_firmware(fake.MODEL, target, strict=True).elf, target) as runner:
        board = runner.machine.board
        # 32 kHz: 20 ms are 640 periods.
        assert board.watchdog - board.clock == pytest.approx(target.clock_hz * 0.02, rel=0.02)
        xs = fake.inputs(30)
        assert [r.outputs for r in runner.run(xs)] == [fake.answer(x) for x in xs]
        assert not runner.machine.board.clock < 30_000


def test_a_watchdog_resets_a_board_that_hangs(tmp_path: Path) -> None:
    source = fake.variant(tmp_path / "model", "for (volatile int i = 0; i < 1;) { }")
    target = with_settings("stm32f746", watchdog_ms=10)
    memories = build_firmware(source, target, stack_bytes=1024).image.binaries(target)
    board = VirtualBoard(memories["flash"], target, limit=20_000_000)
    assert decode(board.feed(Frame("I", 1).encode()))[0] is not None
    assert board.feed(Frame("R", 2).encode()) == b""
    # It is there again, and knows that it has begun anew.
    assert decode(board.feed(Frame("R", 2).encode()))[0] == Frame("e", 2, argument=6)
    board.close()


def test_without_settings_there_is_neither() -> None:
    names = {f.name for f in fake.firmware("stm32f746").image.functions}
    assert not {"board_extras", "board_before", "board_alive"} & names


@pytest.mark.parametrize("setting", ["watchdog_ms = 10", "mark_port = 0\nmark_pin = 1"])
def test_other_boards_have_neither(setting: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(f'extends = "nrf52840"\n[settings]\n{setting}\n')
    assert read(path, "mine.toml")
    with pytest.raises(Diagnostic, match=r"E105.*is a setting of STM32 boards"):
        load_target(str(path))
