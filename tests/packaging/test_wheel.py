"""The wheel carries everything that is not Python, and works away from the repository."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.conftest import ROOT

KINDS = ("templates", "targets", "firmware")


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The contents of a freshly built wheel."""
    pytest.importorskip("hatchling")
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        wheel.extractall(folder / "site")
    return folder / "site"


def files_of(folder: Path) -> dict[str, bytes]:
    ignored = ("__pycache__", ".pytest_cache")
    return {
        str(p.relative_to(folder)): p.read_bytes()
        for p in folder.rglob("*")
        if p.is_file() and not any(part in ignored for part in p.parts)
    }


@pytest.mark.parametrize("kind", KINDS)
def test_resources_are_inside(unpacked: Path, kind: str) -> None:
    want = files_of(ROOT / kind)
    assert want
    assert files_of(unpacked / "edgec" / "_data" / kind) == want
    assert (unpacked / "edgec" / "_data" / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()


def test_nothing_else_is_inside(unpacked: Path) -> None:
    tops = {p.name.split("-")[0] for p in unpacked.iterdir()}
    assert tops == {"edgec"}
    assert not [p for p in unpacked.rglob("*") if p.suffix in (".elf", ".o", ".pt", ".npz")]


def test_the_wheel_works_elsewhere(unpacked: Path, tmp_path: Path) -> None:
    code = (
        "import sys; sys.argv = ['edgec', 'targets']\n"
        "from edgec.resources import resource_dir; print(resource_dir('firmware'))\n"
        "from edgec.cli import main; main()"
    )
    env = {**os.environ, "PYTHONPATH": str(unpacked)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[0] == str(unpacked / "edgec" / "_data" / "firmware")
    assert "stm32f746" in done.stdout


def test_metadata(unpacked: Path) -> None:
    info = next(unpacked.glob("*.dist-info"))
    text = (info / "METADATA").read_text(encoding="utf-8")
    assert "License-Expression: Apache-2.0" in text
    assert (info / "licenses" / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()
    assert "edgec = edgec.cli:main" in (info / "entry_points.txt").read_text()
