"""The CMake package, by CMake: installed and found, as a subdirectory, and for a core of Arm's."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import IMAGE, Packager, printed

pytestmark = pytest.mark.skipif(shutil.which("cmake") is None, reason="needs cmake")
FLAGS = "-DCMAKE_C_FLAGS=-Wall -Wextra -Wconversion -Werror"


def cmake(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["cmake", *map(str, arguments)], capture_output=True, text=True)


def configure_and_build(source: Path, build: Path, *options: object) -> None:
    for arguments in (("-S", source, "-B", build, *options), ("--build", build, "-j", 2)):
        done = cmake(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("target", ["stm32f746", "cortex-a53"])
def test_installed_and_found(
    target: str, packaged: Packager, zeros: Callable[..., list[int]], tmp_path: Path
) -> None:
    package, prefix = packaged("cmake", IMAGE, target), tmp_path / "prefix"
    configure_and_build(package, tmp_path / "library", FLAGS)
    assert cmake("--install", tmp_path / "library", "--prefix", prefix).returncode == 0
    headers = {p.name for p in (prefix / "include" / "edgec_image").iterdir()}
    assert headers == {"model.h", "image.h", *(["threads.h"] if target == "cortex-a53" else [])}
    user = tmp_path / "user"
    shutil.copytree(package / "example", user)
    found = f"-DCMAKE_PREFIX_PATH={prefix}"
    configure_and_build(user, tmp_path / "build", found, FLAGS)
    run = subprocess.run([tmp_path / "build" / "example"], capture_output=True, text=True, check=True)
    assert printed(run.stdout) == zeros(IMAGE, target)
    # a later version is asked for than there is
    page = (user / "CMakeLists.txt").read_text()
    (user / "CMakeLists.txt").write_text(page.replace(" 1.0.0 CONFIG", " 1.1.0 REQUIRED CONFIG"))
    refused = cmake("-S", user, "-B", tmp_path / "later", found)
    assert refused.returncode != 0 and "version: 1.0.0" in refused.stderr


def test_as_a_subdirectory(packaged: Packager, zeros: Callable[..., list[int]], tmp_path: Path) -> None:
    package = packaged("cmake", IMAGE, "host")
    configure_and_build(package / "example", tmp_path, FLAGS, "-DBUILD_SHARED_LIBS=ON")
    assert list(tmp_path.rglob("libedgec_image.so"))
    run = subprocess.run([tmp_path / "example"], capture_output=True, text=True, check=True)
    assert printed(run.stdout) == zeros(IMAGE, "host")


@pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="needs arm-none-eabi-gcc")
def test_for_the_boards_processor(packaged: Packager, tmp_path: Path) -> None:
    package = packaged("cmake", IMAGE, "stm32f746")
    toolchain = f"-DCMAKE_TOOLCHAIN_FILE={package / 'cmake' / 'toolchain.cmake'}"
    configure_and_build(package, tmp_path, toolchain)
    (archive,) = tmp_path.glob("libedgec_image.a")
    shown = subprocess.run(["arm-none-eabi-objdump", "-d", archive], capture_output=True, text=True).stdout
    assert "smlad" in shown  # compiled for the core whose kernels these are


def test_no_toolchain_for_this_machine(packaged: Packager) -> None:
    assert not (packaged("cmake", IMAGE, "host") / "cmake" / "toolchain.cmake").exists()
