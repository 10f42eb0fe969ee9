"""Flash of chips with ST's boot loader: which pages it has, and how they are programmed (chips.toml)."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from edgec.diagnostics import Diagnostic

BASE = 0x0800_0000
"""Where the flash of these chips begins."""

_SIZES = {"": 1, "K": 1024, "M": 1024 * 1024}


@dataclass(frozen=True)
class Page:
    """What is erased as a whole. index: by which the boot loader knows it. Address and size in bytes."""

    index: int
    address: int
    size: int

    @property
    def end(self) -> int:
        """The first address behind the page."""
        return self.address + self.size


@dataclass(frozen=True)
class Chip:
    """The flash of a chip. Sizes in bytes.

    id: its product id. size: what it has, or may have at most. groups: count, bytes and number of the
    first of neighbouring pages; a count of 0 is as many as there is flash. unit: bytes programmed together,
    once between erasures; with 1, bits may be cleared later. erased: value of an erased byte. transfer: most
    bytes of one command. size_at: address of the register with the flash size in KB.
    """

    id: int
    name: str
    size: int
    groups: tuple[tuple[int, int, int | None], ...]
    unit: int = 1
    erased: int = 0xFF
    transfer: int = 256
    size_at: int | None = None

    @property
    def pages(self) -> tuple[Page, ...]:
        """All pages, by address."""
        return tuple(self._pages())

    def _pages(self) -> Iterator[Page]:
        at, index = BASE, 0
        for count, size, first in self.groups:
            index = index if first is None else first
            made = 0
            while at < BASE + self.size and (count == 0 or made < count):
                yield Page(index, at, size)
                at, index, made = at + size, index + 1, made + 1

    def of_size(self, size: int) -> Chip:
        """The same chip with another size of flash."""
        return replace(self, size=size)


@cache
def chips() -> dict[int, Chip]:
    """All chips of the table, by product id."""
    table = tomllib.loads(Path(__file__).with_name("chips.toml").read_text(encoding="utf-8"))
    found: dict[int, Chip] = {}
    for family in table["family"]:
        groups = tuple((count, size, *rest, None)[:3] for count, size, *rest in family["pages"])
        rest = {k: v for k, v in family.items() if k not in ("pages", "chips")}
        for number, kilobytes, name in family["chips"]:
            found[number] = Chip(number, name, kilobytes * 1024, groups, **rest)
    return found


def chip_of(number: int, pages: str = "") -> Chip:
    """The chip with a product id. pages: its layout in words, which wins over the table: "4x32K,128K,3x256K".

    Raises Diagnostic E402 for a chip that is not in the table, E101 for a layout that cannot be read.
    """
    known = chips().get(number)
    if pages:
        groups = tuple((count, size, None) for count, size in parse_pages(pages))
        size = sum(count * each for count, each, _ in groups)
        # The unit of a chip that is not known: large enough for all, and never programmed twice.
        base = known or Chip(number, f"chip 0x{number:03X}", size, groups, unit=32)
        return replace(base, groups=groups, size=size)
    if known is None:
        raise Diagnostic(
            "E402",
            f"the chip with product id 0x{number:03X} is not in the table of flash pages",
            facts=[("known", f"{len(chips())} chips, edgec/device/chips.toml")],
            remedies=[
                "--pages 4x16K,64K,7x128K says which pages its flash has, from the first on",
                "--method swd or openocd, which know more chips",
            ],
        )
    return known


def parse_pages(text: str) -> list[tuple[int, int]]:
    """Counts and sizes in bytes of a layout in words. Raises Diagnostic E101."""
    groups = []
    for part in text.replace(" ", "").split(","):
        match = re.fullmatch(r"(?:(\d+)x)?(\d+)([KM]?)B?", part, re.IGNORECASE)
        if not match or int(match[1] or 1) == 0 or int(match[2]) == 0:
            raise Diagnostic(
                "E101",
                f"not a layout of pages: {text}",
                where="--pages",
                remedies=["--pages 4x32K,128K,3x256K: four pages of 32 KB, one of 128 KB, three of 256 KB"],
            )
        groups.append((int(match[1] or 1), int(match[2]) * _SIZES[match[3].upper()]))
    return groups
