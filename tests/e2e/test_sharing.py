"""Weights that are used more than once are stored once; layers of low rank run as the reference says."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import Builder


@pytest.fixture(scope="module")
def calib(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("calib") / "x.npz"
    np.savez(path, x=np.random.default_rng(0).standard_normal((16, 3, 16, 16)).astype(np.float32))
    return path


def report(built: Builder, name: str, calib: Path, **options: object) -> dict[str, dict[str, int]]:
    folder = built(f"tests.e2e.sharing:{name}", "stm32f746", calib=calib, **options)
    found: dict[str, dict[str, int]] = json.loads((folder / "report.json").read_text())
    assert all(c["passed"] for c in found["checks"])  # type: ignore[index]
    return found


SHARED = 32 * 3 * 3 * 32 + 32 * (96 + 32 + 64 + 64)
"""Weights of the convolution and of the block's four linear layers."""
TABLES = 8 * (32 + 96 + 32 + 64 + 32)
"""What their outputs have besides, in each run of its own."""


def test_blocks_that_run_again_take_hardly_more(built: Builder, calib: Path) -> None:
    """Two tasks' answers from a backbone that runs three times, as against once."""
    once, thrice = (report(built, name, calib, regions=False) for name in ("once", "thrice"))
    assert f"{SHARED:,} B of weights are shared by 15 layers" in thrice["notes"]
    assert not any("shared" in note for note in once["notes"])
    more = thrice["flash"]["weights"] - once["flash"]["weights"]
    assert 2 * TABLES <= more <= 2 * TABLES + 2 * 2048 < SHARED  # and tables of norms and GELU
    assert len(thrice["outputs"]) == 2
    assert thrice["accuracy"]["cosine"] > 0.99


def test_low_rank_is_exact_and_smaller(built: Builder, calib: Path) -> None:
    """On the simulated board; the values between the factors cost no SRAM."""
    dense, low = report(built, "once", calib), report(built, "once", calib, rank=0.4)
    assert low["flash"]["weights"] < 0.75 * dense["flash"]["weights"] and low["macs"] < dense["macs"]
    assert low["sram"]["arena"] <= dense["sram"]["arena"]
    (title,) = [n for n in low["notes"] if str(n).startswith("low rank: ")]
    assert "layers are stored as two" in str(title)
    assert 0.8 < low["accuracy"]["cosine"] < dense["accuracy"]["cosine"]
