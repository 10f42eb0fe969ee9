"""A residual CNN for handwritten digits, trained in seconds: 8x8 pixels, widths 8 and 16.

`python examples/digits_cnn.py` writes digits_cnn.pt2, calibration data and test data here.
"""

from __future__ import annotations

from digits import main
from models import ResNet
from training import Recipe


def build() -> ResNet:
    """The network, untrained."""
    return ResNet(channels=1, widths=(8, 16), blocks=1)


RECIPE = Recipe(epochs=20, batch=50, rate=1e-2, decay=0.02, shift=1, flip=False)

if __name__ == "__main__":
    main("digits_cnn", build, RECIPE)
