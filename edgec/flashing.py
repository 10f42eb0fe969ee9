"""How a target's flash is written: the table [flash] of its file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

KEYS = {"chips": list, "pages": str, "pyocd": str, "openocd": str, "dfu": str, "drives": list, "boot": str}
"""The keys of the table, all of them optional."""


@dataclass(frozen=True)
class Flashing:
    """What the tools must know of a target.

    chips: product ids that ST's boot loader may give; empty: any that fits. pages: layout of a chip that
    edgec does not know (docs/flashing.md). pyocd: its name for pyOCD. openocd: its configuration file.
    dfu: USB ids of its boot loader, vendor:product. drives: names of the mass-storage drive it
    appears as. boot: how the board is brought into its boot loader.
    """

    chips: tuple[int, ...] = ()
    pages: str = ""
    pyocd: str = ""
    openocd: str = ""
    dfu: str = ""
    drives: tuple[str, ...] = ()
    boot: str = ""


def flashing(data: Mapping[str, Any]) -> Flashing:
    """From the table, whose keys and types are checked."""
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in data.items()}
    return Flashing(**values)
