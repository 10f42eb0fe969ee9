"""A vision transformer for CIFAR-10: 32x32 pixels, 64 tokens of 96, 4 blocks.

`python examples/cifar_vit.py` exports the committed checkpoint (cifar_vit.pt2 and its data);
with --train it is trained anew before.
"""

from __future__ import annotations

from cifar10 import main
from models import ViT
from training import Recipe


def build() -> ViT:
    """The network, untrained."""
    return ViT(size=32, channels=3, patch=4, dim=96, depth=4, heads=3, stem=(48,))


RECIPE = Recipe(epochs=24, batch=250, rate=2e-3, decay=0.05, shift=4, flip=True, bfloat16=True)

if __name__ == "__main__":
    main("cifar_vit", build, RECIPE)
