"""The static bound of the stack: frames by hand, and what cannot be bounded."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgec.codegen import stack
from edgec.codegen.image import Symbol
from edgec.codegen.stack import StackError, stack_bound
from edgec.codegen.toolchain import build_firmware
from edgec.target import load_target

from . import fake

FUNCTION = Symbol("f", 0, 100)


@pytest.mark.parametrize(
    ("name", "operands", "size"),
    [
        ("push", "{r4, r5, r7, lr}", 16),
        ("stmdb", "sp!, {r4-r11, lr}", 36),
        ("vpush", "{d8, d9}", 16),
        ("vpush", "{s16}", 4),
        ("sub", "sp, #0xbc", 188),
        ("sub", "sp, sp, #0x1f00", 7936),
        ("str", "lr, [sp, #-0x10]!", 16),
        ("strd", "ip, lr, [sp, #-16]!", 16),
        ("add", "sp, #0xbc", 0),
        ("mov", "sp, r7", 0),
        ("sub", "sp, r7, #0x18", 0),
        ("ldr", "r0, [sp, #4]", 0),
        ("sub", "r0, sp, #8", 0),
    ],
)
def test_bytes_pushed(name: str, operands: str, size: int) -> None:
    assert stack._pushed(FUNCTION, name, operands) == size


@pytest.mark.parametrize(
    ("name", "operands"), [("sub", "sp, r0"), ("mov", "sp, r4"), ("stc", "p14, c1, [sp, #-0x40]!")]
)
def test_run_time_amounts_are_refused(name: str, operands: str) -> None:
    with pytest.raises(StackError, match="moves the stack pointer"):
        stack._pushed(FUNCTION, name, operands)


def test_deeper_frames_count(tmp_path: Path) -> None:
    target = load_target("stm32f746")
    deep = (
        "#include <stdint.h>\nvoid kernel_deep(uint8_t *x);\nvoid kernel_deep(uint8_t *x)\n{\n"
        "    volatile uint8_t big[4000];\n    big[x[0]] = 1;\n    x[1] = big[x[0]];\n}\n"
    )
    source = fake.variant(
        tmp_path / "model", "kernel_deep(arena)", declare="void kernel_deep(uint8_t *x);", deep=deep
    )
    base, bound = fake.firmware("stm32f746").stack_bound, build_firmware(source, target).stack_bound
    assert 4000 < bound < 4000 + base


def test_recursion_is_refused(tmp_path: Path) -> None:
    declare = "static void again(volatile uint8_t *x);\n#define AGAIN"
    fault = "again(arena)"
    body = (
        "static __attribute__((noinline)) void again(volatile uint8_t *x)"
        "{ volatile uint8_t k[4]; k[0] = x[0]; if (k[0]) { again(x + 1); } x[0] = k[0]; }"
    )
    source = fake.variant(tmp_path / "model", fault, declare=f"{declare}\n{body}")
    with pytest.raises(StackError, match="recursion: again -> again"):
        build_firmware(source, load_target("stm32f746"))


def test_calls_through_pointers_are_refused(tmp_path: Path) -> None:
    fault = "do { (*(void (*volatile *)(void))(void *)arena)(); } while (0)"
    source = fake.variant(tmp_path / "model", fault)
    with pytest.raises(StackError, match="goes where only run time knows"):
        build_firmware(source, load_target("stm32f746"))


@pytest.mark.parametrize("board", ["stm32f746", "stm32f446", "mps2-an500", "mps3-an547"])
def test_the_bound_is_that_of_the_image(board: str) -> None:
    firmware = fake.firmware(board)
    assert stack_bound(firmware.image) == firmware.stack_bound
    assert firmware.stack_bound % 8 == 0
