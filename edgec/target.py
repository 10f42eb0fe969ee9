"""Boards: what targets/*.toml say, loaded and checked."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from edgec.diagnostics import Diagnostic
from edgec.flashing import KEYS, Flashing, flashing
from edgec.resources import resource_dir
from edgec.target_parts import Cache, Region, Uart, cache_of, region_of, uart_of
from edgec.target_schema import (
    CONTENTS,
    EXTRAS,
    TARGET,
    TARGET_REQUIRED,
    check,
    check_extras,
    faulty,
    merge,
    read,
)

KINDS = ("mcu", "linux", "host")
FEATURES: dict[str, tuple[str, ...]] = {
    "host": (),
    "cortex-m0plus": (),
    "cortex-m4": ("dsp",),
    "cortex-m7": ("dsp", "dual"),
    "cortex-m33": ("dsp",),
    "cortex-m55": ("dsp", "mve"),
    "cortex-a7": (),
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
_SUFFIX = ".toml"


@dataclass(frozen=True)
class Target:
    """A board, or a machine with an operating system (no regions there).

    multiply_cycles: of a multiplication, where a core's maker may choose (Cortex-M0+). settings: for the
    set-up code of firmware/boards, by name. part: the chip as its maker's tools name it. flash: for
    edgec flash.
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
    settings: tuple[tuple[str, int], ...] = ()
    part: str = ""
    flash: Flashing = field(default_factory=Flashing)

    @property
    def extras(self) -> bool:
        """Whether its settings ask for more than the model needs."""
        return not EXTRAS.isdisjoint(dict(self.settings))

    @property
    def features(self) -> frozenset[str]:
        """What the processor has beyond plain C, of FEATURES."""
        return frozenset(FEATURES.get(self.cpu, ()))

    @property
    def is_mcu(self) -> bool:
        """Whether it runs bare metal, with a firmware image."""
        return self.kind == "mcu"

    @property
    def fetches(self) -> bool:
        """Whether its firmware has DMA bring weights from a memory while the core computes."""
        return any(r.fetch for r in self.regions)

    @property
    def is_qemu(self) -> bool:
        """Whether no simulator but QEMU has its core. Its simulated board is then the one of `qemu`: itself,
        or a stand-in for which the library is linked again."""
        return self.cpu == "cortex-m55"

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
    def fast_code(self) -> Region | None:
        """The memory to which start-up copies code; None without one."""
        return next((r for r in self.regions if "fast-code" in r.holds), None)

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
    return tuple(name for name in _known() if not _read(name).get("hidden", False))


@cache
def load_target(name: str) -> Target:
    """A target by name, or by the path of a file that ends in .toml.

    Raises Diagnostic E102 for an unknown name or a missing file, E105 for a faulty file.
    """
    if name.endswith(_SUFFIX):
        return target_file(Path(name), Path(name).stem)
    if name not in _known():
        near = difflib.get_close_matches(name, targets(), n=3, cutoff=0.5)
        raise Diagnostic(
            "E102",
            f"unknown target: {name}",
            where="--target",
            remedies=[*(f"--target {n}" for n in near), f"edgec targets lists all {len(targets())} of them"],
        )
    return _extended(name, _read(name), _place(name))


def target_file(path: Path, name: str) -> Target:
    """The target that a file of the user's own describes, under a name. Raises as load_target does."""
    if not path.is_file():
        raise Diagnostic(
            "E102",
            f"no such target file: {path}",
            where="--target",
            remedies=["edgec targets lists the boards that need no file"],
        )
    return _extended(name, read(path, str(path)), str(path))


def _extended(name: str, data: Mapping[str, Any], place: str) -> Target:
    base = data.get("extends")
    if base is not None:
        if base not in _known():
            raise faulty(place, f"extends {base}, which does not exist")
        parent = _read(base)
        if "extends" in parent:
            raise faulty(place, f"extends {base}, which itself extends another target")
        data = merge(parent, data)
    return parse_target(name, data, place)


def parse_target(name: str, data: Mapping[str, Any], place: str = "") -> Target:
    """A target from the contents of its file. place: what errors call the file.

    Raises Diagnostic E105 that says what is wrong.
    """
    place = place or _place(name)
    check(place, "target", data, TARGET, TARGET_REQUIRED)
    known = (("kind", KINDS), ("cpu", FEATURES), ("board", boards()))
    for key, values in known:
        if data[key] not in values:
            raise faulty(place, f"{key} is {data[key]!r}, must be one of {', '.join(values)}")
    if data.get("multiply_cycles", 1) < 1:
        raise faulty(place, f"multiply_cycles is {data['multiply_cycles']}, must be 1 or more")
    settings = data.get("settings", {})
    check(place, "settings", settings, dict.fromkeys(settings, int), ())
    check_extras(place, data["board"], settings)
    check(place, "flash", data.get("flash", {}), KEYS, ())
    target = Target(
        name,
        data["description"],
        data["kind"],
        data["cpu"],
        data["clock_hz"],
        data["board"],
        data.get("qemu", ""),
        data.get("hidden", False),
        tuple(region_of(place, r) for r in data.get("regions", [])),
        uart_of(place, data["uart"]) if "uart" in data else None,
        cache_of(place, "icache", data),
        cache_of(place, "dcache", data),
        data.get("multiply_cycles", 1),
        tuple(settings.items()),
        data.get("part", ""),
        flashing(data.get("flash", {})),
    )
    if target.is_mcu:
        _check_memory(place, target)
    return target


@cache
def boards() -> tuple[str, ...]:
    """The folders of firmware/boards with set-up code that a target may name."""
    return tuple(sorted(p.parent.name for p in (resource_dir("firmware") / "boards").glob("*/board.c")))


def _check_memory(place: str, target: Target) -> None:
    ordered = sorted(target.regions, key=lambda r: r.address)
    for a, b in itertools.pairwise(ordered):
        if a.end > b.address:
            raise faulty(place, f"regions {a.name} and {b.name} overlap")
    if len({r.name for r in ordered}) < len(ordered):
        raise faulty(place, "two regions have one name")
    held = {c for r in ordered for c in r.holds}
    missing = [c for c in CONTENTS[:-1] if c not in held]
    if missing:
        raise faulty(place, f"no region holds {', '.join(missing)}")
    if not any(_RUNTIME <= set(r.holds) for r in ordered):
        raise faulty(place, "no region holds data, stack and arena together")


def _place(name: str) -> str:
    return f"targets/{name}{_SUFFIX}"


@cache
def _known() -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in resource_dir("targets").glob(f"*{_SUFFIX}")))


@cache
def _read(name: str) -> dict[str, Any]:
    return read(resource_dir("targets") / f"{name}{_SUFFIX}", _place(name))
