"""Visual wake words without its dead channels: the same bytes, half of the work, a fifth of the weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgec.report import files
from edgec.runners import open_runner

from ..effort import SLOW
from .conftest import MLPERF, Builder

COUNT = 1000 if SLOW else 60
ROOM = 12_288


def images(count: int) -> list[bytes]:
    """Of every contrast and brightness; a third are smooth, as photographs are."""
    rng = np.random.default_rng(7)
    found = []
    for k in range(count):
        lo, hi = np.sort(rng.integers(-128, 128, 2))
        x = rng.uniform(0, 1, (96, 96, 3))
        if k % 3 == 0:
            coarse = rng.uniform(0, 1, (7, 7, 3))
            x = 0.9 * np.repeat(np.repeat(coarse, 14, 0), 14, 1)[:96, :96] + 0.1 * x
        found.append(np.rint(lo + x * (hi - lo)).astype(np.int8).tobytes())
    return found


@pytest.mark.timeout(1800)
def test_nothing_changes_but_the_size(data_dir: Path, built: Builder) -> None:
    path = data_dir / "models" / MLPERF["vww"]
    less = built(path, "stm32f746", input_mode="stream", optimize="memory")
    whole = built(path, "stm32f746", input_mode="stream", optimize="memory", keep_dead=True, verify=False)
    outputs = []
    for folder in (less, whole):
        with open_runner(folder, "host") as runner:
            outputs.append([r.outputs for r in runner.run(images(COUNT))])
    assert outputs[0] == outputs[1]
    assert len(set(outputs[0])) > COUNT // 20, "the images are told apart"
    report, before = files.load(less), files.load(whole)
    assert "dead" not in before
    assert report["dead"]["macs_before"] == before["macs"] == 7_489_664
    assert report["macs"] <= 3_750_000
    assert report["dead"]["weights_before"] > 200_000 and report["flash"]["weights"] <= 40_000
    assert max(r["sram"]["arena"] for r in (report, before)) <= ROOM
