"""A vision transformer for handwritten digits, trained in seconds: 8x8 pixels, 16 tokens of 48, 3 blocks.

`python examples/digits_vit.py` writes digits_vit.pt2, calibration data and test data here.
"""

from __future__ import annotations

from digits import main
from models import ViT
from training import Recipe


def build() -> ViT:
    """The network, untrained."""
    return ViT(size=8, channels=1, patch=2, dim=48, depth=3, heads=3)


RECIPE = Recipe(epochs=40, batch=50, rate=3e-3, decay=0.05, shift=0, flip=False)

if __name__ == "__main__":
    main("digits_vit", build, RECIPE)
