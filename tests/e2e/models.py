"""Small models for whole builds, as `package.module:callable`."""

from __future__ import annotations

import torch
from torch import Tensor, nn

Example = tuple[nn.Module, tuple[Tensor, ...]]


class Block(nn.Module):
    """A transformer block, norm first."""

    def __init__(self, width: int, heads: int, ratio: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attn = nn.MultiheadAttention(width, heads, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(width, ratio * width), nn.GELU(), nn.Linear(ratio * width, width))

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm1(x)
        x = x + self.attn(y, y, y, need_weights=False)[0]
        out: Tensor = x + self.mlp(self.norm2(x))
        return out


class Vit(nn.Module):
    """A vision transformer with a class token (Dosovitskiy et al., 2020)."""

    def __init__(
        self, size: int, patch: int, width: int, depth: int, heads: int, ratio: int, classes: int
    ) -> None:
        super().__init__()
        self.patch = nn.Conv2d(3, width, patch, patch)
        self.cls = nn.Parameter(torch.randn(1, 1, width) * 0.02)
        self.pos = nn.Parameter(torch.randn(1, (size // patch) ** 2 + 1, width) * 0.02)
        self.blocks = nn.Sequential(*[Block(width, heads, ratio) for _ in range(depth)])
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, classes)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.patch(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls.expand(x.shape[0], -1, -1), tokens], 1) + self.pos
        out: Tensor = self.head(self.norm(self.blocks(x))[:, 0])
        return out


class InvertedResidual(nn.Module):
    """MobileNetV2's block: expand, depthwise, project."""

    def __init__(self, c_in: int, c_out: int, stride: int, expand: int) -> None:
        super().__init__()
        hidden = c_in * expand
        layers: list[nn.Module] = []
        if expand != 1:
            layers += [nn.Conv2d(c_in, hidden, 1, bias=False), nn.BatchNorm2d(hidden), nn.ReLU6()]
        layers += [
            nn.Conv2d(hidden, hidden, 3, stride, 1, groups=hidden, bias=False),
            nn.BatchNorm2d(hidden),
            nn.ReLU6(),
            nn.Conv2d(hidden, c_out, 1, bias=False),
            nn.BatchNorm2d(c_out),
        ]
        self.conv, self.skip = nn.Sequential(*layers), stride == 1 and c_in == c_out

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.conv(x) if self.skip else self.conv(x)
        return out


class MobileNetV2(nn.Module):
    """MobileNetV2 (Sandler et al., 2018), width 0.35."""

    CONFIG = (
        (1, 16, 1, 1),
        (6, 24, 2, 2),
        (6, 32, 3, 2),
        (6, 64, 4, 2),
        (6, 96, 3, 1),
        (6, 160, 3, 2),
        (6, 320, 1, 1),
    )

    def __init__(self, width: float, classes: int) -> None:
        super().__init__()

        def scaled(c: float) -> int:
            return max(8, int(c * width + 4) // 8 * 8)

        c_in = scaled(32)
        layers: list[nn.Module] = [nn.Conv2d(3, c_in, 3, 2, 1, bias=False), nn.BatchNorm2d(c_in), nn.ReLU6()]
        for expand, c, repeats, stride in self.CONFIG:
            for k in range(repeats):
                layers.append(InvertedResidual(c_in, scaled(c), stride if k == 0 else 1, expand))
                c_in = scaled(c)
        layers += [nn.Conv2d(c_in, 1280, 1, bias=False), nn.BatchNorm2d(1280), nn.ReLU6()]
        self.features, self.classifier = nn.Sequential(*layers), nn.Linear(1280, classes)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.classifier(self.features(x).mean([2, 3]))
        return out


def tiny_vit() -> Example:
    """A vision transformer that builds in a second."""
    torch.manual_seed(0)
    return Vit(16, 4, 24, 1, 2, 2, 10).eval(), (torch.randn(1, 3, 16, 16),)


def vit_64() -> Example:
    """A vision transformer with 66,000 weights in its two blocks."""
    torch.manual_seed(0)
    return Vit(16, 4, 64, 2, 2, 2, 10).eval(), (torch.randn(1, 3, 16, 16),)


def deit_tiny() -> Example:
    """DeiT-Tiny's geometry: 224x224, patch 16, width 192, 12 blocks, 3 heads, 1000 classes."""
    torch.manual_seed(0)
    return Vit(224, 16, 192, 12, 3, 4, 1000).eval(), (torch.randn(1, 3, 224, 224),)


def mobilenet_v2_96() -> Example:
    """MobileNetV2 0.35 at 96x96, 100 classes."""
    torch.manual_seed(0)
    return MobileNetV2(0.35, 100).eval(), (torch.randn(1, 3, 96, 96),)


def four_images() -> Example:
    """A convolution over a batch of four."""
    torch.manual_seed(0)
    return nn.Conv2d(3, 4, 3).eval(), (torch.randn(4, 3, 8, 8),)


def twice() -> Example:
    """One value that is two outputs."""

    class Twice(nn.Module):
        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            y = torch.relu(x)
            return y, y

    return Twice(), (torch.randn(1, 6),)


def nothing() -> Example:
    """A model that computes nothing."""
    return nn.Identity(), (torch.randn(1, 6),)


def separable() -> Example:
    """Depthwise convolutions of many channels."""
    torch.manual_seed(6)
    layers: list[nn.Module] = [nn.Conv2d(3, 64, 3, 2, 1), nn.ReLU()]
    for _ in range(2):
        layers += [nn.Conv2d(64, 64, 3, 1, 1, groups=64), nn.ReLU(), nn.Conv2d(64, 64, 1), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 4)), (
        torch.randn(1, 3, 12, 12),
    )


def pruned() -> Example:
    """Convolutions, and an MLP behind a norm, of which channels were pruned by setting weights to 0."""
    torch.manual_seed(5)
    stem = nn.Conv2d(3, 12, 3, padding=1)
    spatial = nn.Conv2d(12, 12, 3, padding=1, groups=12)
    point, up, down = nn.Conv2d(12, 8, 1), nn.Linear(8, 16), nn.Linear(16, 5)
    model = nn.Sequential(
        *(stem, nn.ReLU(), spatial, nn.ReLU(), point, nn.AdaptiveAvgPool2d(1), nn.Flatten()),
        *(nn.LayerNorm(8), up, nn.GELU(), down),
    )
    with torch.no_grad():
        stem.weight[2:6] = 0.0  # the padding sees another number than what these give
        stem.bias[2:4] = -1.0
        spatial.bias[4:6] = -9.0
        point.weight[:, 9] = 0.0
        up.weight[5:9] = 0.0
    return model, (torch.randn(1, 3, 10, 10),)


def pruned_vit() -> Example:
    """Two blocks of four heads; of the first one head goes nowhere, of the second two have no values."""
    torch.manual_seed(6)
    model = Vit(16, 4, 32, 2, 4, 2, 10)
    first, second = (m.attn for m in model.modules() if isinstance(m, Block))
    with torch.no_grad():
        first.out_proj.weight[:, 8:16] = 0.0
        for parameter in (second.in_proj_weight, second.in_proj_bias):
            parameter[2 * 32 + 8 : 2 * 32 + 24] = 0.0
    return model.eval(), (torch.randn(1, 3, 16, 16),)


class Decoder(nn.Module):
    """An image to one of twice its size, by way of half of it: both resizes, and a transposed convolution.

    places: whether the result is the index of the largest channel, as of a segmentation.
    """

    def __init__(self, places: bool) -> None:
        super().__init__()
        self.places = places
        self.down, self.wide = nn.Conv2d(3, 32, 3, 2, 1), nn.Conv2d(32, 64, 3, padding=1)
        self.up, self.last = nn.ConvTranspose2d(64, 16, 3, 2, 1, 1), nn.Conv2d(19, 3, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        y = torch.relu(self.up(torch.relu(self.wide(torch.relu(self.down(x))))))
        y = nn.functional.interpolate(y, scale_factor=2, mode="nearest")
        same = nn.functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
        out: Tensor = self.last(torch.cat([y, same], 1))
        return out.argmax(1) if self.places else out


def segmentation() -> Example:
    """Of [N, 3, 12, 12]: classes [N, 24, 24]."""
    torch.manual_seed(0)
    return Decoder(True), (torch.zeros(1, 3, 12, 12),)


def super_resolution() -> Example:
    """Of [N, 3, 12, 12]: [N, 3, 24, 24]."""
    torch.manual_seed(0)
    return Decoder(False), (torch.zeros(1, 3, 12, 12),)
