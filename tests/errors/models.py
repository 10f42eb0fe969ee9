"""Models that cannot be compiled, or only by halves."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn


class Small(nn.Module):
    """A linear layer and a ReLU on [N, 8]."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.fc = nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.fc(x))


class Image(nn.Module):
    """A convolution on [N, 3, 8, 8]."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.features = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 4, 3))

    def forward(self, x: Tensor) -> Tensor:
        return self.features(x)


class Strange(nn.Module):
    """Two ops that no microcontroller will see soon."""

    def __init__(self) -> None:
        super().__init__()
        self.spectrum = Spectrum()
        self.fc = nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cumprod(self.fc(self.spectrum(x)), -1)


class Spectrum(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.fft.fft(x).real


def small() -> tuple[nn.Module, tuple[Tensor, ...]]:
    return Small(), (torch.zeros(1, 8),)


def image() -> tuple[nn.Module, tuple[Tensor, ...]]:
    return Image(), (torch.zeros(1, 3, 8, 8),)


def strange() -> tuple[nn.Module, tuple[Tensor, ...]]:
    return Strange(), (torch.zeros(1, 8),)


def diverged() -> tuple[nn.Module, tuple[Tensor, ...]]:
    model = Small()
    with torch.no_grad():
        model.fc.weight[0, 0] = torch.nan
    return model, (torch.zeros(1, 8),)


def nothing() -> None:
    """Not what a model callable must return."""


def save_dynamic(path: Path) -> None:
    """A .pt2 with an open batch axis."""
    batch = torch.export.Dim("batch")
    program = torch.export.export(Small(), (torch.zeros(2, 8),), dynamic_shapes={"x": {0: batch}})
    torch.export.save(program, path)


def save_small(path: Path) -> None:
    """A sound .pt2."""
    torch.export.save(torch.export.export(Small(), (torch.zeros(1, 8),)), path)
