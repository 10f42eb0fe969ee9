"""Every error a user can get: provoked through the command line, compared with a golden file.

EDGEC_GOLDEN=write writes the golden files anew; read the difference before committing it.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import pytest

from edgec.diagnostics import Diagnostic
from edgec.ir import Graph
from edgec.options import Silent
from edgec.quant.answers import Drop
from edgec.report import files
from edgec.report.schema import Report
from edgec.schedule import Plan
from edgec.shrink import Shrinker
from tests.cli.invoke import Outcome, edgec
from tests.conftest import ROOT
from tests.errors.board_cases import BOARD_CASES
from tests.errors.link_cases import LINK_CASES
from tests.frontends.tflite_writer import Op, T, write
from tests.report.sample import REPORT

if TYPE_CHECKING:
    from edgec.quant import Tuned

HERE = Path(__file__).parent
Case = Callable[[Path, pytest.MonkeyPatch], Outcome]
CASES: dict[str, Case] = {}


def case(name: str) -> Callable[[Case], Case]:
    """Register a provocation of the error that `name` begins with."""

    def register(function: Case) -> Case:
        assert name not in CASES
        CASES[name] = function
        return function

    return register


def build(model: object, *arguments: object, target: str = "stm32f746") -> Outcome:
    return edgec("build", model, "--target", target, "--out", "out", *arguments)


def a_build(folder: Path, target: str = "stm32f746") -> Path:
    """A directory that looks like a build."""
    folder.mkdir()
    (folder / files.NAME).write_text(files.dump({**REPORT, "target": target}))
    return folder


def labelled(labels: list[int]) -> str:
    """Data for such a build."""
    np.savez("data.npz", x=np.zeros((len(labels), 4, 2, 3), np.float32), y=labels)
    return "data.npz"


# -- E1: usage ----------------------------------------------------------------


@case("E101-nonsense")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    return build("m.tflite", "--budget", "lots")


@case("E101-zero")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    return build("m.tflite", "--budget", "0")


@case("E101-beyond")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    return build("m.tflite", "--budget", "64MB")


@case("E101-max-drop")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    return build("m.tflite", "--max-drop", "-1")


@case("E101-max-drop-weights")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    return build("m.tflite", "--max-drop", "1", "--weights", "int4")


@case("E101-max-drop-data")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    return build("tests.e2e.models:tiny_vit", "--max-drop", "1", "--flash-budget", "21KB")


@case("E101-usage")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    return build("m.tflite", "--optimize", "beauty")


@case("E101-overhead")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    return build("m.tflite", "--max-overhead", "0.9")


@case("E101-no-regions")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    return build("m.tflite", "--no-regions", "--pareto")


@case("E101-tune")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    return build("m.tflite", "--tune", target="host")


@case("E101-tune-on")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    return build("m.tflite", "--tune-on", "serial")


@case("E101-jobs")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    return build("m.tflite", "--tune", "--jobs", "0")


@case("E101-rank")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    return build("m.tflite", "--rank", "1.5")


@case("E101-rank-int8")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    return int8("--rank", "0.6")


def int8(*arguments: object) -> Outcome:
    """A model that is quantized already."""
    types = {"dtype": "INT8", "scale": [0.1], "zero": [3]}
    tensors = [T((1, 5), **types, name="x"), T((4, 5), "INT8", np.ones((4, 5)), [0.5]), T((1, 4), **types)]
    Path("m.tflite").write_bytes(write(tensors, [Op("FULLY_CONNECTED", [0, 1], [2])], [0], [2]))
    return build("m.tflite", *arguments)


@case("E101-rounding")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    np.save("x.npy", np.ones((3, 8), np.float32))
    return build("tests.errors.models:small", "--rounding", "learned", "--calib", "x.npy")


@case("E101-place")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    np.save("x.npy", np.zeros((1, 4, 2, 3), np.int8))
    return edgec("run", a_build(tmp / "b", "host"), "--on", "sim", "--input", "x.npy")


@case("E101-on")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    return edgec("run", a_build(tmp / "b"), "--on", "moon", "--input", "x.npy")


@case("E101-qemu")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    return edgec("profile", a_build(tmp / "b", "rp2040"), "--on", "qemu")


@case("E101-classes")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    one = {**REPORT, "outputs": [{"name": "y", "shape": [1, 1], "dtype": "int8"}]}
    (a_build(tmp / "b") / files.NAME).write_text(files.dump(cast(Report, one)))
    return edgec("eval", "b", "--data", labelled([0, 1]))


@case("E101-output")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    two = {**REPORT, "outputs": [REPORT["outputs"][0], {"name": "box", "shape": [1, 4], "dtype": "int8"}]}
    (a_build(tmp / "b") / files.NAME).write_text(files.dump(cast(Report, two)))
    return edgec("eval", "b", "--data", labelled([0, 1]))


@case("E101-float")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    a_build(tmp / "b")
    return edgec("eval", "b", "--data", labelled([0, 1]), "--model", "tests.errors.models:small")


@case("E101-sensitivity")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    a_build(tmp / "b")
    return edgec("eval", "b", "--data", labelled([0, 1]), "--sensitivity")


@case("E101-package")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    return edgec("package", a_build(tmp / "b"), "--as", "zephir", "--out", "out")


@case("E101-package-target")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    return edgec("package", a_build(tmp / "b"), "--as", "wheel", "--out", "out")


@case("E101-package-name")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    folder = a_build(tmp / "b")
    (folder / "src").mkdir()
    (folder / "src" / "model.h").write_text("")
    return edgec("package", folder, "--as", "cmake", "--name", "My Model", "--out", "out")


@case("E102")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    return build("m.tflite", target="stm32f764")


@case("E103-exists")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    (tmp / "out").mkdir()
    (tmp / "out" / "thesis.tex").write_text("precious")
    return build("m.tflite")


@case("E103-parent")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    (tmp / "file").write_text("x")
    return edgec("build", "m.tflite", "--target", "host", "--out", "file/out")


@case("E103-package")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    folder = a_build(tmp / "b")
    (folder / "src").mkdir()
    (folder / "src" / "model.h").write_text("")
    return edgec("package", folder, "--as", "cmake", "--out", "b")


@case("E104-shape")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    np.savez("calib.npz", x=np.zeros((4, 9), np.float32))
    return build("tests.errors.models:small", "--calib", "calib.npz")


@case("E104-channels")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    np.savez("calib.npz", x=np.zeros((4, 8, 8, 3), np.float32))
    return build("tests.errors.models:image", "--calib", "calib.npz")


@case("E104-type")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    np.savez("calib.npz", x=np.full((4, 8), "a"))
    return build("tests.errors.models:small", "--calib", "calib.npz")


@case("E104-missing")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    return build("tests.errors.models:small", "--calib", "none.npz")


@case("E104-labels")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    a_build(tmp / "b")
    np.savez("data.npz", x=np.zeros((2, 4, 2, 3), np.float32))
    return edgec("eval", "b", "--data", "data.npz")


@case("E104-classes")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    a_build(tmp / "b")
    return edgec("eval", "b", "--data", labelled([1, 3, 5]))


@case("E105-no-build")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    (tmp / "b").mkdir()
    return edgec("profile", "b")


@case("E105-package")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    return edgec("package", a_build(tmp / "b"), "--as", "cmake", "--out", "out")


@case("E105-shape")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    np.save("x.npy", np.zeros((1, 2, 3, 4), np.int8))
    return edgec("run", a_build(tmp / "b"), "--input", "x.npy")


@case("E105-target")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    from edgec.target import parse_target

    def faulty(name: str) -> object:
        return parse_target(
            name, {"description": "x", "kind": "mcu", "cpu": "z80", "clock_hz": 1, "bord": "x"}
        )

    patch.setattr("edgec.show_targets.load_target", faulty)
    return edgec("targets", "mine")


def told(call: Callable[[], object]) -> Outcome:
    """What a program prints that shows the error of a library call."""
    with pytest.raises(Diagnostic) as raised:
        call()
    return Outcome(raised.value.exit_status, "", raised.value.render() + "\n")


def a_tuned(width: int = 4, label: int = 1) -> Tuned:
    """A small model, fine-tuned."""
    import torch

    from edgec.quant import finetune

    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(6, width), torch.nn.ReLU(), torch.nn.Linear(width, 3))
    data = torch.randn(16, 6), torch.full((16,), label)
    return finetune(model, data[0][:1], data, epochs=1, resume=Path("run.ckpt"), progress=Silent())


@case("E103-tuned")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    tuned = a_tuned()
    return told(lambda: tuned.save("model.tflite"))


@case("E104-out-of-range")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    return told(lambda: a_tuned(label=3))


@case("E106")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    a_tuned()
    return told(lambda: a_tuned(width=5))


@case("E106-damaged")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    (tmp / "run.ckpt").write_bytes(b"")
    return told(a_tuned)


# -- E2: the model ------------------------------------------------------------


@case("E201-edgec")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    (tmp / "m.edgec").write_bytes(b"PK and then nothing")
    return build("m.edgec")


@case("E201-onnx")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    (tmp / "m.onnx").write_bytes(b"")
    return build("m.onnx")


@case("E201-pt2")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    from tests.errors.models import save_small

    save_small(tmp / "m.pt2")
    data = (tmp / "m.pt2").read_bytes()
    (tmp / "m.pt2").write_bytes(data[: len(data) // 2])
    return build("m.pt2")


@case("E201-tflite")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    (tmp / "m.tflite").write_bytes(bytes(range(256)))
    return build("m.tflite")


@case("E201-callable")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    return build("tests.errors.models:nothing")


@case("E202-torch")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    return build("tests.errors.models:strange")


@case("E202-onnx")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    from onnx import TensorProto, helper, save

    x, y = (helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, 4, 4]) for n in "xy")
    nodes = [
        helper.make_node("Det", ["x"], ["d"], "det"),
        helper.make_node("Bernoulli", ["d"], ["y"], "coin"),
    ]
    save(helper.make_model(helper.make_graph(nodes, "g", [x], [y])), "m.onnx")
    return build("m.onnx")


@case("E203-pt2")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    from tests.errors.models import save_dynamic

    save_dynamic(tmp / "m.pt2")
    return build("m.pt2")


@case("E203-onnx")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    from onnx import TensorProto, helper, save

    x, y = (helper.make_tensor_value_info(n, TensorProto.FLOAT, ["batch", 4, "width"]) for n in "xy")
    save(
        helper.make_model(helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", [x], [y])),
        "m.onnx",
    )
    return build("m.onnx")


@case("E204")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    return build("tests.errors.models:diverged")


@case("E205-missing")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    (tmp / "keyword.tflite").write_bytes(b"")
    return build("keywords.tflite")


@case("E205-suffix")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    (tmp / "m.xyz").write_bytes(b"")
    return build("m.xyz")


@case("E205-module")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    return build("no_such_module:model")


@case("E206")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    from edgec.ops.base import OpError, registry

    def refuse(call: object) -> object:
        raise OpError("features differ: input (1, 8), weights (4, 9)")

    # The frontends' own checkers find such models first; the ops must not rely on it.
    patch.setattr(registry()["linear"], "infer", refuse)
    return build("tests.errors.models:small")


@case("E207")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    return build("tests.errors.models:gated", "--input", "stream")


# -- E3: it does not fit ------------------------------------------------------


@case("E301")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    return build("tests.errors.models:image", "--budget", "1KB")


@case("E301-attention")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    return build("tests.errors.models:attends", "--budget", "2KB")


@case("E301-remedies")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    return build("tests.errors.models:camera", "--budget", "8KB")


@case("E302")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    return build("tests.errors.models:image", "--flash-budget", "2KB")


@case("E101-max-drop-outputs")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    np.save("x.npy", np.ones((60, 8), np.float32))
    return build("tests.errors.models:pair", "--max-drop", 1, "--flash-budget", "2KB", "--calib", "x.npy")


@case("E101-max-drop-few")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    np.save("x.npy", np.ones((20, 256), np.float32))
    return build("tests.errors.models:wide", "--max-drop", 1, "--flash-budget", "8KB", "--calib", "x.npy")


@case("E101-max-drop-int8")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    return int8("--max-drop", 1)


@case("E302-weights")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    return build("tests.errors.models:wide", "--flash-budget", "64KB")


@case("E302-linux")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    return build("tests.errors.models:wide", "--flash-budget", "64KB", target="cortex-a53")


def shrunk(*arguments: object, count: int = 60) -> Outcome:
    """A transformer whose weights have to take fewer bits."""
    rng = np.random.default_rng(0)
    np.savez("data.npz", x=rng.normal(size=(count, 3, 16, 16)).astype(np.float32), y=np.arange(count) % 10)
    return build("tests.e2e.models:vit_64", "--max-drop", 2, "--calib", "data.npz", *arguments)


@case("E302-forms")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    return shrunk("--flash-budget", "40KB")


@case("E303")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    patch.setattr(Shrinker, "_learn", lambda self, forms: self.real.graph)
    patch.setattr(Shrinker, "_loss", lambda self, graph: Drop(500, 80.0, 71.0, 9.0))
    return shrunk("--flash-budget", "80KB")


# -- E4: a tool is missing ----------------------------------------------------


@case("E401-compiler")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    from edgec.codegen import tools

    tools.zig.cache_clear()
    patch.setitem(sys.modules, "ziglang", None)
    try:
        return build("tests.errors.models:small")
    finally:
        tools.zig.cache_clear()


@case("E401-broken-compiler")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    from edgec.codegen import tools

    (tmp / "ziglang").mkdir()
    (tmp / "ziglang" / "__init__.py").write_text("")
    (tmp / "ziglang" / "zig").write_text("#!/bin/sh\necho 'Illegal instruction' >&2\nexit 132\n")
    (tmp / "ziglang" / "zig").chmod(0o755)
    patch.syspath_prepend(tmp)
    patch.delitem(sys.modules, "ziglang", raising=False)
    patch.setenv("EDGEC_CACHE", str(tmp / "cache"))
    tools.zig.cache_clear()
    try:
        return build("tests.errors.models:small")
    finally:
        tools.zig.cache_clear()
        sys.modules.pop("ziglang", None)


@case("E401-simulator")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    patch.setitem(sys.modules, "unicorn", None)
    return build("tests.errors.models:small")


@case("E402")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    pytest.importorskip("serial")
    patch.setattr("edgec.device.serial_ports.ports", lambda: [("/dev/ttyACM0", "STM32 STLink")])
    np.save("x.npy", np.zeros((1, 4, 2, 3), np.int8))
    return edgec("run", a_build(tmp / "b"), "--on", "serial:/dev/no-such-port", "--input", "x.npy")


# -- E5: a check failed -------------------------------------------------------


@case("E501-bytes")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    from edgec.ops.base import registry

    op = registry()["linear"]
    right = op.integer_reference
    patch.setattr(op, "integer_reference", lambda call, *xs: right(call, *xs) ^ 1)
    return build("tests.errors.models:small")


@case("E502")
def _(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    from edgec.schedule.planner import Packed

    right = Packed.plan

    def crushed(packed: Packed, graph: Graph) -> Plan:
        plan = right(packed, graph)
        windows = {v: replace(w, address=0) for v, w in plan.windows.items()}
        return replace(plan, windows=windows)

    patch.setattr(Packed, "plan", crushed)
    return build("tests.errors.models:image")


CASES.update(BOARD_CASES)
CASES.update(LINK_CASES)

# -- the tests ----------------------------------------------------------------


@pytest.mark.parametrize("name", CASES)
def test_golden(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    before = {p.name for p in tmp_path.iterdir()}
    done = CASES[name](tmp_path, monkeypatch)
    # Stages and their times are progress; the error begins at its code.
    start = re.search(r"^(error\[|internal error)", done.err, re.MULTILINE)
    assert start, done.err
    text = f"exit {done.status}\n{done.err[start.start() :]}".replace(str(tmp_path), "TMP")
    if name[:2] == "E3":
        if name != "E303":
            check_need(text)
        # Sizes follow every change of a kernel; the sentences do not.
        text = re.sub(r" {2,}(?=\d)", " ", re.sub(r"\b\d+KB\b *", "NKB ", text))
        text = re.sub(r"\b\d[\d,]{2,}\b", "N", text)
        # Which forms are the best follows the last bits of measured noise.
        text = re.sub(r"(?:(?:int8|int4|codebook\d(?:/\d+)?) x\d+(?:, )?)+", "FORMS", text)
        text = re.sub(r"\d+\.\d dB", "N dB", text)
    assert done.out == ""
    assert text.startswith(f"exit {'023456'[int(name[1])]}\nerror[{name[:4]}]"), text
    assert not [p.name for p in tmp_path.iterdir() if p.name.startswith(".out")]
    assert not (tmp_path / "out" / files.NAME).exists() or "out" in before
    golden = HERE / f"{name}.txt"
    if os.environ.get("EDGEC_GOLDEN") == "write":
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")


def check_need(text: str) -> None:
    """need - have = short, and the items are the need."""

    def size(label: str) -> int:
        (number,) = re.findall(rf"^  {label} +([\d,]+) B", text, re.MULTILINE)
        return int(number.replace(",", ""))

    assert size("need") - size("have") == size("short") > 0
    (items,) = re.findall(r"^  need .* B   (.*)$", text, re.MULTILINE)
    assert sum(int(n.replace(",", "")) for n in re.findall(r" ([\d,]+)(?: \+|$)", items)) == size("need")


def codes_in(folder: Path, suffix: str, pattern: str) -> set[str]:
    return {code for p in folder.rglob(f"*{suffix}") for code in re.findall(pattern, p.read_text("utf-8"))}


def test_every_code_has_a_golden_file() -> None:
    used = codes_in(ROOT / "edgec", ".py", r'"(E\d{3})"')
    golden = {p.name[:4] for p in HERE.glob("E*.txt")}
    assert used == golden
    assert {p.stem for p in HERE.glob("E*.txt")} == set(CASES)


def test_every_code_is_documented() -> None:
    used = codes_in(ROOT / "edgec", ".py", r'"(E\d{3})"')
    table = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").partition("## Errors")[2]
    assert used <= set(re.findall(r"E\d{3}", table))
