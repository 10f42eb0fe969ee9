"""The TFLite frontend: .tflite files to edgec graphs. The schema package is imported on first use."""

from edgec.frontends.tflite.load import load_tflite

__all__ = ["load_tflite"]
