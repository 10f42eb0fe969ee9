"""Boards: what targets/*.toml say, loaded and checked."""

from __future__ import annotations

import difflib
import itertools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from edgec.diagnostics import Diagnostic
from edgec.flashing import KEYS, Flashing, flashing
from edgec.resources import resource_dir

KINDS = ("mcu", "linux", "host")
CONTENTS = ("code", "rodata", "weights", "data", "stack", "arena")
FEATURES: dict[str, tuple[str, ...]] = {
    "host": (),
    "cortex-m0plus": (),
    "cortex-m4": ("dsp",),
    "cortex-m7": ("dsp", "dual"),
    "cortex-m33": ("dsp",),
    "cortex-m55": ("dsp", "mve"),
    "cortex-a53": ("neon",),
    "cortex-a72": ("neon",),
    "cortex-a76": ("neon", "dotprod"),
}
"""Per processor, what kernels may use beyond plain C: dsp is Armv7E-M's and Armv8-M's DSP extension, dual
that two instructions issue together as on the Cortex-M7, mve is Helium, neon is Advanced SIMD of AArch64 and
dotprod its SDOT."""
MISS = {"cortex-m7": 12}
"""Cycles that a cache miss takes in a core and on its bus, on top of the memory's own; none for other cores
(docs/cycles.md)."""
_RUNTIME = frozenset({"data", "stack", "arena"})
_REGION = {
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
}
_REGION_REQUIRED = ("name", "description", "address", "size", "access", "holds", "wait_states")
_CACHE = {"size": int, "line": int, "ways": int}
_UART = {
    "address": int,
    "clock_hz": int,
    "baud": int,
    "tx": str,
    "rx": str,
    "function": int,
    "enable": str,
}
_TARGET = {
    "description": str,
    "kind": str,
    "cpu": str,
    "clock_hz": int,
    "board": str,
    "qemu": str,
    "hidden": bool,
    "multiply_cycles": int,
    "regions": list,
    "icache": dict,
    "dcache": dict,
    "uart": dict,
    "flash": dict,
    "extends": str,
}
_MOST_LINES = 2048
_POWERS = tuple(1 << k for k in range(20))
_REQUIRED = ("description", "kind", "cpu", "clock_hz", "board")


@dataclass(frozen=True)
class Region:
    """One memory of a board. address and size in bytes; access is a subset of "rwx".

    holds: what the linker may place there, of CONTENTS. wait_states: core clocks that an
    access takes beyond one where no cache has the data; next_states: the same where it goes on
    behind the access before. An access gives beat_bytes; more of the same line follow in
    beat_cycles each. cached: whether the board's caches serve it. prefetch: whether the memory reads
    the next line of code ahead.
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

    tx, rx: pins, port letter and number. function: their alternate function. enable: bus
    and bit of the peripheral's clock.
    """

    address: int
    clock_hz: int
    baud: int
    tx: str
    rx: str
    function: int
    enable: str


@dataclass(frozen=True)
class Target:
    """A board, or a machine with an operating system (no regions there).

    multiply_cycles: what a multiplication takes where a core's maker may choose (Cortex-M0+).
    """

    name: str
    description: str
    kind: str
    cpu: str
    clock_hz: int
    board: str
    qemu: str
    hidden: bool
    regions: tuple[Region, ...]
    uart: Uart | None
    icache: Cache | None = None
    dcache: Cache | None = None
    multiply_cycles: int = 1
    flash: Flashing = field(default_factory=Flashing)

    @property
    def features(self) -> frozenset[str]:
        """What the processor has beyond plain C, of FEATURES."""
        return frozenset(FEATURES.get(self.cpu, ()))

    @property
    def is_mcu(self) -> bool:
        """Whether it runs bare metal, with a firmware image."""
        return self.kind == "mcu"

    @property
    def is_qemu(self) -> bool:
        """Whether it is a board of QEMU's own: its images run there, and nowhere else."""
        return self.qemu == self.name

    @property
    def sram(self) -> Region:
        """The longest contiguous run of memories that hold data, stack and arena, as one region.

        Raises ValueError for a target without memories.
        """
        runs: list[list[Region]] = []
        for region in sorted(self.regions, key=lambda r: r.address):
            if not _RUNTIME <= set(region.holds):
                continue
            if runs and runs[-1][-1].end == region.address:
                runs[-1].append(region)
            else:
                runs.append([region])
        if not runs:
            raise ValueError(f"{self.name} has no SRAM")
        best = max(runs, key=lambda run: run[-1].end - run[0].address)
        return Region(
            "sram",
            " + ".join(r.name for r in best),
            best[0].address,
            best[-1].end - best[0].address,
            best[0].access,
            best[0].holds,
            max(r.wait_states for r in best),
        )

    @property
    def sram_regions(self) -> tuple[Region, ...]:
        """The memories that `sram` is made of, by address."""
        sram = self.sram
        parts = (r for r in self.regions if sram.address <= r.address < sram.end)
        return tuple(sorted(parts, key=lambda r: r.address))

    @property
    def sram_bytes(self) -> int | None:
        """The largest --budget: all contiguous SRAM. None where an operating system manages memory."""
        return self.sram.size if self.is_mcu else None

    @property
    def boot(self) -> Region:
        """The region that holds the vector table and the code; ValueError without one."""
        for region in self.regions:
            if "code" in region.holds:
                return region
        raise ValueError(f"{self.name} has no code memory")

    @property
    def weight_regions(self) -> tuple[Region, ...]:
        """Regions that may hold weights, the preferred one first."""
        return tuple(r for r in self.regions if "weights" in r.holds)

    @property
    def flash_bytes(self) -> int | None:
        """Bytes of all memories for code and weights. None where an operating system manages memory."""
        if not self.is_mcu:
            return None
        return sum(r.size for r in self.regions if {"code", "weights"} & set(r.holds))

    def region_at(self, address: int) -> Region | None:
        """The region an address lies in."""
        return next((r for r in self.regions if r.address <= address < r.end), None)


@cache
def targets() -> tuple[str, ...]:
    """Names of all boards a user can choose, sorted."""
    names = sorted(path.stem for path in resource_dir("targets").glob("*.toml"))
    return tuple(name for name in names if not _read(name).get("hidden", False))


@cache
def load_target(name: str) -> Target:
    """A target by name. Raises Diagnostic E102 for an unknown name, E105 for a faulty file."""
    folder = resource_dir("targets")
    known = sorted(path.stem for path in folder.glob("*.toml"))
    if name not in known:
        near = difflib.get_close_matches(name, targets(), n=3, cutoff=0.5)
        raise Diagnostic(
            "E102",
            f"unknown target: {name}",
            where="--target",
            facts=[("known", ", ".join(targets()))],
            remedies=[f"--target {n}" for n in near] or ["edgec targets lists the boards"],
        )
    data = _read(name)
    base = data.get("extends")
    if base is not None:
        if base not in known:
            raise _faulty(name, f"extends {base}, which does not exist")
        parent = _read(base)
        if "extends" in parent:
            raise _faulty(name, f"extends {base}, which itself extends another target")
        data = _merge(parent, data)
    return parse_target(name, data)


def parse_target(name: str, data: Mapping[str, Any]) -> Target:
    """A target from the contents of its file. Raises Diagnostic E105 that says what is wrong."""
    _check(name, "target", data, _TARGET, _REQUIRED)
    if data["kind"] not in KINDS:
        raise _faulty(name, f"kind is {data['kind']!r}, must be one of {', '.join(KINDS)}")
    if data.get("multiply_cycles", 1) < 1:
        raise _faulty(name, f"multiply_cycles is {data['multiply_cycles']}, must be 1 or more")
    regions = tuple(_region(name, r) for r in data.get("regions", []))
    uart = data.get("uart")
    if uart is not None:
        _check(name, "uart", uart, _UART, tuple(_UART))
    _check(name, "flash", data.get("flash", {}), KEYS, ())
    target = Target(
        name,
        data["description"],
        data["kind"],
        data["cpu"],
        data["clock_hz"],
        data["board"],
        data.get("qemu", ""),
        data.get("hidden", False),
        regions,
        Uart(**uart) if uart is not None else None,
        _cache(name, "icache", data),
        _cache(name, "dcache", data),
        data.get("multiply_cycles", 1),
        flashing(data.get("flash", {})),
    )
    if target.is_mcu:
        _check_memory(target)
    return target


def _check_memory(target: Target) -> None:
    ordered = sorted(target.regions, key=lambda r: r.address)
    for a, b in itertools.pairwise(ordered):
        if a.end > b.address:
            raise _faulty(target.name, f"regions {a.name} and {b.name} overlap")
    if len({r.name for r in ordered}) < len(ordered):
        raise _faulty(target.name, "two regions have one name")
    held = {c for r in ordered for c in r.holds}
    missing = [c for c in CONTENTS if c not in held]
    if missing:
        raise _faulty(target.name, f"no region holds {', '.join(missing)}")
    if not any(_RUNTIME <= set(r.holds) for r in ordered):
        raise _faulty(target.name, "no region holds data, stack and arena together")


def _region(name: str, data: Any) -> Region:
    if not isinstance(data, dict):
        raise _faulty(name, "regions must be tables")
    what = f"region {data.get('name', '?')}"
    _check(name, what, data, _REGION, _REGION_REQUIRED)
    unknown = [h for h in data["holds"] if h not in CONTENTS]
    if unknown:
        raise _faulty(name, f"{what} holds {unknown[0]!r}, must be of {', '.join(CONTENTS)}")
    if data["access"] not in ("r", "rx", "rw", "rwx"):
        raise _faulty(name, f"{what} has access {data['access']!r}, must be r, rx, rw or rwx")
    if data["address"] < 0 or data["size"] <= 0 or data["address"] + data["size"] > 1 << 32:
        raise _faulty(name, f"{what} does not lie in the 32-bit address space")
    if data["address"] % 4096 or data["size"] % 4096:
        raise _faulty(name, f"{what} must begin and end at a multiple of 4096 bytes")
    made = Region(**{"next_states": data["wait_states"], **data, "holds": tuple(data["holds"])})
    if min(made.wait_states, made.next_states) < 0 or made.beat_cycles < 1 or made.beat_bytes not in _POWERS:
        raise _faulty(name, f"{what} has clocks below zero, or beats of no or odd size")
    return made


def _cache(name: str, what: str, data: Mapping[str, Any]) -> Cache | None:
    if what not in data:
        return None
    _check(name, what, data[what], _CACHE, tuple(_CACHE))
    made = Cache(**data[what])
    if made.line not in _POWERS or made.ways < 1 or made.sets not in _POWERS:
        raise _faulty(name, f"{what}: line and size / (line x ways) must be powers of two")
    if made.sets * made.line * made.ways != made.size:
        raise _faulty(name, f"{what}: size is no multiple of line x ways")
    if made.size > _MOST_LINES * made.line:
        raise _faulty(name, f"{what} has more than {_MOST_LINES} lines")
    return made


def _check(
    name: str, what: str, data: Mapping[str, Any], types: Mapping[str, type], required: tuple[str, ...]
) -> None:
    for key in required:
        if key not in data:
            raise _faulty(name, f"{what} lacks {key}")
    for key, value in data.items():
        if key not in types:
            near = difflib.get_close_matches(key, types, n=1)
            hint = f" (did you mean {near[0]}?)" if near else ""
            raise _faulty(name, f"{what} has an unknown key {key}{hint}")
        if type(value) is not types[key]:
            raise _faulty(name, f"{what}: {key} must be of type {types[key].__name__}, is {value!r}")


def _merge(parent: Mapping[str, Any], child: Mapping[str, Any]) -> dict[str, Any]:
    """The child's keys over the parent's; regions by name."""
    regions = {r["name"]: r for r in [*parent.get("regions", []), *child.get("regions", [])]}
    merged = {**parent, **child, "regions": list(regions.values())}
    merged.pop("extends")
    return merged


@cache
def _read(name: str) -> dict[str, Any]:
    path: Path = resource_dir("targets") / f"{name}.toml"
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _faulty(name, str(error)) from error


def _faulty(name: str, what: str) -> Diagnostic:
    return Diagnostic(
        "E105",
        f"faulty target file: {what}",
        where=f"targets/{name}.toml",
        remedies=["docs/targets.md says what a target file holds"],
    )
