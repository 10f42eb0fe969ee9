"""The command line's contract: exit statuses, what goes to which stream, what is left behind."""

import json
import os
import re
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from edgec.diagnostics import Diagnostic
from edgec.options import BuildOptions, Progress
from edgec.report import files
from edgec.report.schema import Report, TradeOff
from tests.cli.invoke import edgec
from tests.conftest import ROOT
from tests.report.sample import REPORT

Builder = Callable[[BuildOptions, Progress], Report]


@pytest.fixture
def builder(monkeypatch: pytest.MonkeyPatch) -> Callable[[Builder], None]:
    """Puts a function in the place of the compiler."""
    return lambda function: monkeypatch.setattr("edgec.build.build", function)


def good(options: BuildOptions, progress: Progress) -> Report:
    progress.stage("read")
    progress.step(1, 2)
    progress.status("half of it")
    progress.note("a note")
    progress.warn("a warning")
    (options.out / files.NAME).write_text(files.dump(REPORT), encoding="utf-8")
    return REPORT


def test_json_on_stdout_is_exactly_the_report(builder: Callable[[Builder], None], tmp_path: Path) -> None:
    builder(good)
    done = edgec("build", "m.tflite", "--target", "stm32f746", "--out", tmp_path / "out", "--json")
    assert done.status == 0
    assert done.out == (tmp_path / "out" / "report.json").read_text(encoding="utf-8")
    assert json.loads(done.out) == REPORT
    assert "warning: a warning" in done.err
    assert "SRAM" in done.err


def test_the_table_is_on_stdout_and_plain(builder: Callable[[Builder], None], tmp_path: Path) -> None:
    builder(good)
    done = edgec("build", "m.tflite", "--target", "stm32f746", "--out", tmp_path / "out")
    assert done.status == 0
    assert "kws on stm32f746" in done.out
    assert f"wrote {tmp_path / 'out'}" in done.out
    assert "\x1b" not in done.out + done.err
    assert " s  read" in done.err
    assert "half" not in done.err, "what passes is no line of a log"


def test_trade_offs_are_in_the_table(builder: Callable[[Builder], None], tmp_path: Path) -> None:
    def look(options: BuildOptions, progress: Progress) -> Report:
        point = TradeOff(arena=5432, macs=99, factor=1.25, moves=["stem run twice"], chosen=True)
        return {**good(options, progress), "pareto": [point]}

    builder(look)
    done = edgec("build", "m.tflite", "--target", "stm32f746", "--out", tmp_path / "out", "--pareto")
    assert re.search(r"built +5,432 +1\.250 +stem run twice\n.*pareto\.svg.*\n\nwrote", done.out)


def test_options_arrive(builder: Callable[[Builder], None], tmp_path: Path) -> None:
    seen: list[BuildOptions] = []

    def look(options: BuildOptions, progress: Progress) -> Report:
        seen.append(options)
        return good(options, progress)

    builder(look)
    command = ["build", "m.tflite", "--target", "stm32f746", "--out", tmp_path / "out", "--budget", "64KB"]
    command += ["--flash-budget", "1MB", "--calib", "c.npz", "--input", "stream", "--optimize", "speed"]
    command += ["--max-overhead", "1.5", "--pareto", "--keep-dead"]
    assert edgec(*command, "--no-verify").status == 0
    (got,) = seen
    assert (got.max_overhead, got.pareto, got.regions, got.keep_dead) == (1.5, True, True, True)
    assert (got.model, got.target, got.budget, got.flash_budget) == ("m.tflite", "stm32f746", 65536, 1048576)
    assert (got.calib, got.input_mode, got.optimize, got.verify) == (Path("c.npz"), "stream", "speed", False)
    assert got.out.parent == tmp_path


@pytest.mark.parametrize(
    ("code", "status"), [("E101", 2), ("E201", 3), ("E301", 4), ("E401", 5), ("E501", 6)]
)
def test_a_diagnostic_ends_with_its_status(
    builder: Callable[[Builder], None], tmp_path: Path, code: str, status: int
) -> None:
    def fail(options: BuildOptions, progress: Progress) -> Report:
        (options.out / "half").write_text("x")
        raise Diagnostic(code, "something is wrong", where="there")

    builder(fail)
    done = edgec("build", "m.tflite", "--target", "stm32f746", "--out", tmp_path / "out", "--json")
    assert done.status == status
    assert done.out == ""
    assert f"error[{code}]: something is wrong\n  --> there" in done.err
    assert list(tmp_path.iterdir()) == []


def test_a_bug_says_so(
    builder: Callable[[Builder], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(options: BuildOptions, progress: Progress) -> Report:
        raise ValueError("first line\nsecond line")

    builder(crash)
    monkeypatch.delenv("EDGEC_DEBUG", raising=False)
    command = ("build", "m.tflite", "--target", "stm32f746", "--out", tmp_path / "out")
    done = edgec(*command)
    assert done.status == 1
    assert "internal error: ValueError: first line" in done.err
    assert "test_cli.py:" in done.err
    assert "report it" in done.err
    assert "Traceback" not in done.err
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setenv("EDGEC_DEBUG", "1")
    assert "Traceback" in edgec(*command).err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted(tmp_path: Path, number: signal.Signals) -> None:
    code = (
        "import sys, time, edgec.build\n"
        "def slow(options, progress):\n"
        "    (options.out / 'half').write_text('x')\n"
        "    print('ready', file=sys.stderr, flush=True); time.sleep(60)\n"
        "edgec.build.build = slow\n"
        "from edgec.cli import main; main()"
    )
    command = [sys.executable, "-c", code, "build", "m.tflite", "--target", "stm32f746", "--out", "out"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=tmp_path, env=env, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        while "ready" not in process.stderr.readline():
            assert process.poll() is None
        process.send_signal(number)
        said = process.stderr.read()
    assert process.returncode == 130
    assert said.strip() == "edgec: interrupted, nothing was written"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["bild"], "Did you mean 'build'"),
        (["build"], "MODEL"),
        (["build", "m.tflite"], "--target"),
        (
            ["build", "m.tflite", "--target", "stm32f746", "--input", "x"],
            "'x' is not one of 'whole', 'stream'",
        ),
        (["build", "m.tflite", "--target", "stm32f746", "--frobnicate"], "--frobnicate"),
        (["run"], "DIR"),
        (["build", "m", "--target", "host", "--max-overhead", "nan"], "--max-overhead must be a number"),
        (["build", "m", "--target", "host", "--max-overhead", "inf"], "--max-overhead must be a number"),
        (["build", "m", "--target", "host", "--max-overhead", "0.999"], "--max-overhead must be a number"),
        (["build", "m", "--target", "host", "--max-overhead", "more"], "--max-overhead"),
        (
            ["build", "m", "--target", "host", "--no-regions", "--max-overhead", "1.5"],
            "1.5 contradicts --no-reg",
        ),
    ],
)
def test_usage_errors(arguments: list[str], text: str) -> None:
    done = edgec(*arguments)
    assert done.status == 2
    assert done.err.startswith("error[E101]: ")
    assert text in done.err
    assert done.out == ""


def test_help_and_version() -> None:
    assert edgec("--version").out.startswith("edgec ")
    for arguments in ([], ["--help"], ["build", "--help"]):
        done = edgec(*arguments)
        assert done.status == 0
        assert "Usage: edgec" in done.out


def test_targets() -> None:
    done = edgec("targets")
    assert done.status == 0
    for name in ("stm32f746", "stm32f746g-disco", "stm32f446", "cortex-a53", "host"):
        assert any(line.startswith(f"  {name} ") for line in done.out.splitlines())
    one = edgec("targets", "stm32f746")
    assert "0x20000000" in one.out
    regions = json.loads(edgec("targets", "stm32f746", "--json").out)["regions"]
    assert {r["name"]: r["size"] for r in regions}["dtcm"] == 65536


def test_targets_is_quick_and_light() -> None:
    """Processor time is measured: the tests around this one must not count."""
    code = (
        "import sys; sys.argv = ['edgec', 'targets']\n"
        "from edgec.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'tensorflow', 'onnx', 'ortools', 'unicorn', 'numpy', 'networkx', 'rich.table'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    took = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        took.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert done.stderr.strip() == "[]"
    assert min(took) < 0.5, f"{took}"


def test_a_closed_pipe_is_no_bug() -> None:
    command = f"{sys.executable} -c 'from edgec.cli import main; main()' targets | true"
    done = subprocess.run(
        ["sh", "-c", command], capture_output=True, text=True, env={**os.environ}, check=False
    )
    assert "Traceback" not in done.stderr
    assert "internal error" not in done.stderr


def test_doctor() -> None:
    done = edgec("doctor", "--json")
    facts = json.loads(done.out)
    assert done.status == (0 if facts["ok"] else 5)
    parts = {p["name"]: p for p in facts["parts"]}
    assert parts["ziglang"]["version"]
    assert parts["ziglang"]["fault"] == ""
    assert all(p["purpose"] and p["get"] for p in parts.values())
    text = edgec("doctor").out
    assert all(name in text for name in parts)


def test_doctor_finds_what_is_missing_or_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    from edgec import doctor

    monkeypatch.setattr(
        doctor, "PROBES", {"unicorn": (sys.executable, "-c", "raise SystemExit('no such core')")}
    )
    monkeypatch.setattr(
        doctor, "PACKAGES", (("no-such-package", "nothing", "pip install it", True), *doctor.PACKAGES)
    )
    done = edgec("doctor")
    assert done.status == 5
    assert "MISSING" in done.out
    assert "BROKEN: no such core" in done.out
    assert "2 required parts are missing or broken" in done.out
