"""What the ROM of a chip does between reset and the firmware: where the first instruction is."""

from __future__ import annotations

import struct
from typing import Any

from edgec.codegen.seal import STAGE_BYTES, boot_checksum
from edgec.diagnostics import Diagnostic
from edgec.target import Target

_STAGE_AT_END = 0x100
"""The RP2040's ROM copies the second stage to the last bytes of RAM."""
_SEARCHED = 4096
"""Bytes in which the RP2350's ROM looks for an IMAGE_DEF."""
_IMAGE_DEF = struct.pack("<5I", 0xFFFF_DED3, 0x1021_0142, 0x1FF, 0, 0xAB12_3579)


def entry(target: Target, uc: Any) -> tuple[int, int]:
    """Stack pointer and address of the first instruction of a board whose memories hold an image.

    Raises Diagnostic E501 for an image that the chip's ROM would not start.
    """
    base = target.boot.address
    if target.board == "rp2040":
        stage = bytes(uc.mem_read(base, STAGE_BYTES + 4))
        if boot_checksum(stage[:STAGE_BYTES]) != int.from_bytes(stage[STAGE_BYTES:], "little"):
            raise _refused(target, "the checksum of the second boot stage is wrong")
        at = target.sram.end - _STAGE_AT_END
        uc.mem_write(at, stage)
        return at, at
    if target.board == "rp2350" and _IMAGE_DEF not in bytes(uc.mem_read(base, _SEARCHED)):
        raise _refused(target, "there is no IMAGE_DEF in the first 4 KB of flash")
    stack, first = struct.unpack("<II", uc.mem_read(base, 8))
    return stack, first


def _refused(target: Target, why: str) -> Diagnostic:
    return Diagnostic("E501", f"{target.name}'s boot ROM starts no such image", facts=[("why", why)])
