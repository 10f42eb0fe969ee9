"""What models of real size need, in bytes and instructions; figures that must not be exceeded.

Arenas are those of report.json, built with `--optimize memory`; instructions are compared with the same
model built with `--no-regions`. Models that take minutes are built where EDGEC_SLOW is set.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from edgec.options import InputMode  # noqa: E402
from edgec.report import files  # noqa: E402

from ..effort import slow, some  # noqa: E402
from .conftest import MLPERF, Builder  # noqa: E402

KB = 1024


@dataclass(frozen=True)
class Bar:
    """A model and what its arena may need.

    overhead: multiply-accumulates over the model's own. plain: the board of the build that instructions are
    compared with, where it does not fit the target's SRAM.
    """

    model: str
    mode: InputMode
    arena: int
    overhead: float = 1.0
    target: str = "stm32f746"
    plain: str = ""


BARS = (
    Bar("ic", "whole", 12_288),
    Bar("ic", "stream", 11_264),
    Bar("kws", "whole", 4_608),
    Bar("kws", "stream", 4_096),
    Bar("vww", "whole", 28_672),
    Bar("vww", "stream", 11_264),
    Bar("sww", "whole", 6_144),
    Bar("sww", "stream", 4_608),
    Bar("ad", "whole", 768),
    Bar("ad", "stream", 768),
)
CONVOLUTIONS = "tests.e2e.mobilenets"
DISCO = "stm32f746g-disco"
LARGE_BARS = (
    Bar(f"{CONVOLUTIONS}:mobilenet_v2_144", "stream", 28_672, 1.0, DISCO),
    Bar(f"{CONVOLUTIONS}:mobilenet_v2_144", "stream", 14_336, 1.30, DISCO),
    Bar(f"{CONVOLUTIONS}:mobilenet_v2_224", "stream", 144 * KB, target=DISCO, plain=f"{DISCO}-large"),
    Bar("tests.e2e.vits:small_vit", "whole", 36_864),
)
NOT_YET = Bar(f"{CONVOLUTIONS}:mobilenet_v2_144", "stream", 7_168, 1.68, DISCO)
"""Missed: rows of the image and of every map down to 9x9 take 6.5 KB before any strip is computed."""
CASES = [
    *(pytest.param(b, marks=slow) if b.model == "ic" else b for b in BARS),
    *(pytest.param(b, marks=slow) for b in LARGE_BARS),
    pytest.param(NOT_YET, marks=[slow, pytest.mark.xfail(reason="strips span one block only")]),
]
SLOWER = {"ad": 1.0}
"""Instructions with regions over those without; 1.05 where it is not said."""


def name_of(bar: Bar) -> str:
    return f"{bar.model.rpartition(':')[2]}-{bar.mode}-{bar.overhead:g}"


def path_of(bar: Bar, request: pytest.FixtureRequest) -> Path | str:
    if bar.model in MLPERF:
        folder: Path = request.getfixturevalue("data_dir")
        return folder / "models" / MLPERF[bar.model]
    return bar.model


def report_of(bar: Bar, request: pytest.FixtureRequest, built: Builder, **options: Any) -> Any:
    options = {"input_mode": bar.mode, "optimize": "memory"} | options
    return files.load(built(path_of(bar, request), **({"target": bar.target} | options)))


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("bar", CASES, ids=lambda b: name_of(b))
def test_arena(bar: Bar, built: Builder, request: pytest.FixtureRequest) -> None:
    extra = {"max_overhead": bar.overhead} if bar.overhead > 1 else {}
    report = report_of(bar, request, built, **extra)
    assert report["checks"]
    assert all(c["passed"] for c in report["checks"])
    assert report["sram"]["measured_arena"] <= report["sram"]["arena"] <= bar.arena
    if bar.overhead == 1:
        reads_little(report)


def reads_little(report: Any) -> None:
    """Constants are read at most a tenth more often than by layers one by one, and the report says so."""
    assert report["constant_reads"] <= 1.1 * report["constant_reads_unstreamed"]
    assert "constants" in {c["name"] for c in report["checks"]}


SMALL = ("tiny_vit", "four_images", "twice", "nothing")
LARGE = ("mobilenet_v2_96", "deit_tiny")


@pytest.mark.parametrize("mode", ["whole", "stream"])
@pytest.mark.parametrize("model", [*SMALL, *(pytest.param(m, marks=slow) for m in LARGE)])
def test_weights_are_read_as_often_as_by_layers_one_by_one(
    model: str, mode: InputMode, built: Builder
) -> None:
    name, target = f"tests.e2e.models:{model}", "stm32f746g-disco" if "deit" in model else "stm32f746"
    report = files.load(built(name, target, input_mode=mode))
    reads_little(report)
    if mode == "whole" and model != "deit_tiny":
        plain = files.load(built(name, target, regions=False))
        assert plain["constant_reads"] == report["constant_reads_unstreamed"]
        assert "constants" not in {c["name"] for c in plain["checks"]}


def test_blocks_make_use_of_a_budget(built: Builder) -> None:
    """Weights are read less often with more memory, and the estimate is near what is measured."""
    name = "tests.e2e.models:tiny_vit"
    least, wide = (files.load(built(name, "stm32f746", **o)) for o in ({}, {"budget": 64 * KB}))
    assert wide["constant_reads"] < least["constant_reads"] / 2
    assert wide["cycles_estimate"] < least["cycles_estimate"]
    assert 0.5 < wide["cycles_estimate"] / wide["cycles"] < 2


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("bar", CASES, ids=lambda b: name_of(b))
def test_instructions(bar: Bar, built: Builder, request: pytest.FixtureRequest) -> None:
    if bar.overhead > 1:
        pytest.skip("what is computed twice takes its time")
    report = report_of(bar, request, built)
    plain = report_of(bar, request, built, optimize=None, regions=False, target=bar.plain or bar.target)
    assert report["macs"] <= plain["macs"]
    assert report["instructions"] <= SLOWER.get(bar.model, 1.05) * plain["instructions"]


@slow
@pytest.mark.timeout(1800)
def test_deit_tiny_in_128_kb(built: Builder, tmp_path: Path) -> None:
    calib = tmp_path / "calib.npz"
    np.savez(calib, x=np.random.default_rng(0).standard_normal((2, 3, 224, 224)).astype(np.float32))
    options: dict[str, Any] = {"budget": 128 * KB, "input_mode": "stream", "calib": calib}
    report = files.load(built("tests.e2e.vits:deit_tiny", "stm32f746g-disco", **options))
    assert report["sram"]["total"] <= 128 * KB  # all of it, stack included
    assert all(c["passed"] for c in report["checks"])


SHAPES = [("detector_96", "stream"), ("mobilenet_v3_96", "stream"), ("unet_64", "whole")]
MORE_SHAPES = [("mobilenet_v3_96", "whole"), ("unet_64", "stream"), ("detector_96", "whole")]


@pytest.mark.parametrize(("model", "mode"), some([*SHAPES, *MORE_SHAPES], 6))
def test_networks_of_other_shapes(model: str, mode: InputMode, built: Builder) -> None:
    """Squeeze-and-excite, joins across, upsampling and several outputs."""
    name = f"{CONVOLUTIONS}:{model}"
    report = files.load(built(name, "stm32f746", input_mode=mode, optimize="memory"))
    plain = files.load(built(name, "stm32f746", regions=False))
    assert all(c["passed"] for c in report["checks"])
    assert report["macs"] <= plain["macs"]
    assert report["sram"]["arena"] <= plain["sram"]["arena"]
    if (model, mode) in SHAPES:
        assert report["sram"]["arena"] <= 0.45 * plain["sram"]["arena"]


def test_mobilenet_v2_at_96(built: Builder) -> None:
    report = files.load(
        built("tests.e2e.models:mobilenet_v2_96", "stm32f746", budget=320 * KB, flash_budget=KB * KB)
    )
    assert report["sram"]["total"] <= 115_000
    assert all(c["passed"] for c in report["checks"])


@slow
def test_deit_tiny_in_320_kb(built: Builder, tmp_path: Path) -> None:
    calib = tmp_path / "calib.npz"
    np.savez(calib, x=np.random.default_rng(0).standard_normal((2, 3, 224, 224)).astype(np.float32))
    options: dict[str, Any] = {"budget": 320 * KB, "calib": calib}
    least = files.load(
        built("tests.e2e.models:deit_tiny", "stm32f746g-disco", optimize="memory", verify=False, **options)
    )
    assert least["sram"]["total"] <= 240_000  # all of it, stack included
    report = files.load(built("tests.e2e.models:deit_tiny", "stm32f746g-disco", **options))
    assert report["sram"]["total"] <= 320 * KB
    assert report["macs"] > 1_250_000_000
    assert report["accuracy"]["cosine"] >= 0.98
    assert all(c["passed"] for c in report["checks"])
