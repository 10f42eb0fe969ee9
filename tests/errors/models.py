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


class Pair(nn.Module):
    """Two outputs."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second = nn.Linear(8, 4), nn.Linear(8, 3)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.first(x), self.second(x)


class Gated(nn.Module):
    """An image [N, 3, 32, 32] times a gate that is computed from all of it."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.gate = nn.Sequential(nn.Conv2d(3, 3, 3, stride=2), nn.AdaptiveAvgPool2d(1), nn.Sigmoid())
        self.features = nn.Conv2d(3, 4, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        return self.features(x * self.gate(x))


class Camera(nn.Module):
    """Convolutions on [N, 3, 64, 64] whose results are far smaller than the image."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.stem, self.features = nn.Conv2d(3, 8, 3, stride=4), nn.Conv2d(8, 4, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        return self.features(torch.relu(self.stem(x))).mean((2, 3))


class Attends(nn.Module):
    """Attention over [N, 48, 16] with two heads, and a skip connection around it."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.norm, self.qkv, self.proj = nn.LayerNorm(16), nn.Linear(16, 48), nn.Linear(16, 16)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(self.norm(x)).reshape(-1, 48, 3, 2, 8).permute(2, 0, 3, 1, 4)
        y = nn.functional.scaled_dot_product_attention(q, k, v)
        return x + self.proj(y.transpose(1, 2).reshape(-1, 48, 16))


class Spectrum(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.fft.fft(x).real


def small() -> tuple[nn.Module, tuple[Tensor, ...]]:
    return Small(), (torch.zeros(1, 8),)


def wide() -> tuple[nn.Module, tuple[Tensor, ...]]:
    return nn.Linear(256, 300), (torch.zeros(1, 256),)


def image() -> tuple[nn.Module, tuple[Tensor, ...]]:
    return Image(), (torch.zeros(1, 3, 8, 8),)


def pair() -> tuple[nn.Module, tuple[Tensor, ...]]:
    return Pair(), (torch.zeros(1, 8),)


def gated() -> tuple[nn.Module, tuple[Tensor, ...]]:
    return Gated(), (torch.zeros(1, 3, 32, 32),)


def camera() -> tuple[nn.Module, tuple[Tensor, ...]]:
    return Camera(), (torch.zeros(1, 3, 64, 64),)


def attends() -> tuple[nn.Module, tuple[Tensor, ...]]:
    return Attends(), (torch.zeros(1, 48, 16),)


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
