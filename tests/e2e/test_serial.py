"""A board at a serial port: a program that speaks the firmware's protocol behind a pseudo-terminal."""

from __future__ import annotations

import os
import select
import subprocess
import threading
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("serial")

from edgec.commands import test_build as run_tests
from edgec.device.serial_link import SerialRunner
from edgec.diagnostics import Diagnostic
from edgec.report import files
from edgec.runners import open_runner
from edgec.target import load_target

from .conftest import Builder

MODEL = "tests.e2e.models:tiny_vit"


@pytest.fixture
def board(built: Builder) -> Iterator[str]:
    """The name of a port with the build's firmware behind it."""
    master, slave = os.openpty()
    tty.setraw(slave)
    program = subprocess.Popen(
        [built(MODEL, "host") / "runner"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
    )
    stop = threading.Event()

    def pump() -> None:
        assert program.stdin is not None
        assert program.stdout is not None
        while not stop.is_set():
            ready, _, _ = select.select([master, program.stdout], [], [], 0.05)
            if master in ready:
                program.stdin.write(os.read(master, 4096))
            if program.stdout in ready:
                os.write(master, os.read(program.stdout.fileno(), 4096))

    thread = threading.Thread(target=pump)
    thread.start()
    yield os.ttyname(slave)
    stop.set()
    thread.join()
    program.kill()
    program.wait()
    for stream in (program.stdin, program.stdout):
        assert stream is not None
        stream.close()
    os.close(master)
    os.close(slave)


def sample(folder: Path) -> bytes:
    size = 1
    for n in files.load(folder)["inputs"][0]["shape"]:
        size *= n
    return bytes(k * 37 % 256 for k in range(size))


def test_same_bytes_as_the_simulated_board(board: str, built: Builder) -> None:
    folder = built(MODEL, "stm32f746")
    report = files.load(built(MODEL, "host"))
    data = sample(folder)
    with open_runner(folder, "sim") as runner:
        want = runner.run([data])[0].outputs
    with SerialRunner(board, folder / "firmware.elf", load_target("stm32f746"), report["hash"]) as link:
        assert link.run([data])[0].outputs == want


def test_the_tests_of_a_build_run_there(
    board: str, built: Builder, capsys: pytest.CaptureFixture[str]
) -> None:
    run_tests(built(MODEL, "host"), f"serial:{board}")
    assert "tests passed" in capsys.readouterr().out


def test_another_build_on_the_board(board: str, built: Builder) -> None:
    firmware = built(MODEL, "stm32f746") / "firmware.elf"
    with (
        SerialRunner(board, firmware, load_target("stm32f746"), "0" * 16) as link,
        pytest.raises(Diagnostic, match=r"E402.*another build"),
    ):
        link.identify()


def test_a_silent_board(built: Builder) -> None:
    master, slave = os.openpty()
    firmware = built(MODEL, "stm32f746") / "firmware.elf"
    port = os.ttyname(slave)
    with (
        SerialRunner(port, firmware, load_target("stm32f746"), "", timeout=0.2) as link,
        pytest.raises(Diagnostic, match=r"E402.*no answer"),
    ):
        link.identify()
    os.close(master)
    os.close(slave)
