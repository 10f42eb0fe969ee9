"""The ESP-IDF component: its manifests, its Kconfig, its CMake files with a stub of ESP-IDF's, and RISC-V."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from edgec.codegen.compile import compile_all
from edgec.codegen.tools import zig
from edgec.resources import resource_dir

from .conftest import IMAGE, STUBS, Packager, printed
from .test_cmake import FLAGS, configure_and_build

KERNELS = ("attention_s8", "depthwise_conv2d_s8", "layer_norm_s16_s8", "linear_s8", "softmax_s8", "wide")


@pytest.fixture
def package(packaged: Packager) -> Path:
    return packaged("esp-idf", IMAGE, "host")


def test_manifests(package: Path) -> None:
    tools = pytest.importorskip("idf_component_tools.manager")
    for folder in (package, package / "examples" / "image" / "main"):
        manager = tools.ManifestManager(folder, folder.name, upload_mode=tools.UploadMode.component)
        if folder != package:
            manager = tools.ManifestManager(folder, folder.name)
        errors = manager.validate()._validation_errors
        assert not errors, errors
    read = tools.ManifestManager(package, "image").load()
    assert str(read.version) == "1.0.0" and read.license == "Apache-2.0"
    (local,) = tools.ManifestManager(package / "examples" / "image" / "main", "main").load().requirements
    assert (package / "examples" / "image" / "main" / local.path).resolve() == package.resolve()


def test_kconfig(package: Path) -> None:
    kconfiglib = pytest.importorskip("kconfiglib")
    tree = kconfiglib.Kconfig(str(package / "Kconfig"), warn_to_stderr=False)
    assert tree.syms["EDGEC_IMAGE_SPEED"].str_value == "y" and not tree.warnings


@pytest.mark.skipif(shutil.which("cmake") is None, reason="needs cmake")
def test_the_example_builds_and_runs(
    package: Path, zeros: Callable[..., list[int]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub = STUBS / "esp"
    monkeypatch.setenv("IDF_PATH", str(stub))
    options = [f"-DSTUB={stub}", f"-DCOMPONENT={package}", "-DSPEED=IMAGE_SPEED", FLAGS]
    configure_and_build(package / "examples" / "image", tmp_path, *options)
    run = subprocess.run([tmp_path / "app"], capture_output=True, text=True, check=True)
    assert printed(run.stdout) == zeros(IMAGE, "host")
    assert "-O2" in (tmp_path / "component" / "CMakeFiles" / "image.dir" / "flags.make").read_text()


def test_it_compiles_for_risc_v(package: Path) -> None:
    """As an ESP32-C3 is: RV32IMC, bare, with an int32_t that is a long, as its C library has it."""
    firmware = resource_dir("firmware")
    headers = [package / "src", firmware / "kernels", firmware / "runtime" / "freestanding"]
    flags = ["-target", "riscv32-freestanding-none", "-mcpu=generic_rv32+m+c", "-ffreestanding"]
    flags += ["-Wno-macro-redefined", "-D__INT32_TYPE__=long", "-D__UINT32_TYPE__=unsigned long"]
    kernels = [firmware / "kernels" / f"ec_{name}.c" for name in KERNELS]
    compile_all(zig(), [*sorted(package.rglob("src/**/*.c")), *kernels], headers, flags, strict=True)
