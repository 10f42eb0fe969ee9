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


def test_a_board_that_hangs_answers_nothing(tmp_path: Path) -> None:
    target = load_target("stm32f746")
    source = fake.variant(tmp_path / "model", "for (volatile int i = 0; i < 1;) { }")
    board = board_with(build_firmware(source, target, stack_bytes=1024), target, limit=3_000_000)
    assert ask(board, "R") == b""
    assert board.feed(Frame("I", 2).encode()) == b""
    board.reset()
    assert decode(board.feed(Frame("I", 3).encode()))[0] is not None
    board.close()


DEEP = """
#include <stdint.h>
void kernel_fault(uint8_t *arena);
void model_layer_000_stem_scale(uint8_t *arena, int32_t first, int32_t last);
__attribute__((noinline)) static void act(uint8_t *arena) { (void)arena; ACT; }
void kernel_fault(uint8_t *arena)
{
    volatile uint32_t left_over[200];
    left_over[0] = 0;
    left_over[100] = (uint32_t)(uintptr_t)&model_layer_000_stem_scale + 8u;
    __asm volatile("" ::"r"(left_over) : "memory");
    act(arena);
    arena[1] = (uint8_t)left_over[100];
}
"""


def deep_model(folder: Path, statement: str) -> Path:
    """A kernel of layer 1 whose own array of 800 bytes holds an address of another layer."""
    return fake.variant(
        folder,
        "do { kernel_fault(arena); arena[1] = 3; } while (0)",
        declare="void kernel_fault(uint8_t *arena);",
        deep=DEEP.replace("ACT", statement),
    )


FAULTS = {
    "bus": ("*(volatile uint8_t *)0x60000000u = 1", "bus error at a data access"),
    "undefined": ('__asm volatile("udf #0")', "undefined instruction"),
    # The chip's ITCM could be written, and its SRAM executed, were it not for the MPU.
    "code": ("*(volatile uint8_t *)4u = 1", "bus error at a data access"),
    "arena": ('__asm volatile("ldr lr, =0x20000801\\nbx lr\\n.ltorg" ::: "lr")', "instruction bus error"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_reported_by_the_firmware(tmp_path: Path, name: str) -> None:
    check_fault(tmp_path, name, "stm32f746")


def test_armv8m_is_guarded_too(tmp_path: Path) -> None:
    check_fault(tmp_path, "arena", "stm32u575")


def check_fault(tmp_path: Path, name: str, board_name: str) -> None:
    statement, said = FAULTS[name]
    target = load_target(board_name)
    firmware = build_firmware(deep_model(tmp_path / "model", statement), target, stack_bytes=2048)
    board = board_with(firmware, target)
    frame, _ = decode(ask(board, "R"))
    assert frame is not None and frame.type == "f"
    text = reported_fault("it", firmware.image, target, frame.payload).render()
    assert said in text and "layer 1: model_layer_001_body_copy" in text
    assert ("act + 0x" in text) == (name != "arena")
    # It is sent again to whoever asks, until the board is reset.
    again, _ = decode(board.feed(Frame("I", 9).encode()))
    assert again == Frame("f", 9, frame.payload)
    assert board.feed(Frame("Z", 10).encode()) == b""
    fresh, _ = decode(board.feed(Frame("I", 11).encode()))
    assert fresh is not None and fresh.type == "i"
    board.close()


def test_a_stack_that_overflows(tmp_path: Path) -> None:
    target = load_target("stm32f746")
    source = deep_model(tmp_path / "model", '__asm volatile("udf #0")')
    firmware = build_firmware(source, target, stack_bytes=600)
    board = board_with(firmware, target)
    frame, _ = decode(ask(board, "R"))
    board.close()
    assert frame is not None and frame.type == "f"
    text = reported_fault("it", firmware.image, target, frame.payload).render()
    assert "layer 1: model_layer_001_body_copy" in text
    assert "overflow: the stack ends at 0x20000000" in text


@pytest.mark.parametrize("name", ["stm32f746", "stm32f446"])
def test_the_mpus_regions(name: str) -> None:
    """What is written to it (Armv7-M Architecture Reference Manual, B3.5)."""
    target = load_target(name)
    board = board_with(fake.firmware(name), target)
    machine = board.machine
    assert machine.register(0xE000_ED94) == 5  # on, with the default map for what has no region
    sizes = [2 << (c >> 1 & 31) for c in machine.board.mpu_control[:4]]
    assert list(zip(machine.board.mpu_base[:3], sizes, strict=False)) == [
        (0, 512 << 20),
        (0x2000_0000, 512 << 20),
        (0x1FFF_F000, 4096),
    ]
    access = [c >> 24 & 7 for c in machine.board.mpu_control[:4]]
    never_executed = [c >> 28 & 1 for c in machine.board.mpu_control[:4]]
    on = [c & 1 for c in machine.board.mpu_control[:4]]
    assert (access, never_executed, on) == ([6, 3, 0, 0], [0, 1, 1, 0], [1, 1, 1, 0])
    board.close()


def test_damaged_weights_are_noticed() -> None:
    target, firmware = load_target("stm32f746"), fake.firmware("stm32f746")
    flash = bytearray(firmware.image.binaries(target)["flash"])
    at, size = firmware.image.sections[".weights"]
    flash[at - target.boot.address + size // 2] ^= 1
    board = VirtualBoard(bytes(flash), target)
    known, _ = decode(board.feed(Frame("I", 1).encode()))
    refused, _ = decode(board.feed(Frame("R", 2).encode()))
    board.close()
    assert known is not None and struct.unpack_from("<I", known.payload, 20)[0] & 2
    assert refused == Frame("e", 2, argument=7)
