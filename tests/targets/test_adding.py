"""docs/targets.md does what it says of a board of one's own: its file is written, its commands run."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from edgec.diagnostics import Diagnostic
from edgec.target import load_target

ROOT = Path(__file__).resolve().parents[2]
_PAGE = (ROOT / "docs" / "targets.md").read_text(encoding="utf-8").partition("## Adding a target")[2]
_BLOCKS = dict(re.findall(r"```(toml|bash)\n(.*?)```", _PAGE, re.DOTALL))
_FILE = "my-board.toml"


def edgec(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    code = "from edgec.cli import main; raise SystemExit(main())"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )


def test_the_page(data_dir: Path, tmp_path: Path) -> None:
    """The commands as they stand there; then the build runs without the file that it was made from."""
    (tmp_path / _FILE).write_text(_BLOCKS["toml"], encoding="utf-8")
    model = data_dir / "models" / "mlperf_tiny_kws_dscnn_int8.tflite"
    (tmp_path / "model.tflite").write_bytes(model.read_bytes())
    for line in _BLOCKS["bash"].splitlines():
        program, *arguments = line.split()
        assert program == "edgec"
        if arguments[0] == "profile":
            (tmp_path / _FILE).unlink()
        done = edgec(tmp_path, *arguments)
        assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "built" / "report.json").read_text())
    assert report["target"] == "my-board" and report["flash"]["regions"] == {
        "flash": report["flash"]["total"]
    }
    assert all(check["passed"] for check in report["checks"])
    assert (tmp_path / "built" / "target.toml").read_text() == _BLOCKS["toml"]


def test_it_is_the_board_that_the_page_says(tmp_path: Path) -> None:
    path = tmp_path / _FILE
    path.write_text(_BLOCKS["toml"], encoding="utf-8")
    target, chip = load_target(str(path)), load_target("stm32g474")
    assert (target.name, target.boot.size, target.uart and target.uart.tx) == ("my-board", 128 * 1024, "B10")
    assert target.sram == chip.sram and target.clock_hz == chip.clock_hz


def test_what_the_set_up_code_misses_is_said_at_once(tmp_path: Path) -> None:
    text = (ROOT / "targets" / "rp2040.toml").read_text(encoding="utf-8")
    path = tmp_path / "pico.toml"
    wrong = ("pll_multiplier = 125", "pll_multiplier = 120", "the PLL's settings do not give the clock")
    missing = ("pll_divisor1 = 6\n", "", "BOARD_PLL_DIVISOR1")
    for old, new, said in (wrong, missing):
        path.write_text(text.replace(old, new), encoding="utf-8")
        done = edgec(tmp_path, "build", "no-model.tflite", "--target", str(path))
        assert done.returncode != 0 and "error[E105]" in done.stderr and said in done.stderr, done.stderr
        assert str(path.name) in done.stderr


def test_a_faulty_file_is_called_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / _FILE
    path.write_text('extends = "stm32g475"', encoding="utf-8")
    with pytest.raises(Diagnostic) as raised:
        load_target(str(path))
    assert (raised.value.code, raised.value.where) == ("E105", str(path))
