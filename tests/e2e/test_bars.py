"""Models of real size: what they need in memory, and that they run right."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from edgec.report import files  # noqa: E402

from .conftest import Builder  # noqa: E402

KB = 1024


def test_mobilenet_v2_at_96(built: Builder) -> None:
    report = files.load(
        built("tests.e2e.models:mobilenet_v2_96", "stm32f746", budget=320 * KB, flash_budget=KB * KB)
    )
    assert report["sram"]["total"] <= 115_000
    assert all(c["passed"] for c in report["checks"])


def test_deit_tiny_in_320_kb(built: Builder, tmp_path: Path) -> None:
    calib = tmp_path / "calib.npz"
    np.savez(calib, x=np.random.default_rng(0).standard_normal((2, 3, 224, 224)).astype(np.float32))
    report = files.load(built("tests.e2e.models:deit_tiny", "stm32f746g-disco", budget=320 * KB, calib=calib))
    assert report["sram"]["total"] <= 240_000  # all of it, stack included
    assert report["macs"] > 1_250_000_000
    assert report["accuracy"]["cosine"] >= 0.98
    assert all(c["passed"] for c in report["checks"])
