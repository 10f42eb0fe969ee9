"""The figures to beat: other engines on the same models, one inference, int8, and where each comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

OPEN = "TFLM + CMSIS-NN"
OPEN_SOURCE = (
    "counted: TensorFlow Lite Micro of August 2026 with CMSIS-NN, only the ops needed, -O2, "
    "arm-none-eabi-gcc 12.2, on QEMU's mps2-an500 (Cortex-M7), mps2-an386 (Cortex-M4) and mps3-an547 "
    "(Cortex-M55)"
)
VITS_SOURCE = "the same, after three edits to the converted model and its file; unmodified it fails"
OPEN_INSTRUCTIONS = {
    "ic": {"cortex-m7": 30_022_951, "cortex-m4": 29_861_418, "cortex-m55": 4_910_476},
    "vww": {"cortex-m7": 24_025_135, "cortex-m4": 24_101_519, "cortex-m55": 6_558_368},
    "kws": {"cortex-m7": 7_643_536, "cortex-m4": 7_697_760, "cortex-m55": 1_814_211},
    "ad": {"cortex-m7": 583_158, "cortex-m4": 582_847, "cortex-m55": 285_494},
    "sww": {"cortex-m7": 2_188_013, "cortex-m4": 2_226_936, "cortex-m55": 407_477},
    # VITS_SOURCE
    "small_vit": {"cortex-m7": 287_300_000},
    "deit_tiny": {"cortex-m7": 4_855_600_000},
}
"""By model and core."""


@dataclass(frozen=True)
class Published:
    """Cycles of an engine on a board: latency times clock, of MLPerf Tiny's closed division, the median."""

    engine: str
    board: str
    core: str
    source: str
    cycles: Mapping[str, int]


def _published(engine: str, board: str, core: str, round_: str, *cycles: int) -> Published:
    by_model = dict(zip(("ic", "kws", "vww", "ad"), cycles, strict=True))
    return Published(engine, board, core, f"MLPerf Tiny {round_}, closed division", by_model)


PUBLISHED = (
    _published("Plumerai", "STM32F746", "cortex-m7", "v1.1", 13_600_000, 3_840_000, 7_370_000, 369_000),
    _published("Bosch HALE", "STM32F746", "cortex-m7", "v1.2", 13_500_000, 4_100_000, 12_400_000, 369_000),
    _published("X-CUBE-AI 9.0", "STM32H7A3", "cortex-m7", "v1.2", 11_400_000, 3_160_000, 6_660_000, 344_000),
    _published("X-CUBE-AI 9.0", "STM32L4R5", "cortex-m4", "v1.2", 19_800_000, 5_180_000, 10_700_000, 631_000),
    _published("Plumerai", "STM32L4R5", "cortex-m4", "v1.1", 20_100_000, 5_730_000, 11_900_000, 486_000),
    _published(
        *("microTVM + CMSIS-NN", "STM32L4R5", "cortex-m4", "v1.0"),
        46_700_000,
        12_000_000,
        36_100_000,
        1_030_000,
    ),
    _published(
        *("TFLM + CMSIS-NN", "RA6M4", "cortex-m33", "v0.7"), 49_200_000, 10_100_000, 32_400_000, 920_000
    ),
)


@dataclass(frozen=True)
class Memory:
    """Bytes of activations that an engine needs for a model."""

    engine: str
    source: str
    bytes: int


MEMORY = {
    "ic": (
        Memory("Bosch HALE, its smallest", "MLPerf Tiny v1.2, STM32F746, at 1.84 times the time", 21_104),
        Memory("Bosch HALE", "MLPerf Tiny v1.2, STM32F746", 36_560),
        Memory(OPEN, OPEN_SOURCE, 54_996),
    ),
    "kws": (Memory("Bosch HALE", "MLPerf Tiny v1.2, STM32F746", 16_000), Memory(OPEN, OPEN_SOURCE, 22_820)),
    "vww": (Memory("Bosch HALE", "MLPerf Tiny v1.2, STM32F746", 55_296), Memory(OPEN, OPEN_SOURCE, 100_708)),
    "ad": (Memory("Bosch HALE", "MLPerf Tiny v1.2, STM32F746", 768), Memory(OPEN, OPEN_SOURCE, 2_580)),
    "sww": (Memory("X-CUBE-AI", "published by ST", 10_116), Memory(OPEN, OPEN_SOURCE, 16_596)),
    "small_vit": (
        Memory("ExecuTorch 1.5.1", "its plan, qkv without bias, layer norm in float", 144_480),
        Memory(OPEN, VITS_SOURCE, 232_372),
    ),
    "deit_tiny": (
        Memory("ExecuTorch 1.5.1", "its plan, qkv without bias, layer norm in float", 828_288),
        Memory(OPEN, VITS_SOURCE, 1_640_372),
    ),
}

Ratios = dict[str, float]
"""macs_per_cycle, macs_per_instruction, instructions_over_open and cycles_over_best of the build for speed;
arena_over_best and streamed_over_best of the builds for memory. Absent where a part is."""


def best_cycles(model: str, core: str) -> Published | None:
    """The fewest published cycles of a model on a core, whose board may be another."""
    found = [p for p in PUBLISHED if p.core == core and model in p.cycles]
    return min(found, key=lambda p: p.cycles[model], default=None)


def best_memory(model: str) -> Memory | None:
    """The least memory that another engine needs for a model."""
    return min(MEMORY.get(model, ()), key=lambda m: m.bytes, default=None)


def ratios(model: str, core: str, builds: Mapping[str, Mapping[str, int]]) -> Ratios:
    """What the figures of a row's builds are, over the work and over those of others."""
    speed = builds.get("speed", {})
    best, memory = best_cycles(model, core), best_memory(model)
    parts = {
        "macs_per_cycle": (speed.get("macs"), speed.get("cycles")),
        "macs_per_instruction": (speed.get("macs"), speed.get("instructions")),
        "instructions_over_open": (
            speed.get("instructions"),
            OPEN_INSTRUCTIONS.get(model, {}).get(core),
        ),
        "cycles_over_best": (speed.get("cycles"), best.cycles[model] if best else None),
        "arena_over_best": (builds.get("memory", {}).get("arena"), memory.bytes if memory else None),
        "streamed_over_best": (builds.get("streamed", {}).get("arena"), memory.bytes if memory else None),
    }
    return {name: round(a / b, 3) for name, (a, b) in parts.items() if a is not None and b}
