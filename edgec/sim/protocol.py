"""The frames between host and firmware, the host's side of firmware/runtime/link.h."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

MAGIC = 0xEC
HEADER = 8
TRAILER = 4
VERSION = 2

ERRORS = {
    1: "the frame's CRC is wrong",
    2: "the frame has a wrong length",
    3: "the request is unknown",
    4: "the request reaches outside the arena",
    5: "the result is not ready",
}
"""What the number in an error frame means (firmware/runtime/main.c)."""


@dataclass(frozen=True)
class Frame:
    """One frame. type: a capital letter asks, the same in lower case answers."""

    type: str
    sequence: int
    payload: bytes

    def encode(self) -> bytes:
        """The frame as it goes over the line."""
        head = bytearray(struct.pack("<BBBBI", MAGIC, ord(self.type), self.sequence, 0, len(self.payload)))
        head[3] = _check(head)
        body = bytes(head) + self.payload
        return body + struct.pack("<I", zlib.crc32(body))


def header(data: bytes) -> tuple[str, int, int] | None:
    """Type, sequence and payload length of the 8 bytes of a header; None where they are none."""
    if len(data) < HEADER or data[0] != MAGIC or data[3] != _check(data):
        return None
    return chr(data[1]), data[2], struct.unpack_from("<I", data, 4)[0]


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
            end = at + HEADER + head[2]
            if len(data) < end + TRAILER:
                return None, data[at:]
            if zlib.crc32(data[at:end]) == struct.unpack_from("<I", data, end)[0]:
                return Frame(head[0], head[1], data[at + HEADER : end]), data[end + TRAILER :]
        at = data.find(bytes([MAGIC]), at + 1)
    return None, b""


def _check(head: bytes | bytearray) -> int:
    check = 0x5A
    for i in range(HEADER):
        check = (check << 1 & 0xFF | check >> 7) ^ (head[i] if i != 3 else 0)
    return check
