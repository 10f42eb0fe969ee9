"""A vision transformer of 2.5 M parameters for CIFAR-10: 32x32 pixels, 16 tokens of 256, 3 blocks.

Its int8 weights alone are 2.5 MB: on a chip with 1 MB of flash it is a case for --flash-budget.
`python examples/cifar_vit_large.py` exports the committed checkpoint (cifar_vit_large.pt2 and its data);
with --train it is trained anew before.
"""

from __future__ import annotations

from cifar10 import main
from models import ViT
from training import Recipe


def build() -> ViT:
    """The network, untrained."""
    return ViT(size=32, channels=3, patch=8, dim=256, depth=3, heads=4, ratio=4, stem=(32, 64))


RECIPE = Recipe(epochs=10, batch=125, rate=1e-3, decay=0.05, shift=4, flip=True)

if __name__ == "__main__":
    main("cifar_vit_large", build, RECIPE)
