"""Vision transformers of published geometries: what they need in memory, and what that costs."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")

from edgec.report import files  # noqa: E402

from ..effort import slow  # noqa: E402
from .conftest import Builder  # noqa: E402

KB = 1024


def report_of(built: Builder, model: str, target: str, **options: Any) -> Any:
    report = files.load(built(f"tests.e2e.vits:{model}", target, optimize="memory", **options))
    assert all(c["passed"] for c in report["checks"])
    return report


@slow
def test_small_vit(built: Builder) -> None:
    report = report_of(built, "small_vit", "stm32f746", input_mode="stream")
    assert report["sram"]["arena"] <= 20_480
    plain = report_of(built, "small_vit", "stm32f746", regions=False)
    assert report["macs"] == plain["macs"]
    assert report["instructions"] <= 1.05 * plain["instructions"]


def test_int8_streams_are_said_to_be_coarser(built: Builder) -> None:
    report = report_of(built, "small_vit", "stm32f746", input_mode="stream")
    (note,) = [n for n in report["notes"] if n.startswith("residual streams are int8")]
    assert note.count(" dB") == 2


@slow
def test_deit_tiny_in_128_kb(built: Builder) -> None:
    report = report_of(built, "deit_tiny", "stm32f746g-disco", input_mode="stream", budget=128 * KB)
    assert report["sram"]["total"] <= 128 * KB  # all of it, stack included
    plain = report_of(built, "deit_tiny", "stm32f746g-disco", regions=False)
    assert report["macs"] == plain["macs"]
    assert report["instructions"] <= 1.05 * plain["instructions"]


@slow
@pytest.mark.parametrize("mode", ["whole", "stream"])
def test_autoformer_s_in_320_kb(built: Builder, mode: str) -> None:
    report = report_of(
        built,
        "autoformer_s",
        "stm32f746g-disco-large",
        input_mode=mode,
        budget=320 * KB,
        verify=mode == "stream",
    )
    assert report["sram"]["total"] <= 320 * KB
    assert report["macs"] > 8_000_000_000
