"""A board at a serial port: a simulated one behind a pseudo-terminal, with a build's firmware on it."""

from __future__ import annotations

import json
import os
import threading
import tty
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("serial")

from edgec.commands import profile_build, run_build
from edgec.commands import test_build as run_tests
from edgec.device.ports import SerialLine
from edgec.device.serial_link import BoardRunner
from edgec.device.virtual import VirtualBoard, serve
from edgec.diagnostics import Diagnostic
from edgec.report import files
from edgec.runners import open_runner
from edgec.target import load_target

from .conftest import Builder

MODEL = "tests.e2e.models:tiny_vit"
TARGET = load_target("stm32f746")


@pytest.fixture
def port(built: Builder) -> Iterator[str]:
    """The name of a port with a build's firmware behind it."""
    board = VirtualBoard.of_build(built(MODEL, "stm32f746"), TARGET)
    master, slave = os.openpty()
    tty.setraw(slave)
    stop = threading.Event()
    thread = threading.Thread(target=serve, args=(board, master, stop.is_set))
    thread.start()
    yield os.ttyname(slave)
    stop.set()
    thread.join()
    board.close()
    os.close(master)
    os.close(slave)


def sample(folder: Path) -> bytes:
    size = 1
    for n in files.load(folder)["inputs"][0]["shape"]:
        size *= n
    return bytes(k * 37 % 256 for k in range(size))


def test_same_bytes_as_the_simulated_board(port: str, built: Builder) -> None:
    folder = built(MODEL, "stm32f746")
    data = sample(folder)
    with open_runner(folder, "sim") as runner:
        want = runner.run([data])[0]
    with open_runner(folder, f"serial:{port}") as link:
        have = link.run([data, data])
    assert [r.outputs for r in have] == [want.outputs] * 2
    assert (have[0].stack_used, have[0].arena_used) == (want.stack_used, want.arena_used)


def test_the_tests_of_a_build_run_there(
    port: str, built: Builder, capsys: pytest.CaptureFixture[str]
) -> None:
    run_tests(built(MODEL, "stm32f746"), f"serial:{port}")
    assert "tests passed" in capsys.readouterr().out


def test_another_build_or_board(port: str, built: Builder) -> None:
    firmware = built(MODEL, "stm32f746") / "firmware.elf"
    with (
        BoardRunner(SerialLine(port, 115_200), "it", firmware, TARGET, "0" * 16) as link,
        pytest.raises(Diagnostic, match=r"E402.*another build"),
    ):
        link.identify()
    with (
        BoardRunner(
            SerialLine(port, 115_200), "it", firmware, replace(TARGET, name="other"), "0" * 16
        ) as link,
        pytest.raises(Diagnostic, match=r"E402.*another board"),
    ):
        link.identify()


def test_a_port_has_one_user(port: str) -> None:
    line = SerialLine(port, 115_200)
    with pytest.raises(Diagnostic, match="E402: the port is in use"):
        SerialLine(port, 115_200)
    line.close()


def test_run_compares(
    port: str,
    built: Builder,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = built(MODEL, "stm32f746")
    shape = files.load(folder)["inputs"][0]["shape"]
    np.save(tmp_path / "x.npy", np.zeros((2, *shape[1:]), np.int8))
    run_build(folder, f"serial:{port}", tmp_path / "x.npy", None, as_json=True)
    assert "all bytes are those of the simulated stm32f746" in json.loads(capsys.readouterr().out)["compared"]
    right = BoardRunner.outputs
    wrong = lambda self: bytes([right(self)[0] ^ 1]) + right(self)[1:]  # noqa: E731
    monkeypatch.setattr(BoardRunner, "outputs", wrong)
    with pytest.raises(Diagnostic, match=r"E501: outputs of .* are not those of the integer reference"):
        run_build(folder, f"serial:{port}", tmp_path / "x.npy", None, as_json=True)
    with pytest.raises(Diagnostic, match=r"E501: the build differs from the integer reference"):
        profile_build(folder, f"serial:{port}", as_json=True)


def test_profile_by_the_boards_counter(port: str, built: Builder, capsys: pytest.CaptureFixture[str]) -> None:
    """Close to what the simulated board counts by itself; stack and arena within the plan."""
    folder = built(MODEL, "stm32f746")
    profile_build(folder, f"serial:{port}", as_json=True)
    report = json.loads(capsys.readouterr().out)
    board, sram = report["board"], report["sram"]
    assert board["cycles"] == pytest.approx(report["cycles"], rel=0.05)
    large = [x for x in report["layers"] if x["cycles"] > 0.05 * report["cycles"]]
    assert large and all(x["board_cycles"] == pytest.approx(x["cycles"], rel=0.15) for x in large)
    assert 0.9 * board["cycles"] < sum(x["board_cycles"] for x in report["layers"]) <= board["cycles"]
    assert sram["stack"] >= board["stack"] > 0.5 * sram["stack"]
    assert board["arena"] == sram["measured_arena"]
    profile_build(folder, f"serial:{port}", as_json=False)
    table = capsys.readouterr().out
    assert "board/model" in table and f"{board['arena']:,} of {sram['arena']:,} B planned" in table
