"""When each instruction of a function issues, and what holds it back.

    python bench/explain_cycles.py FIRMWARE.elf FUNCTION [--target stm32f746]

Prints the basic blocks of the function, each behind the one before it in memory, and each that
jumps back to its own start behind itself too: what an iteration costs. Memories answer at once here;
`edgec profile` adds their misses. FIRMWARE.elf may be an object file.
"""

from __future__ import annotations

import argparse
import io
import re
from collections.abc import Iterator
from pathlib import Path

from edgec.codegen.image import Image
from edgec.sim.timing import core_of
from edgec.sim.timing.core import Core, Schedule, State
from edgec.sim.timing.decode import Op, decoder
from edgec.target import load_target


def blocks(ops: list[Op]) -> Iterator[list[Op]]:
    """Basic blocks: they end at jumps and calls, and before what the function jumps to."""
    targets = {_goal(op) for op in ops if op.jump}
    block: list[Op] = []
    for op in ops:
        if block and op.address in targets:
            yield block
            block = []
        block.append(op)
        if op.jump:
            yield block
            block = []
    if block:
        yield block


def _goal(op: Op) -> int | None:
    match = re.search(r"#(0x[0-9a-f]+|\d+)$", op.text)
    return int(match.group(1), 0) if op.unit == "branch" and match else None


def show(core: Core, schedule: Schedule, title: str) -> None:
    """One block: cycle, whether it shares it, address, text, reason."""
    print(f"{title}: {schedule.cycles} cycles, {len(schedule.issues)} instructions")
    for issue in schedule.issues:
        mark = "+" if issue.second else " "
        print(f"  {issue.at:5}{mark}  {issue.op.address:8x}  {issue.op.text:<38} {issue.why}".rstrip())
    if schedule.missed:
        print(f"         mispredicted: {schedule.missed} more")


def main() -> None:
    """Print the schedule of a function."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("firmware", type=Path)
    parser.add_argument("function")
    parser.add_argument("--target", default="stm32f746")
    arguments = parser.parse_args()
    core = core_of(load_target(arguments.target))
    if core is None:
        parser.error(f"no model of the core of {arguments.target}")
    code, address = find(arguments.firmware, arguments.function)
    before: State | None = None
    for block in blocks(decoder().decode(code, address)):
        schedule = core.schedule(block, before)
        show(core, schedule, f"block {block[0].address:x}")
        before = schedule.after
        if block[-1].jump and _goal(block[-1]) == block[0].address:
            again = core.schedule(block, core.taken(core.schedule(block, core.taken(schedule.after)).after))
            show(core, again, "again behind itself")
        print()


def find(path: Path, name: str) -> tuple[bytes, int]:
    """The code of a function and its address. Exits where there is none of this name."""
    from elftools.elf.elffile import ELFFile

    image = Image.read(path)
    found = [f for f in image.functions if f.name == name]
    if not found:
        near = ", ".join(sorted(f.name for f in image.functions if name in f.name))
        raise SystemExit(f"no function {name}" + (f"; did you mean {near}" if near else ""))
    function = found[0]
    marks = [a for a, code in image.marks if not code and function.address < a]
    end = min([function.address + function.size, *marks])
    elf = ELFFile(io.BytesIO(path.read_bytes()))
    for section in elf.iter_sections():
        start = section["sh_addr"]
        if section["sh_flags"] & 4 and start <= function.address < start + section["sh_size"]:
            return section.data()[function.address - start : end - start], function.address
    raise SystemExit(f"{name} has no code here")


if __name__ == "__main__":
    main()
