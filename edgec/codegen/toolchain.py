"""Generated sources and the firmware to an image, a runner or a static library for a target."""

from __future__ import annotations

import tempfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgec.codegen.board_config import board_config, board_folders, board_sources
from edgec.codegen.code_order import code_order, first_bytes
from edgec.codegen.compile import compile_all
from edgec.codegen.flags import ZIG_CPU, bare_flags, definitions, machine_flags, without_libc
from edgec.codegen.image import Image, Sizes
from edgec.codegen.render import render
from edgec.codegen.seal import sealed
from edgec.codegen.stack import stack_bound
from edgec.codegen.tools import CompilerError, Tool, zig
from edgec.resources import resource_dir
from edgec.target import Target
from edgec.target_parts import Region
from edgec.target_schema import faulty

_DRAFT_STACK = 32
"""Bytes of stack there: any multiple of the arena's alignment."""

_BESIDE = 16
"""Bytes that a copied function may take beside its code: alignment, and the way to what is far away."""
_SMALL = ("-Os", "-g")
"""How zig compiles what it links of its own, such as division of 64 bits; without -g it drops all symbols."""

_ALIGNED = 16
"""Bytes that the alignment of weights may take."""
_UNLIMITED = 0x1000_0000
"""Length of a memory in the first link, which only measures."""


class DoesNotFit(Exception):
    """An image needs more of a memory ("SRAM" or "flash") than there is.

    parts: what the need is made of, (name, bytes). have: bytes.
    """

    def __init__(self, memory: str, parts: tuple[tuple[str, int], ...], have: int) -> None:
        self.memory, self.parts, self.have = memory, parts, have
        super().__init__(f"{memory}: need {self.need}, have {have}")

    @property
    def need(self) -> int:
        """Bytes of all parts."""
        return sum(size for _, size in self.parts)


@dataclass(frozen=True)
class Firmware:
    """A linked firmware image. stack_bound: bytes, the worst case of the calls in it."""

    elf: bytes
    image: Image
    sizes: Sizes
    weights_region: str
    stack_bound: int
    linker_script: str

    def files(self, target: Target) -> dict[str, bytes]:
        """linker.ld, firmware.elf, .hex and .bin; a further .REGION.bin for each other memory."""
        files = {"firmware.elf": self.elf, "firmware.hex": self.image.hex().encode()}
        files["linker.ld"] = self.linker_script.encode()
        for region, data in self.image.binaries(target).items():
            suffix = "" if region == target.boot.name else f".{region}"
            files[f"firmware{suffix}.bin"] = data
        return files

    def flash_use(self, target: Target) -> dict[str, int]:
        """Bytes stored per region; every region that may hold code or weights is listed."""
        stored = {r.name: 0 for r in target.regions if {"code", "weights"} & set(r.holds)}
        s = self.sizes
        stored[target.boot.name] += s.code + s.rodata + s.initial_data
        stored[self.weights_region] += s.weights
        return stored


def build_firmware(
    source: Path,
    target: Target,
    *,
    tool: Tool | None = None,
    sram_limit: int | None = None,
    flash_limit: int | None = None,
    stack_bytes: int | None = None,
    kernels: Sequence[str] = (),
    fast: Sequence[str] = (),
    strict: bool = False,
) -> Firmware:
    """The firmware for the library in `source` (a build's src/).

    tool: zig() by default, or arm_gcc(). sram_limit, flash_limit: bytes, where less may be
    used than the board has. stack_bytes: size of the stack; the static worst case by
    default. kernels: functions whose code comes first, with what they call, as far as the code cache reaches.
    fast: functions whose code is copied to the board's memory for that, with what they call, as far as there
    is room and SRAM may be used. strict: warnings are errors.

    Raises DoesNotFit where the image needs more SRAM or flash than it may use, Diagnostic
    E401 for a missing or broken compiler, CompilerError for sources it refuses.
    """
    tool = tool or zig()
    with tempfile.TemporaryDirectory(prefix="edgec-") as name:
        work = Path(name)
        objects = _objects(tool, source, target, work, strict)
        # First without limits, to learn the sizes and the depth of the stack.
        regions = {r.name: (r.address, _UNLIMITED) for r in target.regions}
        regions["sram"] = (target.sram.address, _UNLIMITED)
        draft = Image(_link(tool, target, objects, work, regions, target.boot.name, _DRAFT_STACK)[0])
        bound = stack_bound(draft)
        stack = bound if stack_bytes is None else (stack_bytes + 7) & ~7
        weights = _place_weights(draft.sizes(), target, flash_limit)
        left = _check_sram(draft, stack, target, sram_limit)
        regions = {r.name: (r.address, r.size) for r in target.regions}
        regions["sram"] = (target.sram.address, target.sram.size)
        cache = target.icache.size if target.icache is not None else 0
        home, copied = target.fast_code, list[str]()
        if home is not None:
            room = home.size if sram_limit is None else min(home.size, left)
            copied = first_bytes(code_order(draft, fast), room - _BESIDE, _BESIDE)
        others = (f for f in code_order(draft, kernels) if f.name not in copied)
        first, crc = first_bytes(others, cache), _weights_crc(draft)
        elf, script = _link(tool, target, objects, work, regions, weights.name, stack, first, copied, crc)
    image = Image(elf)
    return Firmware(elf, image, image.sizes(), weights.name, bound, script)


def check_board(target: Target, place: str) -> None:
    """Compile the set-up code of a board from a file of the user's own. place: the file.

    Raises Diagnostic E105 where the file lacks a setting that the code reads, or has an impossible one.
    """
    tool = zig()
    with tempfile.TemporaryDirectory(prefix="edgec-") as name:
        work = Path(name)
        try:
            _compiled(tool, board_sources(target), [], target, work, more=["-DBOARD_EXTRAS"])
        except CompilerError as error:
            said = next((x for x in str(error).splitlines() if ": error:" in x), "it does not compile")
            what = said.partition(": error: ")[2] or said
            raise faulty(place, f"the set-up code of {target.board} says: {what}") from error


def build_runner(source: Path, target: Target, *, strict: bool = False, native: str = "") -> bytes:
    """A command-line program for a target with an operating system: the library behind the
    same protocol, on standard input and output.

    native: `tools.this_cpu()` for a program that uses all that this machine's processor has, where the target
    is this machine. Raises as build_firmware does.
    """
    tool, board = zig(), target.board
    includes = [source, source / "kernels", *_firmware_includes(target)]
    flags = machine_flags(tool, target)
    if native:
        flags = ["-mcpu=native", f"-DEDGEC_CPU={native}"]  # so that objects are kept by processor
    runtime = ["main.c", "link.c"]
    # Linux boards have no C library below them: one binary for every distribution. The simulator finds the
    # layers by their functions' names.
    bare, strip = target.kind == "linux", ["-s"] if target.kind == "host" else []
    sources = [
        *_library_sources(source),
        *_runtime(*runtime, *(["memory.c"] if bare else [])),
        resource_dir("firmware") / "boards" / board / "board.c",
    ]
    if bare and any(s.name == "threads.c" for s in sources):
        sources.append(resource_dir("firmware") / "boards" / board / "threads.c")
    objects = compile_all(tool, sources, includes, flags, strict=strict)
    link = [without_libc(f) for f in flags]
    with tempfile.TemporaryDirectory(prefix="edgec-") as work:
        out = Path(work) / "runner"
        tool.run([*link, *strip, *(_SMALL if bare else ["-pthread"]), *map(str, objects), "-o", str(out)])
        return out.read_bytes()


def build_archive(source: Path, target: Target) -> bytes:
    """The library alone as a static library, libmodel.a. Raises as build_firmware does."""
    tool = zig()
    flags = [*machine_flags(tool, target), *bare_flags(target)]
    includes = [source, source / "kernels", *_freestanding(target)]
    objects = compile_all(tool, _library_sources(source), includes, flags)
    archiver = Tool((tool.command[0], "ar"), tool.version, tool.install, True)
    with tempfile.TemporaryDirectory(prefix="edgec-") as work:
        named = []
        for source_file, made in zip(_library_sources(source), objects, strict=True):
            named.append(Path(work) / f"{source_file.stem}.o")
            named[-1].write_bytes(made.read_bytes())
        out = Path(work) / "libmodel.a"
        archiver.run(["rcsD", out.name, *(p.name for p in named)], cwd=Path(work))
        return out.read_bytes()


def build_shared(source: Path, target: Target, machine: str, glibc: str) -> bytes:
    """The library as a shared one for Linux, with the entries of firmware/runtime/shared.c and no others.

    machine: "x86_64" or "aarch64". glibc: the oldest C library that it runs with. Raises as build_firmware
    does.
    """
    tool, runtime = zig(), resource_dir("firmware") / "runtime"
    cpu = "baseline" if target.kind == "host" else ZIG_CPU[target.cpu]
    flags = ["-target", f"{machine}-linux-gnu.{glibc}", f"-mcpu={cpu}", "-fPIC", "-fvisibility=hidden"]
    sources = [*_library_sources(source), runtime / "shared.c"]
    objects = compile_all(tool, sources, [source, source / "kernels", runtime], flags)
    threads = ["-pthread"] if (source / "threads.c").is_file() else []
    with tempfile.TemporaryDirectory(prefix="edgec-") as work:
        out = Path(work) / "libmodel.so"
        tool.run(
            [*flags, "-shared", "-s", "-Wl,--build-id=none", *threads, *map(str, objects), "-o", str(out)]
        )
        return out.read_bytes()


# -- compiling ------------------------------------------------------------


def _objects(tool: Tool, source: Path, target: Target, work: Path, strict: bool) -> list[Path]:
    library = [*_library_sources(source), *_runtime("memory.c")]
    runtime = [p for p in firmware_parts(target)[0] if p not in library]
    own = [source, source / "kernels"]
    # What waits for the serial line need not be fast.
    return _compiled(tool, library, own, target, work, strict) + _compiled(
        tool, runtime, own, target, work, strict, ["-Os"]
    )


def firmware_parts(target: Target) -> tuple[list[Path], list[Path]]:
    """What the firmware of a bare-metal target is made of beside the library: sources, folders of headers."""
    runtime = _runtime("main.c", "link.c", "startup.c", "cycles.c", "guard.c", "memory.c")
    return [*runtime, *board_sources(target)], _firmware_includes(target)


def _compiled(
    tool: Tool,
    sources: list[Path],
    own: list[Path],
    target: Target,
    work: Path,
    strict: bool = False,
    more: Sequence[str] = (),
) -> list[Path]:
    """Objects for bare metal. own: folders of the library's headers. more: flags."""
    if target.uart is not None:
        (work / "board_config.h").write_text(board_config(target))
    includes = [*own, *_firmware_includes(target), *_freestanding(target), work]
    flags = [f"-D{name}={value}" for name, value in definitions(target).items()]
    return compile_all(
        tool,
        sources,
        includes,
        [*machine_flags(tool, target), *bare_flags(target), *flags, *more],
        strict=strict,
    )


def _library_sources(source: Path) -> list[Path]:
    return sorted(source.rglob("*.c"))


def _runtime(*names: str) -> list[Path]:
    return [resource_dir("firmware") / "runtime" / name for name in names]


def _firmware_includes(target: Target) -> list[Path]:
    firmware = resource_dir("firmware")
    return [firmware / "runtime", firmware / "boards" / "serial", *board_folders(target)]


def _freestanding(target: Target) -> list[Path]:
    """The folder of the C library's headers that bare metal needs."""
    return [resource_dir("firmware") / "runtime" / "freestanding"] if target.is_mcu else []


# -- linking --------------------------------------------------------------


def _link(
    tool: Tool,
    target: Target,
    objects: Sequence[Path],
    work: Path,
    regions: dict[str, tuple[int, int]],
    weights: str,
    stack: int,
    first: Sequence[str] = (),
    fast: Sequence[str] = (),
    crc: int = 0,
) -> tuple[bytes, str]:
    """The image and the linker script that made it. first: functions that come first, in their order. fast:
    those whose code is copied. crc: of the weights."""
    used = [target.boot, *(r for r in target.weight_regions if r.name == weights)]
    home = target.fast_code if fast else None
    used += [home] if home is not None else []
    memories = {r.name: r.access for r in used} | {"sram": target.sram.access}
    script = render(
        "linker.ld.j2",
        {
            "name": target.name,
            "regions": [
                {"name": n, "access": a, "address": f"{regions[n][0]:#010x}", "size": regions[n][1]}
                for n, a in memories.items()
            ],
            "boot": target.boot.name,
            "weights": weights,
            "stack": stack,
            "first": first,
            "fast_code": home.name if home is not None else "",
            "fast_functions": fast,
            "crc": f"{crc:#010x}",
        },
    )
    (work / "linker.ld").write_text(script)
    out = work / "firmware.elf"
    # zig brings its own library of its own accord, but only without -nostdlib.
    library = [*_SMALL] if tool.is_clang else ["-nostdlib", "-lgcc"]
    flags = [
        *machine_flags(tool, target),
        "-Wl,--gc-sections",
        "-Wl,--build-id=none",
        "-Wl,-z,max-page-size=4096",
    ]
    tool.run([*flags, "-T", str(work / "linker.ld"), *map(str, objects), *library, "-o", str(out)])
    return sealed(out.read_bytes()), script


def _weights_crc(image: Image) -> int:
    """CRC-32 of the weights, those that start-up copies last; the same wherever they are linked to."""
    crc = 0
    for name in (".weights", ".fast"):
        crc = zlib.crc32(image.contents(name), crc)
    return crc


def _place_weights(sizes: Sizes, target: Target, flash_limit: int | None) -> Region:
    """The memory for the weights: beside the code where they fit, else the next that holds them."""
    total = target.flash_bytes or 0
    limit = min(total, flash_limit) if flash_limit is not None else total
    resident = sizes.flash - sizes.weights
    have = limit
    if sizes.flash <= limit:
        for region in target.weight_regions:
            need = sizes.weights + (resident if region is target.boot else 0)
            if need + _ALIGNED <= region.size and resident <= target.boot.size:
                return region
        sizes_left = (
            r.size - _ALIGNED - (resident if r is target.boot else 0) for r in target.weight_regions
        )
        have = max(sizes_left) + resident
    code = sizes.flash - sizes.weights
    raise DoesNotFit("flash", (("code", code), ("weights", sizes.weights)), have)


def _check_sram(draft: Image, stack: int, target: Target, limit: int | None) -> int:
    """Bytes of SRAM that are left."""
    sizes = draft.sizes()
    have = min(target.sram.size, limit) if limit is not None else target.sram.size
    # Some bytes go to the arena's alignment behind the stack.
    data = (-stack % draft.arena_alignment) + sizes.data
    parts = (("arena", sizes.arena), ("stack", stack), ("data", data), ("weights", sizes.fast))
    need = sum(size for _, size in parts)
    if need > have:
        raise DoesNotFit("SRAM", parts, have)
    return have - need
