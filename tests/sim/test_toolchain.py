"""Images: deterministic, cached, placed as the target says, and refused with reasons."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from edgec.cache import cache_dir
from edgec.codegen import tools
from edgec.codegen.image import Image
from edgec.codegen.toolchain import DoesNotFit, build_archive, build_firmware, build_runner
from edgec.codegen.tools import CompilerError, Tool
from edgec.diagnostics import Diagnostic
from edgec.target import load_target

from . import fake


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty object cache; zig's own stays where it is."""
    zig_cache = tools._environment()["ZIG_GLOBAL_CACHE_DIR"]
    monkeypatch.setenv("EDGEC_CACHE", str(tmp_path / "cache"))
    (cache_dir() / "zig").symlink_to(zig_cache)
    return tmp_path / "cache"


def test_two_builds_are_identical(own_cache: Path, tmp_path: Path) -> None:
    target = load_target("stm32f746")
    first = fake.firmware("stm32f746").files(target)
    source = fake.variant(tmp_path / "somewhere" / "else", "(void)(arena)")
    again = build_firmware(source, target, strict=True).files(target)
    assert first == again
    assert sorted(first) == ["firmware.bin", "firmware.elf", "firmware.hex", "linker.ld"]
    for text in (b"/tmp", b"/root", b"/home", str(tmp_path).encode(), str(fake.MODEL.parents[2]).encode()):
        assert text not in first["firmware.elf"]
    host = load_target("host")
    assert build_archive(source, host) == build_archive(fake.MODEL, host)
    assert build_runner(source, host) == build_runner(fake.MODEL, host)


def test_an_unchanged_source_is_compiled_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = fake.variant(tmp_path / "model", "(void)(arena)")
    target = load_target("stm32f746")
    build_firmware(source, target)
    compiled: list[str] = []
    run = Tool.run

    def spy(self: Tool, arguments: list[str], *, cwd: Path | None = None) -> str:
        compiled.extend(a for a in arguments if a.endswith(".c"))
        return run(self, arguments, cwd=cwd)

    monkeypatch.setattr(Tool, "run", spy)
    build_firmware(source, target)
    assert compiled == []
    (source / "fault.h").write_text(f"#define fault(arena) (void)(arena) /* {tmp_path} */\n")
    build_firmware(source, target)
    assert compiled == ["model.c"]


def test_binary_and_hex_hold_the_segments() -> None:
    target = load_target("stm32f746")
    files = fake.firmware("stm32f746").files(target)
    image = Image(files["firmware.elf"])
    memory, high = {}, 0
    for line in files["firmware.hex"].decode().splitlines():
        record = bytes.fromhex(line[1:])
        assert sum(record) & 0xFF == 0
        length, address, kind = record[0], int.from_bytes(record[1:3], "big"), record[3]
        data = record[4 : 4 + length]
        if kind == 4:
            high = int.from_bytes(data, "big") << 16
        elif kind == 0:
            memory.update({high + address + k: byte for k, byte in enumerate(data)})
        elif kind == 5:
            assert int.from_bytes(data, "big") == image.entry
    stored = files["firmware.bin"]
    assert all(stored[a - target.boot.address] == byte for a, byte in memory.items())
    assert len(memory) == sum(len(s.data) for s in image.segments)


def test_sizes_add_up() -> None:
    firmware = fake.firmware("stm32f746")
    sizes = firmware.sizes
    assert sizes.arena == 4016 and sizes.weights == 16  # the whole context
    assert sizes.sram == sizes.stack + sizes.arena + sizes.data
    assert firmware.image.symbols["_stack_base"] == 0x2000_0000
    assert firmware.flash_use(load_target("stm32f746")) == {"flash": sizes.flash}
    assert len(firmware.files(load_target("stm32f746"))["firmware.bin"]) >= sizes.flash


def big_weights(folder: Path, count: int) -> Path:
    values = ",".join(str(k % 100 + 1) for k in range(16))
    return fake.variant(
        folder,
        "(void)(arena)",
        weights='#include "kernel.h"\n__attribute__((section(".weights"))) const int8_t '
        f"kernel_weights[{count}] = {{{values}}};\n",
        kernel=(fake.MODEL / "kernel.c").read_text(),
    )


def sized(folder: Path, count: int) -> Path:
    source = big_weights(folder, count)
    header = (source / "kernel.h").read_text().replace("kernel_weights[16]", f"kernel_weights[{count}]")
    (source / "kernel.h").write_text(header)
    return source


def test_large_weights_go_to_the_second_flash(tmp_path: Path) -> None:
    source = sized(tmp_path / "model", 2_000_000)
    disco = load_target("stm32f746g-disco")
    firmware = build_firmware(source, disco)
    assert firmware.weights_region == "qspi"
    assert firmware.flash_use(disco)["qspi"] == 2_000_000
    assert len(firmware.files(disco)["firmware.qspi.bin"]) == 2_000_000
    with pytest.raises(DoesNotFit, match="flash") as raised:
        build_firmware(source, load_target("stm32f746"))
    assert ("weights", 2_000_000) in raised.value.parts
    with pytest.raises(DoesNotFit) as raised:
        build_firmware(source, disco, flash_limit=1_500_000)
    assert raised.value.have == 1_500_000


def test_sram_limit() -> None:
    target = load_target("stm32f746")
    need = fake.firmware("stm32f746").sizes.sram
    assert build_firmware(fake.MODEL, target, sram_limit=need).sizes.sram == need
    with pytest.raises(DoesNotFit, match="SRAM") as raised:
        build_firmware(fake.MODEL, target, sram_limit=need - 8)
    assert raised.value.need == raised.value.have + 8


def test_refused_source_is_no_users_error(tmp_path: Path) -> None:
    source = fake.variant(tmp_path / "model", "nonsense")
    with pytest.raises(CompilerError, match="nonsense"):
        build_firmware(source, load_target("stm32f746"))
    warned = fake.variant(tmp_path / "warned", "do { int8_t a = last; (void)a; (void)(arena); } while (0)")
    build_firmware(warned, load_target("stm32f746"))
    with pytest.raises(CompilerError, match="Wimplicit-int-conversion"):
        build_firmware(warned, load_target("stm32f746"), strict=True)


def broken_tool(folder: Path, script: str) -> Tool:
    path = folder / "compiler"
    path.write_text(script)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return Tool((str(path),), "broken", "install it again", False)


@pytest.mark.parametrize(
    "script", ["#!/bin/sh\necho no such luck >&2\nexit 1\n", "garbage\0", "#!/nowhere\n"]
)
def test_broken_compiler(script: str, own_cache: Path, tmp_path: Path) -> None:
    with pytest.raises(Diagnostic) as raised:
        build_firmware(fake.MODEL, load_target("stm32f746"), tool=broken_tool(tmp_path, script))
    assert raised.value.code == "E401"
    assert "install it again" in raised.value.render()


def test_missing_compilers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    tools.arm_gcc.cache_clear()
    with pytest.raises(Diagnostic) as raised:
        tools.arm_gcc()
    assert raised.value.code == "E401" and "gcc-arm-none-eabi" in raised.value.render()
    monkeypatch.setitem(__import__("sys").modules, "ziglang", None)
    tools.zig.cache_clear()
    with pytest.raises(Diagnostic) as raised:
        tools.zig()
    assert raised.value.code == "E401" and "pip install" in raised.value.render()
    tools.zig.cache_clear()
