"""The pytest plugin: the example of docs/device.md, on the simulated board and on a board at a port."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import tomllib
from pathlib import Path

import pytest

pytest.importorskip("serial")

from edgec.device.simulate import at_a_port
from edgec.device.virtual import VirtualBoard
from edgec.report import files
from edgec.target import load_target
from tests.conftest import ROOT

from .conftest import Builder

MODEL = "tests.e2e.models:tiny_vit"


def example() -> str:
    """test_model.py as the page has it."""
    text = (ROOT / "docs" / "device.md").read_text(encoding="utf-8").partition("    # test_model.py\n")[2]
    return textwrap.dedent(text.partition("    pytest --edgec-build")[0])


def outcome(folder: Path, text: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """What pytest says of a test file, with this plugin and no other."""
    (folder / "test_model.py").write_text(text)
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "edgec.device.pytest_plugin", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        timeout=200,
    )


def test_the_example_simulated_and_on_a_board(built: Builder, tmp_path: Path) -> None:
    build = built(MODEL, "stm32f746")
    done = outcome(tmp_path, example(), "--edgec-build", str(build))
    assert "3 passed" in done.stdout, done.stdout + done.stderr
    board = VirtualBoard.of_build(build, load_target("stm32f746"))
    with at_a_port(board) as port:
        done = outcome(tmp_path, example(), "--edgec-build", str(build), "--edgec-port", port)
    board.close()
    assert "3 passed" in done.stdout, done.stdout + done.stderr


def test_the_plugin_is_declared() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["entry-points"]
    assert declared["pytest11"] == {"edgec_device": "edgec.device.pytest_plugin"}


def test_what_goes_wrong_is_said(built: Builder, tmp_path: Path) -> None:
    done = outcome(tmp_path, example())
    assert "edgec_device needs --edgec-build DIR" in done.stdout
    (tmp_path / "pytest.ini").write_text(f"[pytest]\nedgec_build = {tmp_path}\n")
    assert "error[E105]: not a build of edgec" in outcome(tmp_path, example()).stdout
    build = built(MODEL, "stm32f746")
    slow = "def test_speed(edgec_device):\n    assert edgec_device.profile()['cycles'] < 10\n"
    done = outcome(tmp_path, slow, "--edgec-build", str(build))
    assert "1 failed" in done.stdout and files.NAME not in done.stdout
