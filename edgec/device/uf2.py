"""UF2: an image in blocks that a boot loader's drive takes in any order (github.com/microsoft/uf2)."""

from __future__ import annotations

import struct
from collections.abc import Iterable

from edgec.codegen.image import Segment

FAMILIES = {"rp2040": 0xE48BFF56, "rp2350": 0xE48BFF59}
"""Family ids by how a target's name begins; the RP2350's is that of Arm images in the secure state."""

_PAGE = 256
_FLAGS = 0x2000  # the family id is there


def uf2(segments: Iterable[Segment], family: int) -> bytes:
    """Segments as UF2 with 256 bytes in a block; a page that is used in part is filled up with 0xFF."""
    pages: dict[int, bytearray] = {}
    for segment in segments:
        for k, byte in enumerate(segment.data):
            at = segment.address + k
            pages.setdefault(at - at % _PAGE, bytearray(b"\xff" * _PAGE))[at % _PAGE] = byte
    blocks = []
    for number, (address, data) in enumerate(sorted(pages.items())):
        head = struct.pack("<8I", 0x0A324655, 0x9E5D5157, _FLAGS, address, _PAGE, number, len(pages), family)
        blocks.append(head + bytes(data) + bytes(476 - _PAGE) + struct.pack("<I", 0x0AB16F30))
    return b"".join(blocks)
