"""Sources to objects, each compiled once a machine: objects are kept by what they are made of."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from edgec.cache import cache_dir
from edgec.codegen.tools import Tool

_INCLUDE = re.compile(rb'^[ \t]*#[ \t]*include[ \t]*["<]([^">]+)[">]', re.MULTILINE)

COMMON = (
    "-O2",
    "-std=c11",
    "-Wall",
    "-Wextra",
    "-Wconversion",
    "-g0",
    "-fomit-frame-pointer",
    "-fno-asynchronous-unwind-tables",
)
"""Flags of every compilation. Debug information is left out: it holds paths."""


def compile_all(
    tool: Tool,
    sources: Sequence[Path],
    includes: Sequence[Path],
    flags: Sequence[str],
    *,
    strict: bool = False,
) -> list[Path]:
    """The objects of C sources, in their order; up to two are compiled at a time.

    strict: warnings are errors. Raises Diagnostic E401 for a broken compiler, CompilerError
    for sources it refuses.
    """
    every = [*COMMON, *flags, *(["-Werror"] if strict else [])]
    every += ["-fno-sanitize=undefined", "-fno-stack-protector"] if tool.is_clang else []
    with ThreadPoolExecutor(min(2, os.cpu_count() or 1)) as pool:
        return list(pool.map(lambda source: _compile(tool, source, includes, every), sources))


def _compile(tool: Tool, source: Path, includes: Sequence[Path], flags: Sequence[str]) -> Path:
    if source.name == "memory.c":  # or its loops become calls of the functions it defines
        flags = [*flags, "-fno-builtin"]
        flags += [] if tool.is_clang else ["-fno-tree-loop-distribute-patterns"]
    digest = hashlib.sha256("\0".join([tool.version, *tool.command, source.name, *flags]).encode())
    for name, text in _closure(source, includes):
        digest.update(name.encode() + b"\0" + text + b"\0")
    key = digest.hexdigest()
    final = cache_dir() / "objects" / key[:2] / f"{key[2:34]}.o"
    if final.is_file():
        return final
    final.parent.mkdir(parents=True, exist_ok=True)
    paths = [f"-I{folder.resolve()}" for folder in includes]
    with tempfile.TemporaryDirectory(dir=final.parent) as work:
        made = Path(work) / "made.o"
        # From its own folder, so that no path gets into the object.
        tool.run([*flags, *paths, "-c", source.name, "-o", str(made)], cwd=source.parent)
        made.replace(final)
    return final


def _closure(source: Path, includes: Sequence[Path]) -> list[tuple[str, bytes]]:
    """A source and all that it includes from our folders, with their texts."""
    found: dict[Path, tuple[str, bytes]] = {}
    waiting = [source.resolve()]
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        text = path.read_bytes()
        found[path] = (path.name, text)
        # Includes stand at the head; what follows may be megabytes of constants.
        for name in _INCLUDE.findall(text[:65536]):
            for folder in (path.parent, *includes):
                candidate = (folder / name.decode(errors="replace")).resolve()
                if candidate.is_file():
                    waiting.append(candidate)
                    break
    return list(found.values())
