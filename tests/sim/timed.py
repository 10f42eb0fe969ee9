"""Snippets of code whose cycles others have measured, and what the models make of them.

docs/cycles.md shows the table that table() makes; test_cycles.py keeps it true.
"""

from __future__ import annotations

import io
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from edgec.codegen.tools import zig
from edgec.sim.timing import CORES
from edgec.sim.timing.decode import Op, decoder

Q, J, Z, T = "Quinapalus", "jnk0le", "Zonenberg", "Arm"


@dataclass(frozen=True)
class Case:
    """code: instructions, measured again and again, `;` between them. measured: cycles of one
    time. source: whose figure that is."""

    rule: str
    code: str
    measured: float
    source: str
    cpu: str = "cortex-m7"


CASES = (
    Case("two ALU operations", "eor r0, r0, r1; eor r2, r2, r3", 1, Q),
    Case("carry from one to the next", "adcs r0, r1; adcs r2, r3", 2, Q),
    Case("three operands added by two adds", "add.w r1, r0, r3; add.w r1, r1, r2", 1, Z),
    Case("constant of 32 bits", "movw r0, #1; movt r0, #2", 1, J),
    Case("shifted operand and plain add", "add r0, r1, r2, lsl #4; add r3, r4, r5", 1, J),
    Case("two shifted operands", "add r0, r1, r2, lsl #4; eor r3, r4, r5, ror #8", 2, Z),
    Case("shifted operand and shifted constant", "add r0, r1, r2, lsl #4; and r3, r4, #0x7e0", 2, Z),
    Case("shifted operand, then a shift", "add r0, r1, r2, lsl #4; lsr.w r3, r4, #12", 1, J),
    Case("shifted operand made just before", "eor r0, r1, r2; eor r3, r4, r0, lsl #4", 2, Z),
    Case("two extensions", "uxtb.w r0, r1; uxtb.w r2, r3", 2, J),
    Case("extension and multiply-accumulate", "sxtb16 r0, r1; smlad r2, r3, r4, r2", 1, J),
    Case("multiply-accumulate and shifted operand", "smlabb r0, r1, r2, r0; add r3, r4, r5, lsl #4", 1, J),
    Case("extended index of a load", "uxtb.w r0, r1; ldr.w r2, [r4, r0]", 3, J),
    Case("SMLAD into one sum", "smlad r0, r1, r2, r0", 1, J),
    Case("UMLAL into one sum", "umlal r0, r1, r2, r3", 1, Q),
    Case("MLA whose sum is the result before", "mla r0, r1, r2, r0", 1, Q),
    Case("MUL of the product before", "mul r0, r0, r1", 2, Q),
    Case("two multiplications", "smlad r0, r1, r2, r0; smlad r3, r1, r2, r3", 2, Q),
    Case("UMULL and add", "umull r0, r1, r2, r3; add r4, r4, #1", 1, Q),
    Case("load and SMLAD", "ldr r0, [r4]; smlad r1, r2, r3, r1", 1, Q),
    Case("store and SMLAD", "str r0, [r4]; smlad r1, r2, r3, r1", 2, J),
    Case("two loads of one word", "ldr r0, [r4]; ldr r1, [r4]", 2, Q),
    Case("two loads of neighbouring words", "ldr r0, [r4]; ldr r1, [r4, #4]", 1, J),
    Case("two loads that count on", "ldr r0, [r4], #4; ldr r1, [r5], #4", 1, J),
    Case("load and store", "ldr r0, [r4]; str r1, [r5]", 1, J),
    Case("two stores", "str r0, [r4]; str r1, [r5]", 2, J),
    Case("store of what is loaded beside it", "ldr r0, [r4]; str r0, [r5]", 1, J),
    Case("word, then an add of it", "ldr r0, [r4]; add r1, r1, r0", 1, J),
    Case("word, then a product of it", "ldr r0, [r4]; mul r1, r0, r2", 2, J),
    Case("byte, then an add of it", "ldrb r0, [r4]; add r1, r0, #1", 2, J),
    Case("word that is the next address", "ldr r0, [r0]", 3, Q),
    Case("LDRD", "ldrd r0, r1, [r4]", 1, J),
    Case("LDM of 4", "ldm.w r8, {r0-r3}", 2, J),
    Case("LDM of 7", "ldm.w r8, {r0-r6}", 4, J),
    Case("STM of 4", "stm.w r8, {r0-r3}", 2, J),
    Case("PUSH of 8", "push.w {r0-r7}", 4, J),
    Case(
        "loop of 20 instructions",
        "add.w r0, r0, #1; add.w r1, r1, #1; " * 9 + "subs.w r8, r8, #1; bne .",
        10,
        J,
    ),
    Case("ALU operation", "add r0, r0, #1", 1, T, "cortex-m4"),
    Case("SMLAD", "smlad r0, r1, r2, r0", 1, T, "cortex-m4"),
    Case("SMULL", "smull r0, r1, r2, r3", 1, T, "cortex-m4"),
    Case("SXTB16", "sxtb16 r0, r1", 1, T, "cortex-m4"),
    Case("load between others", "ldr r0, [r4]; add r1, r1, #1", 3, T, "cortex-m4"),
    Case("loads in a row, each more", "ldr r0, [r4]", 1, T, "cortex-m4"),
    Case("store", "str r0, [r4]", 1, T, "cortex-m4"),
    Case("store, register offset", "str r0, [r4, r5]", 2, J, "cortex-m4"),
    Case("LDRD", "ldrd r0, r1, [r4]", 3, T, "cortex-m4"),
    Case("LDM of 4", "ldm.w r8, {r0-r3}", 5, T, "cortex-m4"),
    Case("PUSH of 8", "push.w {r0-r7}", 9, T, "cortex-m4"),
    Case("division, at most", "udiv r0, r1, r2", 12, T, "cortex-m4"),
    Case("load", "ldr r0, [r4]; adds r1, #1", 3, T, "cortex-m0plus"),
    Case("MULS, fast multiplier", "muls r0, r1", 1, T, "cortex-m0plus"),
    Case("PUSH of 4", "push {r0-r3}", 5, T, "cortex-m0plus"),
)


def assemble(code: str, cpu: str = "cortex-m7") -> list[Op]:
    """Instructions of assembler text, lines or `;` between them."""
    return decoder().decode(_bytes(code, cpu), 0x0800_0000)


@cache
def _bytes(code: str, cpu: str) -> bytes:
    from elftools.elf.elffile import ELFFile

    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        lines = "\n".join(line.strip() for line in code.split(";"))
        (folder / "a.s").write_text(f".syntax unified\n.thumb\n{lines}\n")
        chip = cpu.replace("-", "_")
        flags = ["-c", "-target", "thumb-freestanding-eabi", f"-mcpu={chip}"]
        zig().run([*flags, "a.s", "-o", "a.o"], cwd=folder)
        elf = ELFFile(io.BytesIO((folder / "a.o").read_bytes()))
        text = elf.get_section_by_name(".text")
        assert text is not None
        return bytes(text.data())


def modelled(case: Case) -> float:
    """As Quinapalus measures: 14 times less 4 times, over 10. A loop: behind itself, its jump taken."""
    core = CORES[case.cpu]()
    ops = assemble(case.code, case.cpu)
    if ops[-1].jump:
        once = core.schedule(ops)
        return core.schedule(ops, core.taken(once.after)).cycles
    return (core.schedule(ops * 14).cycles - core.schedule(ops * 4).cycles) / 10


def table() -> str:
    """Every case with the model's figure and its error, in Markdown."""
    lines = ["| core | rule | code | measured | by | model | error |", "|---|---|---|--:|---|--:|--:|"]
    for case in CASES:
        made = modelled(case)
        code = case.code if len(case.code) < 60 else "9 pairs of `add`; `subs`; `bne`"
        shown = f"`{code}`" if code is case.code else code
        error = f"{(made - case.measured) / case.measured:+.0%}" if made != case.measured else "0"
        lines.append(
            f"| {case.cpu[7:].upper()} | {case.rule} | {shown} | {case.measured:g} | {case.source} "
            f"| {made:g} | {error} |"
        )
    return "\n".join(lines) + "\n"
