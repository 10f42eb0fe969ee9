"""A simulated board at the end of a serial line: bytes in, bytes out, faults in the firmware's own words."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from edgec.codegen.toolchain import Firmware, build_firmware
from edgec.device.virtual import VirtualBoard
from edgec.sim.faults import reported_fault
from edgec.sim.protocol import Frame, decode
from edgec.target import Target, load_target
from tests.sim import fake


def board_with(firmware: Firmware, target: Target, **options: int) -> VirtualBoard:
    memories = firmware.image.binaries(target)
    return VirtualBoard(memories[target.boot.name], target, **options)


def ask(board: VirtualBoard, kind: str) -> bytes:
    """What a request is answered, as the first of a session."""
    board.feed(Frame("I", 0).encode())
    return board.feed(Frame(kind, 1).encode())


@pytest.mark.parametrize("name", ["stm32f746", "stm32f446"])
def test_byte_by_byte_as_well_as_at_once(name: str) -> None:
    target = load_target(name)
    board = board_with(fake.firmware(name), target)
    request = b"noise" + Frame("I", 3).encode()
    at_once = board.feed(request)
    board.reset()
    one_by_one = b"".join(board.feed(bytes([byte])) for byte in request)
    board.close()
    assert at_once == one_by_one
    frame, rest = decode(at_once)
    assert frame is not None and frame.sequence == 3 and rest == b""
    assert b"0123456789abcdef" in frame.payload


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("*(volatile uint8_t *)0x60000000u = 1", "bus error at a data access"),
        ('__asm volatile("udf #0")', "undefined instruction"),
    ],
)
def test_a_fault_is_reported_by_the_firmware(tmp_path: Path, statement: str, said: str) -> None:
    target = load_target("stm32f746")
    source = fake.variant(tmp_path / "model", f"do {{ (void)(arena); {statement}; }} while (0)")
    firmware = build_firmware(source, target)
    board = board_with(firmware, target)
    frame, _ = decode(ask(board, "R"))
    board.close()
    assert frame is not None and frame.type == "f"
    assert struct.unpack_from("<I", frame.payload) == (3,)
    text = reported_fault("it", firmware.image, target, frame.payload).render()
    assert said in text and "layer 1: model_layer_001_body_copy" in text


def test_a_board_that_hangs_answers_nothing(tmp_path: Path) -> None:
    target = load_target("stm32f746")
    source = fake.variant(tmp_path / "model", "for (volatile int i = 0; i < 1;) { }")
    board = board_with(build_firmware(source, target, stack_bytes=1024), target, limit=3_000_000)
    assert ask(board, "R") == b""
    assert board.feed(Frame("I", 2).encode()) == b""
    board.reset()
    assert decode(board.feed(Frame("I", 3).encode()))[0] is not None
    board.close()
