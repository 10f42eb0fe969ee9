"""The output directory: whole or not at all."""

import json
import os
import signal
from pathlib import Path

import pytest

from edgec.diagnostics import Diagnostic
from edgec.output_dir import default_name, fresh
from tests.report.sample import REPORT


def build_into(out: Path, text: str) -> None:
    with fresh(out) as work:
        assert work.is_dir()
        assert not any(work.iterdir())
        (work / "report.json").write_text(json.dumps({**REPORT, "model": text}))


def test_appears_whole(tmp_path: Path) -> None:
    out = tmp_path / "a" / "b"
    with fresh(out) as work:
        (work / "file").write_text("x")
        assert not out.exists()
    assert (out / "file").read_text() == "x"
    assert [p.name for p in out.parent.iterdir()] == ["b"]


def test_failure_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), fresh(tmp_path / "new" / "out") as work:
        (work / "file").write_text("x")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_interrupt_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), fresh(tmp_path / "out"):
        os.kill(os.getpid(), signal.SIGINT)
    assert list(tmp_path.iterdir()) == []
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_replaces_a_build(tmp_path: Path) -> None:
    out = tmp_path / "out"
    build_into(out, "first")
    (out / "stale").write_text("x")
    build_into(out, "second")
    assert json.loads((out / "report.json").read_text())["model"] == "second"
    assert [p.name for p in tmp_path.iterdir()] == ["out"]
    assert not (out / "stale").exists()


def test_failure_keeps_the_earlier_build(tmp_path: Path) -> None:
    out = tmp_path / "out"
    build_into(out, "first")
    with pytest.raises(RuntimeError), fresh(out):
        raise RuntimeError
    assert json.loads((out / "report.json").read_text())["model"] == "first"
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def _file(out: Path) -> None:
    out.write_text("mine")


def _folder(out: Path) -> None:
    out.mkdir()
    (out / "report.json").write_text('{"schema": "somebody else"}')


def _link(out: Path) -> None:
    out.symlink_to(out.parent)


@pytest.mark.parametrize("make", [_file, _folder, _link])
def test_refuses_what_it_did_not_write(tmp_path: Path, make: object) -> None:
    out = tmp_path / "out"
    make(out)  # type: ignore[operator]
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(Diagnostic) as caught, fresh(out):
        pytest.fail("the block must not run")
    assert caught.value.code == "E103"
    assert sorted(tmp_path.rglob("*")) == before


def test_refuses_an_impossible_parent(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(Diagnostic) as caught, fresh(tmp_path / "file" / "out"):
        pytest.fail("the block must not run")
    assert caught.value.code == "E103"


def test_default_name() -> None:
    assert default_name("models/kws.tflite", "host") == Path("kws-host")
    assert default_name("pkg.nets:vit", "host") == Path("nets_vit-host")
