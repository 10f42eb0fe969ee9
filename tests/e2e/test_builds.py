"""What comes out of a build: the same twice, usable by others, with tests that find a wrong layer."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from edgec import pipeline
from edgec.build import build
from edgec.commands import test_build as run_tests
from edgec.diagnostics import Diagnostic
from edgec.options import BuildOptions, Silent
from edgec.report import files
from edgec.runners import open_runner

from .conftest import Builder

MODEL = "tests.e2e.models:tiny_vit"


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_two_builds_are_identical(built: Builder) -> None:
    # Another option only to make another build; what it asks for is the default.
    first, second = built(MODEL, "stm32f746"), built(MODEL, "stm32f746", verify=True)
    assert first != second
    assert contents(first) == contents(second)


def test_layout_of_a_build(built: Builder) -> None:
    names = set(contents(built(MODEL, "stm32f746")))
    for name in ("src/model.h", "src/model.c", "src/weights.c", "CMakeLists.txt", "report.json"):
        assert name in names
    for name in ("firmware.elf", "firmware.bin", "firmware.hex", "tests/run_tests.c", "tests/cases.json"):
        assert name in names


@pytest.mark.skipif(shutil.which("cmake") is None, reason="needs cmake")
def test_the_library_builds_with_cmake(built: Builder, tmp_path: Path) -> None:
    folder = built(MODEL, "stm32f746")
    flags = "-Wall -Wextra -Wconversion -Werror"
    subprocess.run(
        ["cmake", "-S", str(folder), "-B", str(tmp_path), f"-DCMAKE_C_FLAGS={flags}"],
        check=True,
        capture_output=True,
    )
    subprocess.run(["cmake", "--build", str(tmp_path)], check=True, capture_output=True)
    done = subprocess.run(["ctest", "--test-dir", str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert "0 tests failed out of 2" in done.stdout


@pytest.mark.skipif(shutil.which("g++") is None, reason="needs g++")
def test_the_header_is_usable_from_cpp(built: Builder, tmp_path: Path) -> None:
    source = tmp_path / "use.cpp"
    source.write_text(
        '#include "model.h"\n'
        "static model_ctx ctx;\n"
        "int main() { model_input(&ctx)[0] = 1; model_run(&ctx); return model_output(&ctx)[0] == 0; }\n"
    )
    command = ["g++", "-std=c++17", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-fsyntax-only"]
    subprocess.run([*command, f"-I{built(MODEL, 'stm32f746') / 'src'}", str(source)], check=True)


@pytest.mark.parametrize("place", ["sim", "host"])
def test_its_tests_pass(place: str, built: Builder, capsys: pytest.CaptureFixture[str]) -> None:
    run_tests(built(MODEL, "stm32f746"), place)  # type: ignore[arg-type]
    assert "tests passed" in capsys.readouterr().out


def test_a_wrong_layer_is_named(built: Builder, tmp_path: Path) -> None:
    folder = tmp_path / "broken"
    shutil.copytree(built(MODEL, "stm32f746"), folder)
    vectors = sorted((folder / "tests" / "vectors").iterdir())
    data = bytearray(vectors[-1].read_bytes())
    data[0] ^= 1
    vectors[-1].write_bytes(bytes(data))
    with pytest.raises(Diagnostic, match="E501") as raised:
        run_tests(folder, "sim")
    assert "element 0" in raised.value.render()
    assert "model_layer_" in raised.value.where


def test_cortex_a53(built: Builder) -> None:
    if shutil.which("qemu-aarch64") is None:
        pytest.skip("needs qemu-aarch64")
    report = files.load(built(MODEL, "cortex-a53"))
    assert any(c["name"] == "bytes" and c["passed"] for c in report["checks"])


def test_all_places_agree(built: Builder) -> None:
    folder = built(MODEL, "stm32f746")
    sample = bytes(range(256)) * 3
    places = ["sim", "host"]
    if shutil.which("qemu-system-arm") and shutil.which("arm-none-eabi-gcc"):
        places.append("qemu")
    outputs = set()
    for place in places:
        with open_runner(folder, place) as runner:  # type: ignore[arg-type]
            size = runner.identify().inputs
            outputs.add(runner.run([(sample * size)[:size]])[0].outputs)
    assert len(outputs) == 1


@pytest.mark.parametrize("name", ["four_images", "twice", "nothing"])
def test_unusual_models(name: str, built: Builder) -> None:
    report = files.load(built(f"tests.e2e.models:{name}", "stm32f746"))
    assert all(c["passed"] for c in report["checks"])
    names = [p["name"] for p in report["outputs"]]
    assert len(set(names)) == len(names)


def test_layers_that_lose_most_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "COSINE", 1.1)  # no model is as good as that
    report = build(BuildOptions(MODEL, "host", tmp_path / "out"), Silent())
    assert any("cosine to the float model" in text for text in report["warnings"])
    assert any("SNR dB" in text for text in report["notes"])
    assert sum("(linear, i8)" in text for text in report["notes"]) > 1
