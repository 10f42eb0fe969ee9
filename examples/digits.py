"""scikit-learn's digits: 1,797 handwritten digits of 8x8 pixels, and training on them."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn
from training import Images, Recipe, accuracy, export, fit


def load() -> Images:
    """Four fifths for training, one fifth for testing; uint8 [N, 1, 8, 8]."""
    from sklearn.datasets import load_digits

    data = load_digits()
    x = torch.from_numpy(data.images * 255 / 16).round().to(torch.uint8)[:, None]
    y = torch.from_numpy(data.target).long()
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))
    train, test = order[len(x) // 5 :], order[: len(x) // 5]
    return Images(x[train], y[train], x[test], y[test])


def main(name: str, build: Callable[[], nn.Module], recipe: Recipe) -> None:
    """Train, measure and export."""
    torch.set_num_threads(1)  # networks this small are slower on several
    torch.manual_seed(0)
    images, model = load(), build()
    fit(model, images, recipe)
    print(f"test top-1 {accuracy(model, images.test_x, images.test_y):.1f} %")
    export(model, images, name)
