"""Frames: what is encoded is decoded, and nothing else is."""

from __future__ import annotations

import pytest

from edgec.sim.protocol import Frame, decode, header

FRAME = Frame("R", 700, bytes(range(200)), 0x12345678)


def test_round_trip_amid_noise() -> None:
    data = b"noise\xec\xec" + FRAME.encode() + b"\xecmore"
    frame, rest = decode(data)
    assert frame == FRAME
    assert rest == b"\xecmore"


@pytest.mark.parametrize("cut", [0, 1, 13, 14, 100, 217])
def test_a_part_is_kept(cut: int) -> None:
    data = FRAME.encode()
    assert decode(data[:cut]) == (None, data[:cut])


@pytest.mark.parametrize("at", range(0, 218, 13))
def test_damage_is_noticed(at: int) -> None:
    data = bytearray(FRAME.encode())
    data[at] ^= 0x10
    assert decode(bytes(data))[0] is None


def test_header_check_covers_every_byte() -> None:
    head = FRAME.encode()[:14]
    assert header(head) == ("R", 700, 200, 0x12345678)
    for at in range(14):
        damaged = bytearray(head)
        damaged[at] ^= 4
        assert header(bytes(damaged)) is None
