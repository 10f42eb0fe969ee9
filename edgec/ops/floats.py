"""Float helpers that several ops' references share."""

from __future__ import annotations

import numpy as np


def apply_activation(activation: str, x: np.ndarray) -> np.ndarray:
    """A fused activation in float: "", "relu", "relu6" or "relu_n1_to_1"."""
    match activation:
        case "":
            return x
        case "relu":
            return np.maximum(x, np.float32(0))
        case "relu6":
            return np.clip(x, np.float32(0), np.float32(6))
        case "relu_n1_to_1":
            return np.clip(x, np.float32(-1), np.float32(1))
    raise ValueError(f"no such fused activation: {activation}")
