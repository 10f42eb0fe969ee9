"""The checksum of a second boot stage, which the RP2040's ROM wants before it starts an image."""

from __future__ import annotations

import io
from typing import Any

STAGE = "boot_stage2"
STAGE_BYTES = 252
_POLYNOMIAL = 0x04C1_1DB7


def boot_checksum(stage: bytes) -> int:
    """CRC-32 of the RP2040's ROM: highest bit first, from all ones, not inverted (its datasheet, bootrom)."""
    crc = 0xFFFF_FFFF
    for byte in stage:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ (_POLYNOMIAL if crc >> 31 else 0)) & 0xFFFF_FFFF
    return crc


def sealed(elf: bytes) -> bytes:
    """An image with the checksum behind its second boot stage; one without such a stage as it is."""
    from elftools.elf.elffile import ELFFile

    read = ELFFile(io.BytesIO(elf))
    table: Any = read.get_section_by_name(".symtab")
    found = table.get_symbol_by_name(STAGE)
    if not found:
        return elf
    section = read.get_section(found[0]["st_shndx"])
    at = section["sh_offset"] + (found[0]["st_value"] & ~1) - section["sh_addr"]
    end = at + STAGE_BYTES
    return elf[:end] + boot_checksum(elf[at:end]).to_bytes(4, "little") + elf[end + 4 :]
