"""Cycles of whole loops on the simulated boards: branches, code lines, data lines, blocks in a row."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgec.codegen.toolchain import build_firmware
from edgec.sim.board import SimRunner
from edgec.target import load_target

from . import fake

FLASH = 0x0800_0000


def cycles(board: str, body: str, work: Path) -> float:
    """Of one iteration of a loop around `body`: r0 to r3 are free, r4 counts down to 0, r5 is the flash."""
    text = f"1:\\n{body}\\nsubs r4, r4, #1\\nbne 1b"
    start = f"mov r4, %0\\nmov r5, #{FLASH}\\nmov r0, #0\\nmov r1, #0\\nb 1f\\n.balign 32\\n"
    clobbers = ", ".join(f'"r{k}"' for k in range(6))
    statement = f'__asm volatile("{start}{text}" :: "r"(64u * arena[0]) : {clobbers}, "cc", "memory")'
    target = load_target(board)
    elf = build_firmware(fake.variant(work / "model", statement), target).elf
    spent = []
    with SimRunner(elf, target) as runner:
        for count in (4, 20):
            (result,) = runner.run([bytes([count]) + bytes(999)])
            assert result.per_layer is not None
            spent.append(result.per_layer[1].cycles or 0)
    return (spent[1] - spent[0]) / (16 * 64)


WIDE = "add.w r0, r0, #1\\nadd.w r1, r1, #1\\n"


@pytest.mark.parametrize(
    ("board", "body", "expected"),
    [
        ("stm32f746", WIDE, 2),  # two pairs; the jump is predicted
        ("stm32f446", WIDE, 2 + 1 + 1 + 2),
        ("stm32f746", 9 * WIDE, 10),
        ("stm32f446", 9 * WIDE, 18 + 1 + 1 + 2),  # 5 lines of code, all kept
        ("stm32f746", "ldr r2, [r5], #32\\nbic r5, r5, #0x10000", 19 + 3),  # every line of 64 KB is new
        ("stm32f446", "ldr r2, [r5], #16\\nbic r5, r5, #0x10000", 2 + 5 + 1 + 1 + 1 + 2),
        (
            "stm32f746",
            "ldr r2, [r5, r0, lsl #2]\\nadd.w r0, r0, #1\\nbic r0, r0, #64",
            3,
        ),  # 8 lines that stay
        ("stm32f746", "add r2, r4, #1\\nb 2f\\nnop\\n2:", 2),  # a jump that is always taken
    ],
)
def test_an_iteration(board: str, body: str, expected: float, tmp_path: Path) -> None:
    assert cycles(board, body, tmp_path) == pytest.approx(expected, abs=0.02)


def test_a_branch_that_alternates_is_guessed_wrong(tmp_path: Path) -> None:
    steady = cycles("stm32f746", "tst r4, #0x80000000\\nbne 2f\\nnop\\n2:", tmp_path / "a")
    changing = cycles("stm32f746", "tst r4, #1\\nbne 2f\\nnop\\n2:", tmp_path / "b")
    assert changing - steady == pytest.approx(8 - 0.5, abs=0.05)  # where it is taken, one instruction less


def test_code_that_does_not_fit_the_cache(tmp_path: Path) -> None:
    """6 KB of code in a loop: each line of 4 KB in 2 ways is gone when it comes again."""
    fits = cycles("stm32f746", "add.w r0, r0, #1\\n" * 512, tmp_path / "a")
    large = cycles("stm32f746", "add.w r0, r0, #1\\n" * 1536, tmp_path / "b")
    assert fits == pytest.approx(513, abs=1)
    assert large == pytest.approx(1537 + 192 * 19, rel=0.02)


def test_conditions_of_an_it_block_end_with_it(tmp_path: Path) -> None:
    """A load from flash inside one, which the caches follow: what a page of code begins with runs always."""
    page = "b 3f\\n.balign 1024\\n.space 1014\\n3: "
    last = "cmp r1, #2\\nitt ne\\nldrne r2, [r5, #8]\\naddne r0, #1\\nnop\\n"
    first = "cmp r1, r1\\nadd.w r3, r5, #16\\nldr r2, [r3]"
    # Left out, the sum would leave the address 0xffffffff, where nothing is.
    assert cycles("stm32f746", "mvn r3, #0\\n" + page + last + first, tmp_path) > 0
