"""The Arduino library: the rules of its specification, and a build of the sketch by arduino-builder."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import IMAGE, Packager, printed

CORE = Path(__file__).parent / "arduino_core"
CATEGORIES = (
    *("Display", "Communication", "Signal Input/Output", "Sensors", "Device Control", "Timing"),
    *("Data Storage", "Data Processing", "Other"),
)
REQUIRED = (
    "name",
    "version",
    "author",
    "maintainer",
    "sentence",
    "paragraph",
    "category",
    "url",
    "architectures",
)


@pytest.fixture
def package(packaged: Packager) -> Path:
    return packaged("arduino", IMAGE, "stm32f746")


def test_properties(package: Path) -> None:
    lines = (package / "library.properties").read_text().splitlines()
    properties = dict(line.split("=", 1) for line in lines)
    assert len(properties) == len(lines) and set(REQUIRED) <= properties.keys()
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.\- ]{0,62}", properties["name"])
    assert re.fullmatch(r"\d+\.\d+\.\d+", properties["version"])
    assert properties["category"] in CATEGORIES
    assert "avr" not in properties["architectures"].split(",")
    assert (package / "src" / properties["includes"]).is_file()
    # the layout with src/: no sources beside it, and none of the old utility folder
    assert not list(package.glob("*.[ch]")) and not (package / "utility").exists()


def test_keywords(package: Path) -> None:
    lines = [x for x in (package / "keywords.txt").read_text().splitlines() if not x.startswith("#")]
    assert all(re.fullmatch(r"\w+\t(KEYWORD[123]|LITERAL[12])", line) for line in lines)
    headers = "".join(p.read_text() for p in package.glob("src/*.h"))
    for line in lines:
        assert re.search(rf"\b{line.split()[0]}\b", headers), line


def test_nothing_else_is_needed(package: Path) -> None:
    """What the sources include is their own, C's, or the compiler's for Arm."""
    own = {p.name for p in package.rglob("src/**/*") if p.is_file()}
    for path in package.rglob("src/**/*.[chi]*"):
        for name in re.findall(r'^ *#\s*include ["<]([^">]+)[">]', path.read_text(), re.MULTILINE):
            standard = {
                "stdint.h",
                "stddef.h",
                "string.h",
                "limits.h",
                "arm_acle.h",
                "arm_mve.h",
                "arm_neon.h",
            }
            assert name in standard or Path(name).name in own, f"{path.name} includes {name}"


@pytest.mark.parametrize("mode", ["whole", "stream"])
def test_the_sketch_builds_and_runs(
    mode: str, packaged: Packager, zeros: Callable[..., list[int]], tmp_path: Path
) -> None:
    if shutil.which("arduino-builder") is None:
        pytest.skip("needs arduino-builder")
    shutil.copytree(CORE, tmp_path / "hardware" / "edgec")
    library = tmp_path / "libraries" / "image"
    shutil.copytree(packaged("arduino", IMAGE, "stm32f746", input_mode=mode), library)
    build, sketch = tmp_path / "build", library / "examples" / "image" / "image.ino"
    build.mkdir()
    folders = ["-hardware", "/usr/share/arduino-builder", "-hardware", str(tmp_path / "hardware")]
    folders += ["-tools", "/usr/bin", "-libraries", str(library.parent), "-build-path", str(build)]
    command = ["arduino-builder", "-compile", *folders, "-fqbn", "edgec:samd:stub", "-warnings", "all"]
    done = subprocess.run([*command, str(sketch)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARNING" not in done.stdout + done.stderr
    run = subprocess.run([build / "image.ino.elf"], capture_output=True, text=True, check=True)
    assert printed(run.stdout) == zeros(IMAGE, "stm32f746", input_mode=mode)
