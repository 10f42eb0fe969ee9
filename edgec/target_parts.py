"""What a target is made of: memories, caches and a serial port, from the tables of its file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edgec.resources import resource_dir
from edgec.target_schema import (
    CACHE,
    CONTENTS,
    ENABLE,
    PIN,
    REGION,
    REGION_REQUIRED,
    UART,
    UART_REQUIRED,
    check,
    faulty,
)

_MOST_LINES = 2048
_POWERS = tuple(1 << k for k in range(20))


@dataclass(frozen=True)
class Region:
    """One memory of a board. address and size in bytes; access is a subset of "rwx".

    holds: what the linker may place there, of CONTENTS. wait_states: core clocks that an
    access takes beyond one where no cache has the data; next_states: the same where it goes on
    behind the access before. An access gives beat_bytes; more of the same line follow in
    beat_cycles each. cached: whether the board's caches serve it. prefetch: whether the memory reads
    the next line of code ahead. fetch: whether the board's firmware can copy from it by DMA.
    """

    name: str
    description: str
    address: int
    size: int
    access: str
    holds: tuple[str, ...]
    wait_states: int
    next_states: int = 0
    beat_bytes: int = 4
    beat_cycles: int = 1
    cached: bool = False
    prefetch: bool = False
    fetch: bool = False

    @property
    def end(self) -> int:
        """The first address behind the region."""
        return self.address + self.size


@dataclass(frozen=True)
class Cache:
    """A cache before the regions that are `cached`. size and line in bytes."""

    size: int
    line: int
    ways: int

    @property
    def sets(self) -> int:
        """Places of a line, each of `ways` lines."""
        return self.size // (self.line * self.ways)


@dataclass(frozen=True)
class Uart:
    """The serial port the firmware talks over.

    kind: a file of firmware/boards/serial. tx, rx: pins, as the chip's maker writes them: A2, P0.06, GPIO1.
    function: their alternate function. enable: offset of the register that switches the port on, and the bit
    there, "0x40:17"; "" where the port is always on.
    """

    kind: str
    address: int
    clock_hz: int
    baud: int
    tx: str
    rx: str
    function: int = 0
    enable: str = ""


def region_of(place: str, data: Any) -> Region:
    """The memory that an entry of `regions` describes. place: what errors call the file, here and below.

    Raises Diagnostic E105 that says what is wrong.
    """
    if not isinstance(data, dict):
        raise faulty(place, "regions must be tables")
    what = f"region {data.get('name', '?')}"
    check(place, what, data, REGION, REGION_REQUIRED)
    unknown = [h for h in data["holds"] if h not in CONTENTS]
    if unknown:
        raise faulty(place, f"{what} holds {unknown[0]!r}, must be of {', '.join(CONTENTS)}")
    if data["access"] not in ("r", "rx", "rw", "rwx"):
        raise faulty(place, f"{what} has access {data['access']!r}, must be r, rx, rw or rwx")
    if "fast-code" in data["holds"] and (data["access"] != "rwx" or len(data["holds"]) > 1):
        raise faulty(place, f"{what} holds fast-code: it must be rwx and hold nothing else")
    if data["address"] < 0 or data["size"] <= 0 or data["address"] + data["size"] > 1 << 32:
        raise faulty(place, f"{what} does not lie in the 32-bit address space")
    if data["address"] % 4096 or data["size"] % 4096:
        raise faulty(place, f"{what} must begin and end at a multiple of 4096 bytes")
    made = Region(**{"next_states": data["wait_states"], **data, "holds": tuple(data["holds"])})
    if min(made.wait_states, made.next_states) < 0 or made.beat_cycles < 1 or made.beat_bytes not in _POWERS:
        raise faulty(place, f"{what} has clocks below zero, or beats of no or odd size")
    return made


def uart_of(place: str, data: Mapping[str, Any]) -> Uart:
    """The serial port that the table `uart` describes. Raises Diagnostic E105."""
    check(place, "uart", data, UART, UART_REQUIRED)
    kinds = sorted(p.stem for p in (resource_dir("firmware") / "boards" / "serial").glob("*.c"))
    if data["kind"] not in kinds:
        raise faulty(place, f"uart: kind is {data['kind']!r}, must be one of {', '.join(kinds)}")
    for pin in ("tx", "rx"):
        if not PIN.fullmatch(data[pin]):
            raise faulty(place, f"uart: {pin} is {data[pin]!r}, must be a pin such as A2, P0.06 or GPIO1")
    if "enable" in data and not ENABLE.fullmatch(data["enable"]):
        raise faulty(place, f"uart: enable is {data['enable']!r}, must be such as 0x40:17")
    if data["clock_hz"] < data["baud"] or data["baud"] < 1:
        raise faulty(place, "uart: the clock must not be slower than the baud rate")
    return Uart(**data)


def cache_of(place: str, what: str, data: Mapping[str, Any]) -> Cache | None:
    """The cache that the table `what` describes, if there is one. Raises Diagnostic E105."""
    if what not in data:
        return None
    check(place, what, data[what], CACHE, tuple(CACHE))
    made = Cache(**data[what])
    if made.line not in _POWERS or made.ways < 1 or made.sets not in _POWERS:
        raise faulty(place, f"{what}: line and size / (line x ways) must be powers of two")
    if made.sets * made.line * made.ways != made.size:
        raise faulty(place, f"{what}: size is no multiple of line x ways")
    if made.size > _MOST_LINES * made.line:
        raise faulty(place, f"{what} has more than {_MOST_LINES} lines")
    return made
