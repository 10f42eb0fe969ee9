"""What candidates took, kept between builds: one file for each, named by all that the figure depends on."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from edgec import __version__
from edgec.cache import cache_dir
from edgec.codegen.tools import zig
from edgec.ir import Graph
from edgec.ir.text import to_text
from edgec.sim.runner import Cost
from edgec.sim.timing import core_of, describe
from edgec.target import Target

SCHEMA = "edgec.tune/1"


class Damaged(Exception):
    """An entry that holds something else than it should; the message says what."""


def key_of(layer: Graph, kernels: Mapping[str, str], target: Target, on_board: bool = False) -> str:
    """The name of a measurement: a digest of all that it depends on.

    layer: the graph that is measured, its constants included: a few branches of kernels depend on them, and a
    build must not depend on what was measured for other models. kernels: the sources of its kernels. Besides
    them the target as it is simulated, the model of its core or that a board counted (on_board), the compiler
    and edgec's version.
    """
    model = describe(target) if core_of(target) is not None else ""
    model = "a board" if on_board else model
    digest = hashlib.sha256()
    for part in (SCHEMA, __version__, zig().version, repr(target), model, to_text(layer)):
        digest.update(part.encode() + b"\0")
    for name, text in sorted(kernels.items()):
        digest.update(name.encode() + b"\0" + text.encode() + b"\0")
    return digest.hexdigest()


def path_of(key: str) -> Path:
    """The file of an entry."""
    return cache_dir() / "tune" / key[:2] / f"{key[2:34]}.json"


def load(key: str) -> Cost | None:
    """What was measured; None where nothing was. Raises Damaged where the entry cannot be used."""
    try:
        text = path_of(key).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise Damaged(f"it cannot be read: {error}") from error
    try:
        entry = json.loads(text)
    except ValueError as error:
        raise Damaged("it is no JSON") from error
    if not isinstance(entry, dict) or entry.get("schema") != SCHEMA or entry.get("key") != key:
        raise Damaged("it is of another version, or another measurement's")
    instructions, cycles = entry.get("instructions"), entry.get("cycles")
    if type(instructions) is not int or instructions < 0 or (cycles is not None and type(cycles) is not int):
        raise Damaged("it lacks its figures")
    return Cost(instructions, cycles)


def store(key: str, cost: Cost) -> None:
    """Keep a measurement. Whoever reads at the same time sees all of it or nothing. Raises OSError."""
    final = path_of(key)
    final.parent.mkdir(parents=True, exist_ok=True)
    entry = {"schema": SCHEMA, "key": key, "instructions": cost.instructions, "cycles": cost.cycles}
    handle, name = tempfile.mkstemp(dir=final.parent, suffix=".new")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(entry, file)
        Path(name).replace(final)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
