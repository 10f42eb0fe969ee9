"""The sources of a board's firmware, for a project that builds all of it."""

from __future__ import annotations

import re

from edgec.codegen.board_config import board_config
from edgec.codegen.toolchain import firmware_parts
from edgec.package.facts import THREADS, Facts, below
from edgec.report.files import not_a_build

SCRIPT = "linker.ld"
_CRC = re.compile(r"_weights_crc = \w+;.*")
"""Of the weights as edgec's compiler orders them: another one may do otherwise, and 0 is not checked."""


def firmware_files(facts: Facts) -> dict[str, str]:
    """firmware/ and the linker script of a build for bare metal, without memory.c: projects have a C library.

    Raises Diagnostic E105 for a build without its linker script.
    """
    script = facts.folder / SCRIPT
    if not script.is_file():
        raise not_a_build(facts.folder, f"there is no {SCRIPT}")
    sources, folders = firmware_parts(facts.target)
    wanted = [p for p in sources if p.name != "memory.c"]
    for folder in folders:
        wanted += sorted(p for p in folder.iterdir() if p.suffix in (".h", ".inc") and p.name not in THREADS)
    made = {f"firmware/{below(path)}": path.read_text(encoding="utf-8") for path in wanted}
    if facts.target.uart is not None:
        made["firmware/board_config.h"] = board_config(facts.target)
    return made | {SCRIPT: _CRC.sub("_weights_crc = 0;", script.read_text(encoding="utf-8"))}
