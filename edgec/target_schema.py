"""Target files as they are written: what keys there are, and what is said of faulty ones."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgec.diagnostics import Diagnostic

CONTENTS = ("code", "rodata", "weights", "data", "stack", "arena", "fast-code")
REGION = {
    "name": str,
    "description": str,
    "address": int,
    "size": int,
    "access": str,
    "holds": list,
    "wait_states": int,
    "next_states": int,
    "beat_bytes": int,
    "beat_cycles": int,
    "cached": bool,
    "prefetch": bool,
    "fetch": bool,
}
REGION_REQUIRED = ("name", "description", "address", "size", "access", "holds", "wait_states")
CACHE = {"size": int, "line": int, "ways": int}
UART = {
    "kind": str,
    "address": int,
    "clock_hz": int,
    "baud": int,
    "tx": str,
    "rx": str,
    "function": int,
    "enable": str,
}
UART_REQUIRED = ("kind", "address", "clock_hz", "baud", "tx", "rx")
PIN = re.compile(r"(?P<port>[A-Z]|P\d\.|GPIO)(?P<number>\d{1,2})")
ENABLE = re.compile(r"(?P<offset>0x[0-9a-f]{1,4}):(?P<bit>\d{1,2})")
TARGET = {
    "description": str,
    "kind": str,
    "cpu": str,
    "clock_hz": int,
    "board": str,
    "part": str,
    "qemu": str,
    "hidden": bool,
    "multiply_cycles": int,
    "regions": list,
    "icache": dict,
    "dcache": dict,
    "uart": dict,
    "settings": dict,
    "flash": dict,
    "extends": str,
}
EXTRAS = frozenset({"watchdog_ms", "mark_pin"})
"""Settings that ask for more than the model needs (firmware/boards/stm32/extras.c)."""
TARGET_REQUIRED = ("description", "kind", "cpu", "clock_hz", "board")


def read(path: Path, where: str) -> dict[str, Any]:
    """The contents of a target file. where: what errors call it."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise faulty(where, str(error)) from error


def merge(parent: Mapping[str, Any], child: Mapping[str, Any]) -> dict[str, Any]:
    """The child's keys over the parent's; regions by name, settings by key."""
    merged = {**parent, **child}
    regions = {r["name"]: r for r in [*parent.get("regions", []), *child.get("regions", [])]}
    if regions:
        merged["regions"] = list(regions.values())
    settings = {**parent.get("settings", {}), **child.get("settings", {})}
    if settings:
        merged["settings"] = settings
    merged.pop("extends")
    return merged


def check(
    where: str, what: str, data: Mapping[str, Any], types: Mapping[str, type], required: tuple[str, ...]
) -> None:
    """Raise Diagnostic E105 for keys that are missing, unknown or of the wrong type."""
    for key in required:
        if key not in data:
            raise faulty(where, f"{what} lacks {key}")
    for key, value in data.items():
        if key not in types:
            near = difflib.get_close_matches(key, types, n=1)
            hint = f" (did you mean {near[0]}?)" if near else ""
            raise faulty(where, f"{what} has an unknown key {key}{hint}")
        if type(value) is not types[key]:
            raise faulty(where, f"{what}: {key} must be of type {types[key].__name__}, is {value!r}")


def check_extras(where: str, board: str, settings: Mapping[str, int]) -> None:
    """Raise Diagnostic E105 for EXTRAS of a board that has none."""
    for key in sorted(EXTRAS & settings.keys()):
        if not board.startswith("stm32"):
            raise faulty(where, f"{key} is a setting of STM32 boards")


def faulty(where: str, what: str) -> Diagnostic:
    """E105 for a target file."""
    return Diagnostic(
        "E105",
        f"faulty target file: {what}",
        where=where,
        remedies=["docs/targets.md says what a target file holds"],
    )
