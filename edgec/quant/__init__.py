"""Quantization: calibration data, observers, post-training quantization, signal-to-noise."""
