"""Progress and errors on a terminal."""

import io
import re

import pytest

from edgec.console import progress, show, show_error
from edgec.diagnostics import Diagnostic
from edgec.report.table import closing, plain
from tests.report.sample import REPORT


class Terminal(io.StringIO):
    """A stream that a person reads."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return Terminal()


def words(terminal: Terminal) -> str:
    """What is left without control sequences."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", terminal.getvalue())


def test_stages_become_lines(terminal: Terminal) -> None:
    with progress(terminal) as shown:
        shown.stage("read [brackets].onnx")
        shown.step(1, 2)
        shown.note("a [note]")
        shown.warn("a [warning]")
        shown.stage("compile")
    text = words(terminal)
    assert re.search(r"done  read \[brackets\]\.onnx \d+\.\d s", text)
    assert re.search(r"done  compile \d+\.\d s", text)
    assert "a [note]" in text
    assert "warning: a [warning]" in text
    assert "\x1b[" in terminal.getvalue()


def test_a_status_is_shown_and_goes(terminal: Terminal) -> None:
    with progress(terminal) as shown:
        shown.stage("schedule [all]")
        shown.status("3 tried [so far]")
        shown.bar.refresh()  # type: ignore[attr-defined]
        assert "schedule [all]  3 tried [so far]" in words(terminal)
        shown.stage("compile")
        before = len(words(terminal))
        shown.bar.refresh()  # type: ignore[attr-defined]
    assert "tried" not in words(terminal)[before:]
    assert re.search(r"done  schedule \[all\] \d+\.\d s", words(terminal))


def test_a_stage_that_fails_does_not_say_done(terminal: Terminal) -> None:
    with pytest.raises(RuntimeError), progress(terminal) as shown:
        shown.stage("compile")
        raise RuntimeError
    assert re.search(r"stop  compile", words(terminal))


def test_a_table_is_coloured_and_has_the_same_words(terminal: Terminal) -> None:
    show(closing(REPORT), terminal)
    assert "\x1b[" in terminal.getvalue()
    assert [s.rstrip() for s in words(terminal).splitlines()] == plain(closing(REPORT)).splitlines()


def test_an_error_is_coloured_and_has_the_same_words(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr", terminal)
    error = Diagnostic("E101", "bad [size]", where="--budget", facts=[("have", "x")], remedies=["y"])
    show_error(error)
    assert words(terminal).strip() == error.render()
    assert "\x1b[" in terminal.getvalue()
