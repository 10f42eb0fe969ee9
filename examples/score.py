"""Top-1 of a device's outputs: python examples/score.py y.npy labels.npy."""

from __future__ import annotations

import sys

import numpy as np

scores, labels = np.load(sys.argv[1]), np.load(sys.argv[2])
right = int((scores.reshape(len(labels), -1).argmax(1) == labels).sum())
print(f"top-1 on the device {100 * right / len(labels):.2f} % ({right} of {len(labels)})")
