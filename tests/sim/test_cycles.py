"""The timing models: snippets others have measured, registers read and written, the explaining command."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from edgec.sim.timing import CORES, describe
from edgec.sim.timing.decode import FLAGS, Stage, Unit
from edgec.sim.timing.m7 import CortexM7
from edgec.target import load_target

from . import fake
from .timed import CASES, Case, assemble, modelled, table

ROOT = Path(__file__).parents[2]

KNOWN = {"two loads that count on": 2, "PUSH of 8 (cortex-m4)": 10}
"""Where the model is slower than what was measured, and why docs/cycles.md says so."""


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c.rule} ({c.cpu})")
def test_what_others_have_measured(case: Case) -> None:
    known = KNOWN.get(case.rule, KNOWN.get(f"{case.rule} ({case.cpu})", case.measured))
    assert modelled(case) == known


def test_the_table_of_the_documentation() -> None:
    assert table() in (ROOT / "docs" / "cycles.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("code", "reads", "writes", "base"),
    [
        ("smlad r0, r1, r2, r3", "r1:factor r2:factor r3:sum", "r0", None),
        ("smlal r0, r1, r2, r3", "r2:factor r3:factor r0:sum r1:sum", "r0 r1", None),
        ("smmulr r0, r1, r2", "r1:factor r2:factor", "r0", None),
        ("ssat r0, #8, r1, asr #3", "r1:early", "r0", None),
        ("pkhbt r0, r1, r2, lsl #16", "r1:late r2:early", "r0", None),
        ("sxtab16 r0, r1, r2, ror #8", "r1:late r2:early", "r0", None),
        ("sxtb16 r0, r1, ror #8", "r1:early", "r0", None),
        ("bfi r0, r1, #3, #4", "r0:late r1:early", "r0", None),
        ("ldr r0, [r1], #4", "r1:address", "r0", "r1"),
        ("ldrsb r0, [r1, #1]!", "r1:address", "r0", "r1"),
        ("ldrd r0, r1, [r2], #8", "r2:address", "r0 r1", "r2"),
        ("strb r0, [r1], #1", "r1:address r0:data", "", "r1"),
        ("strd r0, r1, [r2, #8]", "r2:address r0:data r1:data", "", None),
        ("ldm r0!, {r1, r2, r3}", "r0:address", "r1 r2 r3", "r0"),
        ("ldm.w r0, {r1, r2, r8}", "r0:address", "r1 r2 r8", None),
        ("stm r0!, {r1, r2}", "r0:address r1:data r2:data", "", "r0"),
        ("push {r4, lr}", "sp:address r4:data lr:data", "", "sp"),
        ("pop {r4, pc}", "sp:address", "r4", "sp"),
        ("ldr.w r0, [r1, r2, lsl #2]", "r1:address r2:address", "r0", None),
        ("add.w r0, r1, r2, lsl #2", "r1:late r2:early", "r0", None),
        ("adds r0, #1", "r0:late", f"r0 {FLAGS}", None),
        ("cmp r0, r1", "r0:late r1:late", FLAGS, None),
        ("adcs r0, r1", f"r0:late r1:late {FLAGS}:late", f"r0 {FLAGS}", None),
        ("sel r0, r1, r2", f"r1:late r2:late {FLAGS}:late", "r0", None),
    ],
)
def test_registers(code: str, reads: str, writes: str, base: str | None) -> None:
    (op,) = assemble(code)
    assert " ".join(f"{r}:{s}" for r, s in op.reads) == reads
    assert " ".join(op.writes) == writes and op.base == base


@pytest.mark.parametrize(
    ("code", "unit", "jump"),
    [
        ("bne .", Unit.BRANCH, "conditional"),
        ("cbz r0, 1f; nop; 1: nop", Unit.BRANCH, "conditional"),
        ("b .", Unit.BRANCH, "direct"),
        ("bl .", Unit.BRANCH, "direct"),
        ("bx lr", Unit.BRANCH, "indirect"),
        ("pop {r4, pc}", Unit.LOAD, "indirect"),
        ("tbb [pc, r0]", Unit.BRANCH, "indirect"),
        ("bic r0, r0, r1", Unit.ALU, None),
        ("umaal r0, r1, r2, r3", Unit.MULTIPLY, None),
        ("usada8 r0, r1, r2, r3", Unit.DSP, None),
        ("sub.w r0, r1, r2", Unit.ALU, None),
        ("uqsub8 r0, r1, r2", Unit.DSP, None),
        ("mvn r0, r1", Unit.ALU, None),
    ],
)
def test_units(code: str, unit: Unit, jump: str | None) -> None:
    op, *_ = assemble(code)
    assert (op.unit, op.jump) == (unit, jump)


def test_conditional_instructions_wait_for_the_flags() -> None:
    cmp, it, add = assemble("cmp r0, r1; it lt; addlt r2, r2, r3")
    assert it.unit is Unit.IT and add.conditional and (FLAGS, Stage.LATE) in add.reads
    assert CortexM7().schedule([cmp, it, add]).cycles == 2


def test_a_wrong_guess_costs_less_where_the_flags_were_set_early() -> None:
    core = CortexM7()
    near = assemble("subs r0, #1; bne .")
    far = assemble("subs r0, #1; " + "ldr r1, [r1]; " * 2 + "bne .")
    assert (core.schedule(near).missed, core.schedule(far).missed) == (8, 6)
    assert core.schedule(assemble("bx lr")).missed == 8
    assert core.schedule(assemble("bl .")).missed == 6


def test_blocks_go_on_where_the_one_before_left_off() -> None:
    core = CortexM7()
    first, second = assemble("ldr r0, [r1]"), assemble("mul r2, r0, r3")
    left = core.schedule(first).after
    assert core.schedule(second).cycles == 1
    assert core.schedule(second, left).cycles == 2
    other = assemble("add r4, r4, #1")
    assert core.schedule(other, left).cycles == 0
    assert core.schedule(other, core.taken(left)).cycles == 1


def test_jumps_of_cores_without_a_predictor() -> None:
    core = CORES["cortex-m4"]()
    aligned, between = assemble("add.w r0, r0, #1; nop; add.w r0, r0, #1")[::2]
    assert (core.refill(aligned), core.refill(between)) == (2, 3)


def test_the_report_names_the_model() -> None:
    assert describe(load_target("stm32f746")) == (
        "cortex-m7 v1: dual issue, 4 KB I-cache + 4 KB D-cache, flash 7 wait states"
    )
    assert describe(load_target("stm32f446")) == (
        "cortex-m4 v1: single issue, 1 KB I-cache + 128 B D-cache, flash 5 wait states"
    )
    with pytest.raises(ValueError, match="cortex-a53"):
        describe(load_target("cortex-a53"))


def test_explaining_a_function(tmp_path: Path) -> None:
    elf = tmp_path / "firmware.elf"
    elf.write_bytes(fake.firmware("stm32f746").elf)
    command = [sys.executable, str(ROOT / "bench" / "explain_cycles.py"), str(elf)]
    done = subprocess.run([*command, "kernel_scale"], capture_output=True, text=True, check=True)
    assert "again behind itself" in done.stdout and "mispredicted: " in done.stdout
    wrong = subprocess.run([*command, "kernel"], capture_output=True, text=True, check=False)
    assert wrong.returncode == 1 and "did you mean" in wrong.stderr and "kernel_scale" in wrong.stderr
