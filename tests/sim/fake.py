"""The hand-written model of fake_model/: builds of it, inputs, and what it must answer."""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path

import numpy as np

from edgec.codegen.toolchain import Firmware, build_firmware
from edgec.codegen.tools import Tool
from edgec.target import load_target

MODEL = Path(__file__).parent / "fake_model"
WEIGHTS = np.array([(k + 1) * (-1) ** k for k in range(16)])
LAYERS = ("model_layer_000_stem_scale", "model_layer_001_body_copy", "model_layer_002_head_sum")
ARENA_USED = 3040


@cache
def firmware(target: str, tool: Tool | None = None) -> Firmware:
    return build_firmware(MODEL, load_target(target), tool=tool, strict=True)


def variant(folder: Path, fault: str, target: str = "fake", **more: str) -> Path:
    """A copy of the model whose layer 1 ends with the statements `fault`.

    more: files by stem. target: what it says it was built for.
    """
    shutil.copytree(MODEL, folder)
    header = folder / "model.h"
    header.write_text(header.read_text().replace('"fake"', f'"{target}"'))
    (folder / "fault.h").write_text(
        f"#ifndef FAULT_H\n#define FAULT_H\n{more.pop('declare', '')}\n#define fault(arena) {fault}\n#endif\n"
    )
    for stem, text in more.items():
        (folder / f"{stem}.c").write_text(text)
    return folder


def inputs(count: int, seed: int = 0) -> list[bytes]:
    rng = np.random.default_rng(seed)
    return [rng.integers(0, 256, 1000, dtype=np.uint8).tobytes() for _ in range(count)]


def scaled(data: bytes) -> np.ndarray:
    """Layer 0: 900 int8."""
    x = np.frombuffer(data[:900], np.int8).astype(np.int64)
    return ((x * WEIGHTS[np.arange(900) % 16]) >> 4).astype(np.int8)


def answer(data: bytes) -> bytes:
    """The whole model."""
    x = scaled(data)
    x[:100] = np.frombuffer(data[900:], np.int8)
    part = (x.reshape(10, 90).astype(np.int64) * np.arange(1, 91)).astype(np.int16).astype(np.int64)
    sums = part.sum(axis=1) << 20
    quotient = [abs(int(s)) // (123457 + i) * (1 if s >= 0 else -1) for i, s in enumerate(sums)]
    return np.array(quotient, np.int64).astype(np.int32).tobytes()
