"""Weights that start-up copies to SRAM: where they lie, what they count, what they save."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from edgec import fast
from edgec.build import build
from edgec.codegen.image import Image
from edgec.codegen.stack import frame_of, stack_bound
from edgec.codegen.toolchain import DoesNotFit, Firmware
from edgec.options import BuildOptions, Silent
from edgec.report import files
from edgec.report.schema import Report
from edgec.report.table import closing, plain
from edgec.runners import open_runner
from edgec.schedule.fast import Table
from edgec.target import load_target

from .conftest import MLPERF, Builder

MODEL = "tests.e2e.models:tiny_vit"


def marked(folder: Path) -> list[str]:
    return re.findall(r"^MODEL_FAST const \w+ (\w+)\[", (folder / "src/weights.c").read_text(), re.MULTILINE)


def checked(folder: Path) -> Report:
    """The report of a build, whose figures are those of the image."""
    report, image = files.load(folder), Image.read(folder / "firmware.elf")
    target, sram, flash = load_target(report["target"]), report["sram"], report["flash"]
    address, size = image.sections[".fast"]
    assert size == sram.get("weights", 0)
    code = image.sections.get(".fast_code", (0, 0))
    assert code[1] == sram.get("code", 0)
    assert sram["total"] == sram["arena"] + sram["data"] + sram["stack"] + size + code[1] <= sram["budget"]
    if code[1]:
        assert target.fast_code is not None and code[0] == target.fast_code.address
        assert code[1] <= target.fast_code.size and stack_bound(image) == image.sections[".stack"][1]
    if size:
        assert address >= sum(image.sections[".bss"]) and address % 8 == 0
        assert address + size == target.sram.address + sram["total"] - code[1]
        places = [image.symbols[s] for s in marked(folder)]
        assert places == sorted(places) and all(p % 8 == 0 for p in places)
        assert address == places[0] and places[-1] < address + size
    assert flash["weights"] == image.sections.get(".weights", (0, 0))[1] + size
    assert flash["total"] == sum(flash["regions"].values())
    gaps = len((folder / "firmware.bin").read_bytes()) - flash["total"]
    assert 0 <= gaps < 4 * 16  # between sections
    assert all(check["passed"] for check in report["checks"])
    return report


def same_work(after: Report, before: Report) -> None:
    """Instructions are the same, but for calls of code that is far away."""
    more = after["instructions"] - before["instructions"]
    assert more == 0 if "code" not in after["sram"] else 0 < more < 0.01 * before["instructions"]


@pytest.mark.parametrize(
    ("target", "share"), [("stm32f746", 0.98), ("stm32f446", 0.98), ("stm32f746g-disco", 0.99)]
)
def test_fewer_cycles_and_the_same_instructions(target: str, share: float, built: Builder) -> None:
    board = load_target(target).sram_bytes
    without, quick = built(MODEL, target, budget=board), built(MODEL, target, optimize="speed")
    before, after = checked(without), checked(quick)
    assert "weights" not in before["sram"] and not marked(without)
    assert after["sram"]["weights"] > 0.9 * after["flash"]["weights"]
    assert after["flash"]["weights"] <= before["flash"]["weights"] + 8 * len(marked(quick))
    assert after["hash"] == before["hash"]
    same_work(after, before)
    assert after["cycles"] < share * before["cycles"]
    line = f"{after['sram']['weights']:,} B of weights copied to SRAM at start"
    assert line in after["notes"] and line in plain(closing(after))
    assert line not in plain(closing(before))


def test_a_budget_with_room_for_half_of_them(built: Builder) -> None:
    everything = built(MODEL, "stm32f446", optimize="speed")
    whole = files.load(everything)["sram"]
    budget = whole["total"] - whole["weights"] // 2
    folder = built(MODEL, "stm32f446", optimize="speed", budget=budget)
    memory = checked(folder)["sram"]
    assert memory["arena"] == whole["arena"] and memory["total"] <= budget
    assert 0.4 * whole["weights"] < memory["weights"] <= 0.5 * whole["weights"]
    order, some = marked(everything), marked(folder)
    assert some == [s for s in order if s in some] and some[0] == order[0]


def test_fewer_where_the_linker_finds_no_room(
    built: Builder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose = fast.fast_tables

    def greedy(*asked: object) -> list[Table]:
        return choose(*asked[:-1], 1 << 30)  # type: ignore[arg-type]

    everything = files.load(built(MODEL, "stm32f446", optimize="speed"))["sram"]
    budget = everything["total"] - everything["weights"] // 2
    monkeypatch.setattr(fast, "fast_tables", greedy)
    out = tmp_path / "out"
    build(BuildOptions(MODEL, "stm32f446", out, optimize="speed", budget=budget), Silent())
    some = checked(out)["sram"]["weights"]
    assert 0 < some <= everything["weights"] // 2


def test_as_it_was_where_it_cannot_be_linked(
    built: Builder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> Firmware:
        raise DoesNotFit("flash", (("weights", 1 << 30),), 0)

    monkeypatch.setattr(fast, "build_firmware", refuse)
    out = tmp_path / "out"
    build(BuildOptions(MODEL, "stm32f446", out, optimize="speed"), Silent())
    without = built(MODEL, "stm32f446", budget=load_target("stm32f446").sram_bytes)
    assert checked(out)["notes"] == checked(without)["notes"]
    for name in ("firmware.elf", "src/weights.c"):
        assert (out / name).read_bytes() == (without / name).read_bytes()


def test_code_of_the_most_work_comes_first(built: Builder) -> None:
    without = built(MODEL, "stm32f746", budget=load_target("stm32f746").sram_bytes)
    memory = files.load(built(MODEL, "stm32f746", optimize="speed"))["sram"]
    no_room = built(MODEL, "stm32f746", optimize="speed", budget=memory["total"] - memory["code"])
    images = [Image.read(f / "firmware.elf") for f in (no_room, without)]
    ordered, plain_order = (
        [f.name for f in i.functions if f.address >= i.sections[".text"][0]] for i in images
    )
    assert ordered[0] == "ec_linear_s8_dsp" != plain_order[0] and sorted(ordered) == sorted(plain_order)
    quick = images[0]
    linear = next(f for f in quick.functions if f.address == quick.sections[".text"][0])
    called = frame_of(quick, linear, {f.address: f for f in reversed(quick.functions)}).calls
    assert called and max(called) < linear.address + 4096


def test_code_that_is_copied(built: Builder) -> None:
    board, quick = load_target("stm32f746"), built(MODEL, "stm32f746", optimize="speed")
    report, image = checked(quick), Image.read(quick / "firmware.elf")
    fast = {f.name for f in image.functions if f.address < board.boot.address}
    assert "ec_linear_s8_dsp" in fast and not {"start", "model_run"} & fast
    code = report["sram"]["code"]
    assert 4096 < code <= board.fast_code.size if board.fast_code else False
    assert f"{code:,} B of code copied to itcm at start" in report["notes"]
    without = checked(built(MODEL, "stm32f746", budget=board.sram_bytes))
    assert "code" not in without["sram"] and without["sram"]["budget"] == board.sram_bytes
    # A budget covers it, behind the weights.
    most = report["sram"]["total"]
    for budget, least in ((most - code // 2, code // 4), (most - code, 0)):
        some = checked(built(MODEL, "stm32f746", optimize="speed", budget=budget))
        assert some["sram"]["weights"] == report["sram"]["weights"]
        assert least <= some["sram"].get("code", 0) <= budget - most + code


@pytest.mark.skipif(
    not (shutil.which("qemu-system-arm") and shutil.which("arm-none-eabi-gcc")),
    reason="needs qemu-system-arm and arm-none-eabi-gcc",
)
@pytest.mark.parametrize("target", ["stm32f746", "stm32f446"])
def test_another_compiler_and_emulator_agree(target: str, built: Builder) -> None:
    folder = built(MODEL, target, optimize="speed")
    size = sum(_bytes(p["shape"]) for p in files.load(folder)["inputs"])
    data = [bytes((7 * k + n) & 0xFF for k in range(size)) for n in range(2)]
    found = []
    for place in ("sim", "qemu"):
        with open_runner(folder, place) as runner:  # type: ignore[arg-type]
            found.append([r.outputs for r in runner.run(data)])
    assert found[0] == found[1] and found[0][0] != found[0][1]


def _bytes(shape: list[int]) -> int:
    size = 1
    for n in shape:
        size *= n
    return size


@pytest.mark.parametrize("target", ["stm32f746", "stm32f446"])
@pytest.mark.parametrize("key", ["ad", "sww", "kws"])
def test_mlperf_models_take_fewer_cycles(key: str, target: str, data_dir: Path, built: Builder) -> None:
    model, board = data_dir / "models" / MLPERF[key], load_target(target).sram_bytes
    before = checked(built(model, target, budget=board))
    after = checked(built(model, target, optimize="speed"))
    same_work(after, before)
    assert after["cycles"] < 0.95 * before["cycles"]
