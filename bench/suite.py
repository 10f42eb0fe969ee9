"""What is measured: models, targets and builds."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgec.target import load_target

ROOT = Path(__file__).resolve().parents[1]
COMMITTED = ROOT / "bench" / "committed.json"
README = ROOT / "README.md"
PICTURE = ROOT / "docs" / "figures.svg"
DISCO = "stm32f746g-disco"


@dataclass(frozen=True)
class Model:
    """A model of the table.

    source: a file below `models` of EDGEC_DATA, or package.module:callable. targets: where it is measured
    instead of the usual ones. large: whether only --large measures it. name: that in the README.
    """

    source: str
    name: str
    targets: tuple[str, ...] = ()
    large: bool = False

    @property
    def path(self) -> str:
        """What edgec build takes."""
        return self.source if ":" in self.source else str(data_dir() / "models" / self.source)

    @property
    def missing(self) -> bool:
        """Whether its file is not on this machine."""
        return ":" not in self.source and not Path(self.path).is_file()


MODELS = {
    "ad": Model("mlperf_tiny_ad_autoencoder_int8.tflite", "anomaly detection (MLPerf Tiny)"),
    "ic": Model("mlperf_tiny_ic_resnet8_int8.tflite", "image classification"),
    "kws": Model("mlperf_tiny_kws_dscnn_int8.tflite", "keyword spotting"),
    "sww": Model("mlperf_tiny_sww_int8.tflite", "streaming wake word"),
    "vww": Model("mlperf_tiny_vww_mobilenet_int8.tflite", "visual wake words"),
    "tiny_vit": Model("tests.e2e.models:tiny_vit", "ViT, 16x16, 1 block"),
    "small_vit": Model("tests.e2e.vits:small_vit", "ViT, 96x96, 6 blocks"),
    "deit_tiny": Model("tests.e2e.vits:deit_tiny", "DeiT-Tiny geometry, 224x224", (DISCO,), large=True),
}
TARGETS = ("stm32f746", "stm32f446", "mps3-an547")
"""The usual ones: those whose instructions are counted."""
BUILDS: dict[str, dict[str, Any]] = {
    "default": {},
    "speed": {"optimize": "speed"},
    "memory": {"optimize": "memory"},
    "streamed": {"optimize": "memory", "input_mode": "stream"},
}
"""By name, the options of a build."""


@dataclass(frozen=True)
class Job:
    """One build to measure. model: the row's name for it. path: what edgec build takes."""

    model: str
    path: str
    target: str
    build: str


def data_dir() -> Path:
    """The folder of real models."""
    return Path(os.environ.get("EDGEC_DATA", ROOT.parent / "shared" / "data"))


def usual_models(large: bool) -> list[str]:
    """The models of the table that this machine has; what is left out is said on stderr."""
    names = [name for name, model in MODELS.items() if large or not model.large]
    missing = [name for name in names if MODELS[name].missing]
    if missing:
        print(f"left out, not in {data_dir()} (EDGEC_DATA): {', '.join(missing)}", file=sys.stderr)
    return [name for name in names if name not in missing]


def usual_targets() -> list[str]:
    """The targets of the table that this machine can simulate; what is left out is said on stderr."""
    missing = [t for t in TARGETS if load_target(t).is_qemu and shutil.which("qemu-system-arm") is None]
    if missing:
        print(f"left out, QEMU is not installed: {', '.join(missing)}", file=sys.stderr)
    return [t for t in TARGETS if t not in missing]


def jobs(models: list[str], targets: list[str] | None, builds: list[str]) -> list[Job]:
    """Every build of every model on every target, in the table's order.

    models: names of MODELS, files, package.module:callable. targets: None for each model's usual ones.
    """
    usual = targets or usual_targets()
    found = []
    for name in models:
        known = MODELS.get(name)
        if known:
            label, path, places = name, known.path, targets or known.targets or usual
        else:
            label, path, places = Path(name.rpartition(":")[2]).stem, name, usual
        found += [Job(label, path, place, build) for place in places for build in builds]
    return found
