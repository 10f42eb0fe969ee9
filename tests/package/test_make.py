"""What all packages have in common, and what is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from edgec.diagnostics import Diagnostic
from edgec.output_dir import fresh, write_files
from edgec.package import FORMATS, is_package, package_files
from edgec.package.make import MARK
from edgec.report import files
from tests.conftest import ROOT, Builder

from .conftest import IMAGE

TARGETS = {"esp-idf": "host", "wheel": "cortex-a53"}


def build_for(form: str, built: Builder) -> Path:
    """A build that can become such a package."""
    return built(IMAGE, TARGETS.get(form, "stm32f746"))


@pytest.mark.parametrize("form", FORMATS)
def test_every_package(form: str, built: Builder, tmp_path: Path) -> None:
    folder = build_for(form, built)
    made = package_files(folder, form)
    assert made == package_files(folder, form)
    report = files.load(folder)
    readme, mark = made["README.md"], made[MARK]
    assert isinstance(readme, str) and isinstance(mark, str)
    assert f"{report['sram']['arena']:,} |" in readme and f"{report['flash']['weights']:,} |" in readme
    assert "## Use" in readme and "\n\n\n\n" not in readme
    facts = json.loads(mark)
    assert (facts["format"], facts["hash"], facts["name"]) == (form, report["hash"], "image")
    assert made["LICENSE"] == (ROOT / "LICENSE").read_text()
    for path, text in made.items():
        assert not path.startswith("/") and ".." not in path and "{" not in path
        whole = text.encode() if isinstance(text, str) else text
        assert str(folder).encode() not in whole and str(ROOT).encode() not in whole, path
        if isinstance(text, str):
            assert "{%" not in text and "None" not in text, path
            assert text.endswith("\n"), path
    write_files(tmp_path / "p", made)
    assert is_package(tmp_path / "p") and not is_package(folder) and not files.is_build(tmp_path / "p")


@pytest.mark.parametrize("form", [f for f in FORMATS if FORMATS[f].source])
def test_the_library_goes_along_whole(form: str, built: Builder) -> None:
    folder = build_for(form, built)
    made, source = package_files(folder, form), folder / "src"
    for path in (p for p in source.rglob("*") if p.is_file()):
        assert made[f"{FORMATS[form].source}/{path.relative_to(source)}"] == path.read_text()


def test_threads_stay_where_there_are_none(built: Builder) -> None:
    folder = built(IMAGE, "cortex-a53")
    assert "src/threads.c" in package_files(folder, "cmake")
    assert not [p for p in package_files(folder, "zephyr") if "threads" in p]


@pytest.mark.parametrize(
    ("form", "target"),
    [
        ("wheel", "stm32f746"),
        ("cubeide", "host"),
        ("cubeide", "cortex-a53"),
        ("esp-idf", "stm32f746"),
        ("arduino", "cortex-a53"),
        ("platformio", "cortex-a53"),
    ],
)
def test_builds_that_cannot_become_one(form: str, target: str, built: Builder) -> None:
    with pytest.raises(Diagnostic, match="E101") as raised:
        package_files(built(IMAGE, target), form)
    (remedy,) = raised.value.remedies
    other = remedy.partition("--target ")[2].partition(",")[0]
    assert package_files(built(IMAGE, other), form)  # the remedy works


def test_names(built: Builder, tmp_path: Path) -> None:
    folder = tmp_path / "b"
    shutil.copytree(built(IMAGE, "host"), folder)

    def named(model: str, asked: str = "") -> str:
        (folder / files.NAME).write_text(files.dump({**files.load(built(IMAGE, "host")), "model": model}))
        mark = package_files(folder, "cmake", asked)[MARK]
        assert isinstance(mark, str)
        return str(json.loads(mark)["name"])

    assert named("Digits ViT (v2)") == "digits_vit_v2"
    assert named("model") == "my_model"
    assert named("class") == "my_class"
    assert named("random") == "my_random"  # a module of Python's that a wheel would hide
    assert named("3d-net") == "d_net"
    assert named("模型") == "my_model"
    assert named("anything", "wake_word") == "wake_word"
    for asked in ("Wake", "wake-word", "model", "8ball", "numpy"):
        with pytest.raises(Diagnostic, match="E101"):
            named("anything", asked)
    for release in ("1.0", "v1.0.0", "1.0.0-rc1", "01.0.0"):
        with pytest.raises(Diagnostic, match="E101"):
            package_files(folder, "cmake", release=release)


def test_half_a_build(built: Builder, tmp_path: Path) -> None:
    folder = tmp_path / "b"
    shutil.copytree(built(IMAGE, "stm32f746"), folder)
    (folder / "linker.ld").unlink()
    with pytest.raises(Diagnostic, match="E105"):
        package_files(folder, "cubeide")
    shutil.rmtree(folder / "src")
    with pytest.raises(Diagnostic, match="E105"):
        package_files(folder, "cmake")


def test_a_package_is_replaced_and_a_build_is_not(built: Builder, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for text in ("1.0.0", "2.0.0"):
        with fresh(out, is_package) as work:
            write_files(work, package_files(built(IMAGE, "host"), "cmake", release=text))
    assert "2.0.0" in (out / MARK).read_text()
    with pytest.raises(Diagnostic, match="E103") as raised, fresh(built(IMAGE, "host"), is_package):
        pass
    assert "a build" in raised.value.render()
    with pytest.raises(Diagnostic, match="E103"), fresh(out):
        pass


def test_a_streamed_build(built: Builder) -> None:
    made = package_files(built(IMAGE, "stm32f746", input_mode="stream"), "arduino")
    sketch, words = made["examples/image/image.ino"], made["keywords.txt"]
    assert isinstance(sketch, str) and isinstance(words, str)
    assert "model_next_row" in sketch and "model_run" not in sketch
    assert "model_next_row\tKEYWORD2" in words
