"""docs/first-board.md does what it says: its commands are run as they stand there."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.conftest import ROOT

for _package in ("torch", "sklearn", "serial", "stm32loader"):
    pytest.importorskip(_package)

BLOCKS = re.findall(r"```bash\n(.*?)```", (ROOT / "docs" / "first-board.md").read_text("utf-8"), re.DOTALL)
EDGEC = 'exec "{python}" -c "from edgec.cli import main; raise SystemExit(main())" "$@"'
"""What `edgec` is where the project is not installed: the command of its entry point."""


def test_what_is_installed_is_there() -> None:
    """Its first command names extras that the project has; the environment of these tests has them."""
    (extras,) = re.findall(r"^pip install -e '\.\[(.*)\]'$", BLOCKS[0], re.MULTILINE)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert set(extras.split(",")) <= set(project["optional-dependencies"])


@pytest.mark.skipif(sys.platform != "linux" or not shutil.which("bash"), reason="for Linux")
@pytest.mark.timeout(600)
def test_the_page(tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, text in (("python", 'exec "{python}" "$@"'), ("edgec", EDGEC)):
        path = programs / name
        path.write_text("#!/bin/sh\n" + text.format(python=sys.executable) + "\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    script = "set -e\ntrap 'kill $(jobs -p)' EXIT\n" + "".join(BLOCKS[1:])
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    said, wanted = (
        re.findall(rf"^{what} (\d)$", done.stdout, re.MULTILINE) for what in ("the digit is", "it should be")
    )
    assert len(said) == 1 and said == wanted
    assert re.search(r"top-1", done.stdout)
    assert re.search(r"blocks\.0\.qkv", done.stdout)
