"""A residual CNN for CIFAR-10: 32x32 pixels, widths 16, 32, 64, two blocks each.

`python examples/cifar_cnn.py` exports the committed checkpoint (cifar_cnn.pt2 and its data);
with --train it is trained anew before.
"""

from __future__ import annotations

from cifar10 import main
from models import ResNet
from training import Recipe


def build() -> ResNet:
    """The network, untrained."""
    return ResNet(channels=3, widths=(16, 32, 64), blocks=2)


RECIPE = Recipe(epochs=24, batch=250, rate=5e-3, decay=0.02, shift=4, flip=True, bfloat16=True)

if __name__ == "__main__":
    main("cifar_cnn", build, RECIPE)
