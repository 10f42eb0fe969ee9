"""Weights that start-up copies to SRAM: by two linkers, from internal and from QSPI flash."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from edgec.codegen.stack import frame_of, stack_bound
from edgec.codegen.toolchain import DoesNotFit, Firmware, build_firmware
from edgec.codegen.tools import arm_gcc
from edgec.sim.board import SimRunner
from edgec.sim.process import QemuRunner
from edgec.sim.runner import Runner
from edgec.target import load_target

from . import fake

LARGE = 2_000_000
"""Bytes of weights that only QSPI flash holds."""


def model(folder: Path, filler: int) -> Path:
    """The fake model: its weights copied, `filler` bytes that stay, and variables of both kinds."""
    values = ",".join(map(str, fake.WEIGHTS))
    return fake.variant(
        folder,
        "do { (void)(arena); cleared++; begun += filler[7]; } while (0)",
        declare=f"extern volatile int cleared, begun;\nextern const signed char filler[{filler}];",
        weights='#include "fault.h"\n#include "kernel.h"\n'
        "volatile int cleared;\nvolatile int begun = 5;\n"
        f"MODEL_FAST const int8_t kernel_weights[16] = {{{values}}};\n"
        f'__attribute__((section(".weights"))) const signed char filler[{filler}] = {{1}};\n',
    )


def laid_out(firmware: Firmware) -> None:
    """Checks that the weights lie behind everything in SRAM."""
    image, sizes = firmware.image, firmware.sizes
    address, size = image.sections[".fast"]
    assert size == sizes.fast == 16 and address == image.symbols["kernel_weights"] and address % 8 == 0
    assert (
        address >= sum(image.sections[".bss"]) > sum(image.sections[".data"]) > sum(image.sections[".arena"])
    )
    assert sizes.sram == sizes.stack + sizes.arena + sizes.data + 16
    assert address + 16 == image.symbols["_stack_base"] + sizes.sram


def answers(runner: Runner) -> None:
    xs = fake.inputs(3)
    with runner:
        assert [r.outputs for r in runner.run(xs)] == [fake.answer(x) for x in xs]


@pytest.mark.parametrize(
    ("board", "filler", "home"),
    [("stm32f746", 100, "flash"), ("stm32f446", 100, "flash"), ("stm32f746g-disco", LARGE, "qspi")],
)
def test_copied_from_the_memory_of_the_weights(board: str, filler: int, home: str, tmp_path: Path) -> None:
    target = load_target(board)
    firmware = build_firmware(model(tmp_path / "model", filler), target)
    laid_out(firmware)
    assert firmware.weights_region == home and firmware.sizes.weights == filler + 16
    files, suffix = firmware.files(target), "" if home == "flash" else f".{home}"
    load = firmware.image.symbols["_fast_load"]
    at = load - next(r.address for r in target.regions if r.name == home)
    assert load % 4 == 0 and files[f"firmware{suffix}.bin"][at : at + 16] == bytes(
        int(w) & 0xFF for w in fake.WEIGHTS
    )
    answers(SimRunner(firmware.elf, target))


@pytest.mark.skipif(
    not (shutil.which("qemu-system-arm") and shutil.which("arm-none-eabi-gcc")),
    reason="needs qemu-system-arm and arm-none-eabi-gcc",
)
@pytest.mark.parametrize("filler", [100, 5_000_000])
def test_by_another_linker(filler: int, tmp_path: Path) -> None:
    target = load_target("mps2-an500")
    firmware = build_firmware(model(tmp_path / "model", filler), target, tool=arm_gcc())
    laid_out(firmware)
    assert firmware.weights_region == ("ssram1" if filler == 100 else "psram")
    answers(QemuRunner(firmware.elf, target))


def test_they_count_in_what_is_needed(tmp_path: Path) -> None:
    source, target = model(tmp_path / "model", 100), load_target("stm32f746")
    need = build_firmware(source, target).sizes.sram
    assert build_firmware(source, target, sram_limit=need).sizes.sram == need
    with pytest.raises(DoesNotFit, match="SRAM") as raised:
        build_firmware(source, target, sram_limit=need - 8)
    assert ("weights", 16) in raised.value.parts and raised.value.need == need


def test_code_that_is_copied(tmp_path: Path) -> None:
    source, target = model(tmp_path / "model", 100), load_target("stm32f746")
    usual, quick = build_firmware(source, target), ["kernel_sum", "kernel_scale"]
    firmware = build_firmware(source, target, fast=quick)
    image, sizes = firmware.image, firmware.sizes
    address, size = image.sections[".fast_code"]
    assert (address, size) == (0, sizes.fast_code) and size % 4 == 0
    copied = [f for f in image.functions if f.address < size]
    assert [f.name for f in copied if f.name in quick] == quick and len(copied) > 2  # what they call, too
    assert sizes.sram == usual.sizes.sram + size and usual.sizes.fast_code == 0
    assert stack_bound(image) == sizes.stack == usual.sizes.stack
    # Stored in flash, and nothing that runs before the copy calls what is there.
    load = next(s for s in image.segments if s.runs_at == 0)
    stored = firmware.files(target)["firmware.bin"]
    assert stored[load.address - target.boot.address :][:size] == load.data[:size]
    by_address = {f.address: f for f in reversed(image.functions)}
    assert not frame_of(image, next(f for f in image.functions if f.name == "copy_words"), by_address).calls
    answers(SimRunner(firmware.elf, target))
    # As much as SRAM may be used for; a board without such a memory copies nothing.
    need = usual.sizes.sram
    assert build_firmware(source, target, fast=quick, sram_limit=need + 8).sizes.fast_code == 0
    part = build_firmware(source, target, fast=quick, sram_limit=need + size - 8)
    assert 0 < part.sizes.fast_code < size and part.sizes.sram <= need + size - 8
    other = load_target("stm32f446")
    assert build_firmware(source, other, fast=quick).elf == build_firmware(source, other).elf


def test_code_that_comes_first(tmp_path: Path) -> None:
    source, target = model(tmp_path / "model", 100), load_target("stm32f746")
    usual = build_firmware(source, target).image
    link, total = "link_begin", "kernel_sum"
    image = build_firmware(source, target, kernels=[link, total]).image
    begin = image.sections[".text"][0]
    names, before = ([f.name for f in i.functions if f.address >= begin] for i in (image, usual))
    by_address = {f.address: f for f in reversed(image.functions)}
    called = {by_address[a].name for a in frame_of(image, by_address[begin], by_address).calls}
    assert sorted(names) == sorted(before) and names[0] == link != before[0]
    assert called and called <= set(names[1 : names.index(total)])
    assert names.index(total) < names.index("kernel_scale") and before.index(total) > before.index(
        "kernel_scale"
    )
    answers(SimRunner(build_firmware(source, target, kernels=[link, total]).elf, target))
