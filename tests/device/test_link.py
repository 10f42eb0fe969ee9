"""The link over lines that lose and damage bytes: right outputs, or one error within its time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgec.codegen.toolchain import Firmware, build_firmware
from edgec.device.serial_link import GREETING, TRANSFER, BoardRunner
from edgec.device.virtual import VirtualBoard
from edgec.diagnostics import Diagnostic
from edgec.sim.protocol import Frame
from edgec.target import load_target
from tests.sim import fake

from .lines import KINDS, DirectLine, NoisyLine, ScriptedBoard

TARGET = load_target("stm32f746")


@pytest.fixture(scope="module")
def board() -> Iterator[VirtualBoard]:
    made = on_board("stm32f746", fake.firmware("stm32f746"))
    yield made
    made.close()


def on_board(name: str, firmware: Firmware) -> VirtualBoard:
    target = load_target(name)
    return VirtualBoard(firmware.image.binaries(target)[target.boot.name], target)


def runner(line: DirectLine, first: int = 0) -> BoardRunner:
    from dataclasses import replace

    target = replace(TARGET, name="fake")
    firmware, hash = Path("b/firmware.elf"), "0123456789abcdef"
    return BoardRunner(line, "fake at a line", firmware, target, hash, timeout=60, first=first)


def test_a_quiet_line_carries_everything_once(board: VirtualBoard) -> None:
    board.reset()
    xs = fake.inputs(2)
    link = runner(DirectLine(board))
    assert [r.outputs for r in link.run(xs)] == [fake.answer(x) for x in xs]
    # I, P, and for each input one frame of it, R and O; H
    assert (link.sent, link.lost) == (2 + 2 * 3 + 1, 0)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(3))
def test_one_byte_in_a_hundred(board: VirtualBoard, seed: int, kind: str) -> None:
    board.reset()
    line = NoisyLine(board, seed, 0.01, (kind,))
    xs = fake.inputs(3, seed)
    link = runner(line)
    assert [r.outputs for r in link.run(xs)] == [fake.answer(x) for x in xs]
    assert line.faults > 10 and link.lost > 0


@pytest.mark.parametrize("seed", range(10))
def test_one_byte_in_ten(board: VirtualBoard, seed: int) -> None:
    """Right, or an error that says so, within the time of the request that failed."""
    board.reset()
    line = NoisyLine(board, seed, 0.1)
    link = runner(line)
    begun = line.now()
    (x,) = fake.inputs(1, seed)
    said = ""
    try:
        have = link.run([x])[0].outputs
    except Diagnostic as error:
        said = str(error)
    assert (
        re.match("E402: (no answer in|what comes from the port|no answer came)", said)
        if said
        else have == fake.answer(x)
    )
    assert line.now() - begun < 600


def test_what_was_answered_is_not_done_twice(board: VirtualBoard) -> None:
    """Every answer to R is lost once; an inference overwrites its input, so a second one would differ."""
    board.reset()
    (x,) = fake.inputs(1)
    lost: list[bytes] = []

    def answer(data: bytes) -> bytes:
        said = board.feed(data)
        if said[1:2] == b"r" and not lost:
            lost.append(said)
            return b""
        return said

    link = runner(DirectLine(ScriptedBoard(answer)))
    link.identify()
    link.send_inputs(x)
    link.exchange("R")
    link.write(2000, b"\x55" * 100)  # what a second inference would read
    assert lost and link.lost == 1
    assert link.outputs() == fake.answer(x)


def test_a_board_that_never_answers() -> None:
    line = DirectLine(ScriptedBoard(lambda data: b""))
    with pytest.raises(Diagnostic, match=r"E402: no answer in 5 s"):
        runner(line).identify()
    assert GREETING <= line.now() < 2 * GREETING


def test_a_board_that_falls_silent(board: VirtualBoard) -> None:
    board.reset()
    gone: list[bool] = []
    line = DirectLine(ScriptedBoard(lambda data: b"" if gone else board.feed(data)))
    link = runner(line)
    link.identify()
    gone.append(True)
    begun = line.now()
    with pytest.raises(Diagnostic, match=rf"E402: no answer in {TRANSFER:g} s"):
        link.send_inputs(bytes(1000))
    assert line.now() - begun < 2 * TRANSFER


def test_garbage_is_shown() -> None:
    link = runner(DirectLine(ScriptedBoard(lambda data: b"Hello from Zephyr\r\n")))
    with pytest.raises(Diagnostic, match="is no answer of edgec's firmware") as raised:
        link.identify()
    assert "Hello from Zephyr" in raised.value.render()


def test_a_board_that_started_anew(board: VirtualBoard) -> None:
    """What it was sent is gone: the run does not go on with what is in its memory now."""
    board.reset()
    link = runner(DirectLine(board))
    link.identify()
    link.send_inputs(bytes(1000))
    board.reset()
    with pytest.raises(Diagnostic, match="E402: the board started anew"):
        link.exchange("R")


def test_reset_over_the_link(board: VirtualBoard) -> None:
    board.reset()
    link = runner(DirectLine(board))
    assert link.identify().first
    link.reset()
    assert link.identify().first


@pytest.mark.parametrize("name", ["stm32f746", "stm32u575", "stm32g071"])
def test_steps_are_counted(name: str) -> None:
    """By the DWT, or by SysTick where there is none."""
    board = on_board(name, fake.firmware(name))
    (x,) = fake.inputs(1)
    link = runner(DirectLine(board))
    link.step(restart=True)
    link.send_inputs(x)
    done = link.steps(restart=True, layer=0)
    assert done.last is None and link.outputs() == fake.answer(x)
    assert all(c > 0 for c in done.by_layer[:3]) and set(done.by_layer[3:]) == {0}
    assert sum(done.by_layer) <= done.cycles
    link.send_inputs(x)
    later = link.steps(restart=True, layer=1)
    assert later.by_layer[2:] == (0,) * 6
    assert all(abs(a - b) < 150 + 0.1 * b for a, b in zip(later.by_layer, done.by_layer[1:3], strict=False))
    board.close()


def test_systick_goes_round(tmp_path: Path) -> None:
    """A step of more cycles than the counter's 24 bits."""
    wait = "for (volatile int i = 0; i < 4000000; i++) { }"
    source = fake.variant(tmp_path / "model", f"do {{ (void)(arena); {wait} }} while (0)")
    firmware = build_firmware(source, load_target("stm32g071"))
    plain = build_firmware(source, TARGET)
    counted = []
    for name, made in (("stm32g071", firmware), ("stm32f746", plain)):
        board = on_board(name, made)
        link = runner(DirectLine(board))
        link.send_inputs(bytes(1000))
        counted.append(link.steps(restart=True, layer=0).by_layer[1])
        board.close()
    # Instructions, as the model of cycles is not on in a first request.
    assert counted[0] > 1 << 24
    assert counted[0] == pytest.approx(counted[1], rel=0.4)


def test_answers_to_a_run_before_are_not_taken(board: VirtualBoard) -> None:
    """They come late: one by one, before each answer of this run."""
    board.reset()
    (x,) = fake.inputs(1)
    before = [Frame(kind, k + 1, bytes(16)).encode() for k, kind in enumerate("ipdroh")]

    def answer(data: bytes) -> bytes:
        return (before.pop(0) if before else b"") + board.feed(data)

    link = runner(DirectLine(ScriptedBoard(answer)), first=60_000)
    assert link.run([x])[0].outputs == fake.answer(x) and not before
    # Of the same numbers, too, as long as they answer something else.
    before += [Frame(kind, 60_007 + k).encode() for k, kind in enumerate("ixdrd")]
    assert link.run([x])[0].outputs == fake.answer(x)
