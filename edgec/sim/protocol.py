"""The frames between host and firmware, the host's side of firmware/runtime/link.h."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

MAGIC = 0xEC
HEADER = 14
TRAILER = 4
MOST = 4096
"""Bytes of the longest payload."""
VERSION = 3

CRC_ERROR = 1
SESSION_ERROR = 6
WEIGHTS_ERROR = 7
ERRORS = {
    CRC_ERROR: "the frame's CRC is wrong",
    2: "the frame has a wrong length",
    3: "the request is unknown",
    4: "the request reaches beyond what there is",
    5: "the result is not ready",
    SESSION_ERROR: "the board has started anew",
    WEIGHTS_ERROR: "the weights in flash are damaged",
}
"""What the argument of an error frame means (firmware/runtime/main.c)."""

_CHECKED = struct.Struct("<BBHHI")
_CRC = struct.Struct("<I")


@dataclass(frozen=True)
class Frame:
    """One frame. type: a capital letter asks, the same in lower case answers."""

    type: str
    sequence: int
    payload: bytes = b""
    argument: int = 0

    def encode(self) -> bytes:
        """The frame as it goes over the line. ValueError for a payload that is too long."""
        if len(self.payload) > MOST:
            raise ValueError(f"a payload of {len(self.payload)} bytes, {MOST} at most")
        head = _CHECKED.pack(MAGIC, ord(self.type), self.sequence, len(self.payload), self.argument)
        crc = zlib.crc32(head)
        tail = self.payload + _CRC.pack(zlib.crc32(self.payload, crc)) if self.payload else b""
        return head + _CRC.pack(crc) + tail


def header(data: bytes) -> tuple[str, int, int, int] | None:
    """Type, sequence, payload length and argument of the bytes of a header; None where they are none."""
    if len(data) < HEADER or data[0] != MAGIC:
        return None
    _, kind, sequence, length, argument = _CHECKED.unpack_from(data)
    (crc,) = _CRC.unpack_from(data, _CHECKED.size)
    if crc != zlib.crc32(data[: _CHECKED.size]) or length > MOST:
        return None
    return chr(kind), sequence, length, argument


def decode(data: bytes) -> tuple[Frame | None, bytes]:
    """The first intact frame in `data`, and what follows it; what is no frame is skipped.

    Without a whole frame: None, and the bytes that may still become one.
    """
    at = data.find(bytes([MAGIC]))
    while at >= 0:
        if len(data) - at < HEADER:
            return None, data[at:]
        head = header(data[at : at + HEADER])
        if head is not None:
            kind, sequence, length, argument = head
            start = at + HEADER
            end = start + length + (TRAILER if length else 0)
            if len(data) < end:
                return None, data[at:]
            payload = data[start : start + length]
            crc = zlib.crc32(payload, zlib.crc32(data[at : at + _CHECKED.size]))
            if not length or crc == _CRC.unpack_from(data, start + length)[0]:
                return Frame(kind, sequence, payload, argument), data[end:]
        at = data.find(bytes([MAGIC]), at + 1)
    return None, b""
