"""Models that whole builds are made of; `built` is in tests/conftest.py."""

from __future__ import annotations

from tests.conftest import Builder

__all__ = ["MLPERF", "Builder"]

MLPERF = {
    "ad": "mlperf_tiny_ad_autoencoder_int8.tflite",
    "ic": "mlperf_tiny_ic_resnet8_int8.tflite",
    "kws": "mlperf_tiny_kws_dscnn_int8.tflite",
    "sww": "mlperf_tiny_sww_int8.tflite",
    "vww": "mlperf_tiny_vww_mobilenet_int8.tflite",
}
