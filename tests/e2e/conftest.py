"""Whole builds, made once a session and shared by the tests that look at them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from edgec.build import build
from edgec.options import BuildOptions, Silent

MLPERF = {
    "ad": "mlperf_tiny_ad_autoencoder_int8.tflite",
    "ic": "mlperf_tiny_ic_resnet8_int8.tflite",
    "kws": "mlperf_tiny_kws_dscnn_int8.tflite",
    "sww": "mlperf_tiny_sww_int8.tflite",
    "vww": "mlperf_tiny_vww_mobilenet_int8.tflite",
}

Builder = Callable[..., Path]


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Builder:
    """built(model, target, **options) -> the build directory, made on first use."""
    made: dict[tuple[object, ...], Path] = {}

    def get(model: Path | str, target: str, **options: object) -> Path:
        key = (str(model), target, *sorted(options.items()))
        if key not in made:
            out = tmp_path_factory.mktemp("build") / "out"
            build(BuildOptions(str(model), target, out, **options), Silent())  # type: ignore[arg-type]
            made[key] = out
        return made[key]

    return get
