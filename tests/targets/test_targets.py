"""Target files: what they say of the boards, and what is said of faulty ones."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from typing import Any

import pytest

from edgec.diagnostics import Diagnostic
from edgec.resources import resource_dir
from edgec.target import load_target, parse_target, targets

KB = 1024


def test_listing() -> None:
    asked = """stm32f407 stm32f411 stm32f446 stm32f746 stm32f746g-disco nucleo-f746zg stm32f767
        stm32g071 stm32g474 stm32h743 stm32h7a3 stm32l4r5 stm32l476 stm32u575 stm32n657
        nrf52840 nrf5340 rp2040 rp2350 stm32mp157
        raspberry-pi-zero-2 raspberry-pi-3 raspberry-pi-4 raspberry-pi-5"""
    cores = {"cortex-a7", "cortex-a53", "cortex-a72", "cortex-a76", "mps3-an547", "host"}
    assert set(targets()) == {*asked.split(), *cores}
    assert list(targets()) == sorted(targets())


def test_every_file_loads() -> None:
    for path in resource_dir("targets").glob("*.toml"):
        target = load_target(path.stem)
        assert target.name == path.stem and target.description


def test_stm32f746() -> None:
    t = load_target("stm32f746")
    regions = {r.name: (r.address, r.size) for r in t.regions}
    assert regions == {
        "itcm": (0, 16 * KB),
        "flash": (0x0800_0000, KB * KB),
        "dtcm": (0x2000_0000, 64 * KB),
        "sram1": (0x2001_0000, 240 * KB),
        "sram2": (0x2004_C000, 16 * KB),
    }
    assert (t.cpu, t.clock_hz) == ("cortex-m7", 216_000_000)
    assert (t.sram.address, t.sram_bytes, t.flash_bytes) == (0x2000_0000, 320 * KB, KB * KB)
    assert t.boot.name == "flash"
    assert t.fast_code is not None and t.fast_code.name == "itcm"
    assert load_target("stm32f446").fast_code is None and load_target("mps3-an547").fast_code is None


def test_disco_extends_it() -> None:
    base, t = load_target("stm32f746"), load_target("stm32f746g-disco")
    assert t.regions[: len(base.regions)] == base.regions
    more = {r.name: (r.address, r.size, r.holds) for r in t.regions[len(base.regions) :]}
    assert more == {
        "qspi": (0x9000_0000, 16 * KB * KB, ("weights",)),
        "sdram": (0xC000_0000, 8 * KB * KB, ()),
    }
    assert [r.name for r in t.weight_regions] == ["flash", "qspi"]
    assert t.sram_bytes == 320 * KB and t.clock_hz == base.clock_hz and t.uart != base.uart


def test_a_board_with_memory_for_models_of_any_size() -> None:
    t = load_target("stm32f746g-disco-large")
    assert t.hidden and t.name not in targets()
    assert t.sram_bytes == 304 * KB + 4 * KB * KB and t.flash_bytes == 65 * KB * KB
    assert [r.name for r in t.weight_regions] == ["flash", "mapped"]


def test_stm32f446() -> None:
    t = load_target("stm32f446")
    assert (t.cpu, t.clock_hz, t.sram_bytes, t.flash_bytes) == (
        "cortex-m4",
        180_000_000,
        128 * KB,
        512 * KB,
    )


def test_mps3_is_its_own_simulated_board() -> None:
    t = load_target("mps3-an547")
    assert t.is_qemu and not load_target("stm32f746").is_qemu and not load_target("mps2-an500").is_qemu
    assert t.features == {"dsp", "mve"}
    assert (t.sram.address, t.sram_bytes) == (0x2000_0000, 512 * KB)
    assert [r.name for r in t.weight_regions] == ["itcm", "ssram", "qspi"]


def test_what_memories_take() -> None:
    t = load_target("stm32f446")
    flash, sram = t.regions[:2]
    assert (flash.cached, flash.prefetch, flash.wait_states, flash.next_states) == (True, True, 5, 5)
    assert (sram.cached, sram.beat_bytes, sram.beat_cycles) == (False, 4, 1)
    assert t.icache is not None and t.icache.sets == 1
    m7 = load_target("stm32f746g-disco")
    assert m7.dcache is not None and (m7.dcache.sets, m7.dcache.ways) == (32, 4)
    cached = {r.name for r in m7.regions if r.cached}
    assert cached == {"flash", "sram1", "sram2", "qspi"}


def test_machines_with_an_operating_system() -> None:
    for name in ("host", "cortex-a53", "cortex-a72", "cortex-a76"):
        t = load_target(name)
        assert not t.is_mcu and t.sram_bytes is None and t.flash_bytes is None


def test_unknown_target_gives_the_nearest() -> None:
    with pytest.raises(Diagnostic) as raised:
        load_target("stm32f764")
    assert raised.value.code == "E102"
    assert "--target stm32f746" in raised.value.remedies
    with pytest.raises(Diagnostic) as raised:
        load_target("../pyproject")
    assert raised.value.code == "E102"
    with pytest.raises(Diagnostic) as raised:
        load_target("./mine.toml")
    assert (raised.value.code, raised.value.title) == ("E102", "no such target file: mine.toml")


def sample() -> dict[str, Any]:
    return tomllib.loads((resource_dir("targets") / "stm32f446.toml").read_text())


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("kind",), "toaster", "kind is 'toaster', must be one of mcu, linux, host"),
        (("cpu",), "cortex-m9", "cpu is 'cortex-m9', must be one of host, cortex-m0plus"),
        (("board",), "stm32f5", "board is 'stm32f5', must be one of host, linux"),
        (("settings", "over_drive"), True, "settings: over_drive must be of type int"),
        (("uart", "kind"), "stm32_v3", "uart: kind is 'stm32_v3', must be one of pl011"),
        (("uart", "tx"), "PA2", "uart: tx is 'PA2', must be a pin such as A2"),
        (("uart", "enable"), "apb1:17", "uart: enable is 'apb1:17', must be such as 0x40:17"),
        (("uart", "baud"), 0, "the clock must not be slower than the baud rate"),
        (("clock_hz",), "fast", "clock_hz must be of type int"),
        (("clock_hz",), True, "clock_hz must be of type int"),
        (("clok_hz",), 1, "unknown key clok_hz (did you mean clock_hz?)"),
        (("cpu",), None, "lacks cpu"),
        (("regions", 1, "address"), 0x2001_8000, "regions sram1 and sram2 overlap"),
        (("regions", 2, "name"), "sram1", "two regions have one name"),
        (("regions", 1, "holds"), ["cake"], "holds 'cake'"),
        (("regions", 1, "access"), "wx", "has access 'wx'"),
        (("regions", 1, "size"), 0, "does not lie in the 32-bit address space"),
        (("regions", 1, "size"), 1000, "multiple of 4096"),
        (("regions", 0, "holds"), ["code", "rodata"], "no region holds weights"),
        (("uart", "baud"), None, "uart lacks baud"),
        (("regions", 0, "cached"), 1, "region flash: cached must be of type bool"),
        (("regions", 0, "wait_states"), -1, "region flash has clocks below zero"),
        (("regions", 0, "beat_bytes"), 12, "region flash has clocks below zero, or beats of no or odd size"),
        (("icache", "ways"), None, "icache lacks ways"),
        (("icache", "lines"), 64, "icache has an unknown key lines (did you mean line?)"),
        (("dcache", "line"), 24, "dcache: line and size / (line x ways) must be powers of two"),
        (("dcache", "size"), 200, "dcache: size is no multiple of line x ways"),
        (("dcache", "size"), 1 << 20, "dcache has more than 2048 lines"),
        (
            ("regions", 1, "holds"),
            ["fast-code", "weights"],
            "holds fast-code: it must be rwx and hold nothing",
        ),
        (("multiply_cycles",), 0, "multiply_cycles is 0, must be 1 or more"),
    ],
)
def test_faulty_files_are_explained(path: tuple[str | int, ...], value: object, said: str) -> None:
    data = sample()
    at: Any = data
    for key in path[:-1]:
        at = at[key]
    if value is None:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    with pytest.raises(Diagnostic) as raised:
        parse_target("mine", data)
    assert raised.value.code == "E105"
    assert said in raised.value.title
    assert raised.value.where == "targets/mine.toml"


def test_no_heavy_import() -> None:
    code = (
        "import sys, edgec.target as t; t.targets(); [t.load_target(n) for n in t.targets()];"
        "print(sorted({'unicorn', 'capstone', 'jinja2', 'numpy', 'networkx'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
