"""The Zephyr module: what Zephyr, west and Kconfig would read, and its CMake files with a stub of Zephyr."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import IMAGE, STUBS, Packager, printed
from .test_cmake import FLAGS, configure_and_build

MODULE = {"name": str, "build": {"cmake": str, "kconfig": str}, "samples": [str]}
"""What Zephyr's own schema says of the keys that are used here."""


def conforms(value: object, shape: object) -> bool:
    """Whether YAML has the keys and types of a shape, all of them and no others."""
    if isinstance(shape, dict):
        return (
            isinstance(value, dict)
            and value.keys() == shape.keys()
            and all(conforms(value[k], s) for k, s in shape.items())
        )
    if isinstance(shape, list):
        return isinstance(value, list) and all(conforms(v, shape[0]) for v in value)
    assert isinstance(shape, type)
    return isinstance(value, shape)


@pytest.fixture
def package(packaged: Packager) -> Path:
    return packaged("zephyr", IMAGE, "stm32f746")


def test_the_module_file(package: Path) -> None:
    yaml = pytest.importorskip("yaml")
    module = yaml.safe_load((package / "zephyr" / "module.yml").read_text())
    assert conforms(module, MODULE)
    assert (package / module["build"]["cmake"] / "CMakeLists.txt").is_file()
    assert (package / module["build"]["kconfig"]).is_file()
    assert all((package / folder).is_dir() for folder in module["samples"])
    sample = yaml.safe_load((package / "samples" / "image" / "sample.yaml").read_text())
    assert set(sample) == {"sample", "common", "tests"} and set(sample["sample"]) == {"name", "description"}
    assert all(re.fullmatch(r"sample\.[\w.]+", name) for name in sample["tests"])
    (pattern,) = sample["common"]["harness_config"]["regex"]
    assert re.search(pattern, "done: 4711 cycles")


def test_kconfig(package: Path) -> None:
    kconfiglib = pytest.importorskip("kconfiglib")
    tree = kconfiglib.Kconfig(str(package / "zephyr" / "Kconfig"), warn_to_stderr=False)
    assert tree.syms["EDGEC_IMAGE_SPEED"].str_value == "n"  # depends on the model
    tree.load_config(str(package / "samples" / "image" / "prj.conf"))
    assert [tree.syms[s].str_value for s in ("EDGEC_IMAGE", "EDGEC_IMAGE_SPEED")] == ["y", "y"]
    assert not tree.warnings or all("MAIN_STACK_SIZE" in w for w in tree.warnings)


def test_the_manifest(package: Path) -> None:
    manifest = pytest.importorskip("west.manifest")
    text = (package / "west.yml").read_text()
    read = manifest.Manifest.from_data(text, import_flags=manifest.ImportFlag.IGNORE)
    assert [p.path for p in read.projects] == ["image", "zephyr"]


@pytest.mark.skipif(shutil.which("cmake") is None, reason="needs cmake")
def test_the_sample_builds_and_runs(package: Path, zeros: Callable[..., list[int]], tmp_path: Path) -> None:
    options = [f"-DZephyr_DIR={STUBS / 'zephyr'}", f"-DEXTRA_ZEPHYR_MODULES={package}", FLAGS]
    configure_and_build(
        package / "samples" / "image", tmp_path, *options, "-DEXTRA_SETTINGS=CONFIG_EDGEC_IMAGE_SPEED=y"
    )
    run = subprocess.run([tmp_path / "app"], capture_output=True, text=True, check=True)
    assert printed(run.stdout) == zeros(IMAGE, "stm32f746")
    assert "done: 0 cycles\n" in run.stdout
