"""What is in a linked image: section sizes, symbols, and the .bin and .hex forms of it."""

from __future__ import annotations

import bisect
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from edgec.target import Target

_CODE = (".vectors", ".text", ".fast_code")
"""Sections of code."""
_LAYER = re.compile(r"model_layer_(\d{3,})_")


@dataclass(frozen=True)
class Symbol:
    """A function of the image."""

    name: str
    address: int
    size: int

    @property
    def layer(self) -> int | None:
        """The index of the layer whose function this is; None for any other function."""
        match = _LAYER.match(self.name)
        return int(match.group(1)) if match else None


@dataclass(frozen=True)
class Segment:
    """Bytes that are loaded at an address before the program starts, and are used at `runs_at`: there, if not
    said."""

    address: int
    data: bytes
    runs_at: int = -1

    def __post_init__(self) -> None:
        if self.runs_at < 0:
            object.__setattr__(self, "runs_at", self.address)


@dataclass(frozen=True)
class Sizes:
    """Bytes of an image.

    code and rodata lie in the boot memory with the initial values of data; weights in the memory
    `weights_region`. sram is everything from the SRAM's first byte to the last used: stack,
    arena, data (.data, .bss and what alignment takes), and fast, weights that start-up copies there; and
    fast_code, code that it copies to a memory of its own.
    """

    code: int
    rodata: int
    weights: int
    initial_data: int
    stack: int
    arena: int
    data: int
    fast: int
    fast_code: int = 0

    @property
    def flash(self) -> int:
        """All that is stored."""
        return self.code + self.rodata + self.weights + self.initial_data

    @property
    def sram(self) -> int:
        """All that is in SRAM at run time."""
        return self.stack + self.arena + self.data + self.fast + self.fast_code


class Image:
    """A linked ELF image."""

    def __init__(self, data: bytes) -> None:
        from elftools.elf.elffile import ELFFile

        elf = ELFFile(io.BytesIO(data))
        self.entry = int(elf.header["e_entry"])
        self.machine = str(elf.header["e_machine"])
        self.arena_alignment = 1
        self.sections: dict[str, tuple[int, int]] = {}
        """Address and size of every section that is in memory."""
        self._file, self._offsets = data, dict[str, int]()
        for section in elf.iter_sections():
            if section["sh_flags"] & 2:
                self.sections[section.name] = (section["sh_addr"], section["sh_size"])
                if section.name == ".arena":
                    self.arena_alignment = section["sh_addralign"]
                self._offsets[section.name] = section["sh_offset"]
        self.segments = [
            Segment(s["p_paddr"], s.data(), s["p_vaddr"])
            for s in elf.iter_segments()
            if s["p_type"] == "PT_LOAD" and s["p_filesz"]
        ]
        self.memory = [(s["p_vaddr"], s["p_memsz"]) for s in elf.iter_segments() if s["p_type"] == "PT_LOAD"]
        """Address and size of what the segments take in memory."""
        self.symbols: dict[str, int] = {}
        self.functions: list[Symbol] = []
        self.marks: list[tuple[int, bool]] = []
        """Where code (True) or data (False) begins inside code sections, by address."""
        names = [section.name for section in elf.iter_sections()]
        table: Any = elf.get_section_by_name(".symtab")
        for symbol in table.iter_symbols():
            self._add(symbol, names)
        self.functions = self._with_sizes(sorted(self.functions, key=lambda s: (s.address, s.name)))
        self.marks.sort()

    def _add(self, symbol: Any, sections: list[str]) -> None:
        entry, name = symbol.entry, symbol.name
        value = int(entry["st_value"])
        if name[:2] in ("$t", "$d", "$a", "$x"):
            index = entry["st_shndx"]
            if isinstance(index, int) and sections[index] in _CODE:
                self.marks.append((value, name[1] != "d"))
        elif entry["st_info"]["type"] == "STT_FUNC" and entry["st_shndx"] != "SHN_UNDEF":
            address = value & ~1 if self.machine == "EM_ARM" else value
            self.functions.append(Symbol(name, address, int(entry["st_size"])))
        elif name:
            self.symbols[name] = value

    def _with_sizes(self, functions: list[Symbol]) -> list[Symbol]:
        """Functions in assembler may have no size: theirs ends where the next begins."""
        ends = {sum(self.sections[name]) for name in _CODE if name in self.sections}
        starts = sorted({f.address for f in functions} | ends)
        return [
            f if f.size else replace(f, size=starts[bisect.bisect_right(starts, f.address)] - f.address)
            for f in functions
        ]

    @property
    def code(self) -> list[tuple[int, int]]:
        """Address and size of each stretch of memory that instructions lie in."""
        (vectors, head), (text, size) = (self.sections.get(n, (0, 0)) for n in _CODE[:2])
        fast = self.sections.get(_CODE[2], (0, 0))
        begin = min(vectors, text) if head else text
        return [(begin, text + size - begin), *([fast] if fast[1] else [])]

    @staticmethod
    def read(path: Path) -> Image:
        """The image in an ELF file."""
        return Image(path.read_bytes())

    @cached_property
    def _starts(self) -> list[int]:
        return [f.address for f in self.functions]

    def function_at(self, address: int) -> Symbol | None:
        """The function an instruction belongs to."""
        k = bisect.bisect_right(self._starts, address & ~1) - 1
        while k >= 0 and self.functions[k].address == self.functions[k - 1].address and k > 0:
            k -= 1
        if k < 0:
            return None
        function = self.functions[k]
        return function if address < function.address + max(function.size, 2) else None

    def contents(self, section: str) -> bytes:
        """The bytes of a section that has any; none where it is not there."""
        if section not in self.sections:
            return b""
        at = self._offsets[section]
        return self._file[at : at + self.sections[section][1]]

    def at(self, address: int, size: int) -> bytes:
        """Bytes that are loaded at an address; fewer or none where there are not so many."""
        for s in self.segments:
            if s.address <= address < s.address + len(s.data):
                return s.data[address - s.address :][:size]
        return b""

    def sizes(self) -> Sizes:
        """The sizes of a firmware image."""

        def size(name: str) -> int:
            return self.sections.get(name, (0, 0))[1]

        base = self.symbols["_stack_base"]
        stack, arena, fast = size(".stack"), size(".arena"), size(".fast")
        used = (".stack", ".arena", ".data", ".bss", *([".fast"] if fast else []))
        ends = [a + n for name, (a, n) in self.sections.items() if name in used]
        return Sizes(
            code=size(".vectors") + size(".text") + size(".fast_code"),
            rodata=size(".rodata"),
            weights=size(".weights") + fast,
            initial_data=size(".data"),
            stack=stack,
            arena=arena,
            data=max(ends) - base - stack - arena - fast,
            fast=fast,
            fast_code=size(".fast_code"),
        )

    def binaries(self, target: Target) -> dict[str, bytes]:
        """Per memory that something is stored in: its contents from its first address on.

        Gaps are 0xFF, as erased flash.
        """
        files: dict[str, bytes] = {}
        for region in target.regions:
            parts = [s for s in self.segments if region.address <= s.address < region.end]
            if not parts:
                continue
            end = max(s.address + len(s.data) for s in parts)
            memory = bytearray(b"\xff" * (end - region.address))
            for s in parts:
                at = s.address - region.address
                memory[at : at + len(s.data)] = s.data
            files[region.name] = bytes(memory)
        return files

    def hex(self) -> str:
        """All segments as Intel HEX, data records of 32 bytes."""
        return "".join(line + "\n" for line in self._records())

    def _records(self) -> Iterator[str]:
        high = -1
        for segment in sorted(self.segments, key=lambda s: s.address):
            at, end = segment.address, segment.address + len(segment.data)
            while at < end:
                if at >> 16 != high:
                    high = at >> 16
                    yield _record(0, 4, high.to_bytes(2, "big"))
                stop = min(end, at + 32, (high + 1) << 16)
                yield _record(at & 0xFFFF, 0, segment.data[at - segment.address : stop - segment.address])
                at = stop
        yield _record(0, 5, self.entry.to_bytes(4, "big"))
        yield _record(0, 1, b"")


def _record(address: int, kind: int, data: bytes) -> str:
    body = bytes([len(data)]) + address.to_bytes(2, "big") + bytes([kind]) + data
    return ":" + (body + bytes([-sum(body) & 0xFF])).hex().upper()
