"""The two networks of the examples, in plain PyTorch as anybody would write them."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Block(nn.Module):
    """A pre-norm transformer block on tokens [N, T, dim]."""

    def __init__(self, dim: int, heads: int, ratio: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(dim)
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = nn.Sequential(nn.Linear(dim, ratio * dim), nn.GELU(), nn.Linear(ratio * dim, dim))

    def forward(self, x: Tensor) -> Tensor:
        n, t, dim = x.shape
        qkv = self.qkv(self.norm1(x)).reshape(n, t, 3, self.heads, dim // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        heads = F.scaled_dot_product_attention(q, k, v)
        x = x + self.proj(heads.transpose(1, 2).reshape(n, t, dim))
        return x + self.mlp(self.norm2(x))


class ViT(nn.Module):
    """Images [N, C, H, W] in [0, 1] to class scores [N, classes].

    `patch` is the plain patch embedding; with `stem`, strided 3x3 convolutions of these widths
    and a last one of `dim` stand in its place (two for patch 4, three for 8), which learns faster from few
    images.
    """

    def __init__(
        self,
        *,
        size: int,
        channels: int,
        patch: int,
        dim: int,
        depth: int,
        heads: int,
        ratio: int = 2,
        classes: int = 10,
        stem: tuple[int, ...] = (),
    ) -> None:
        super().__init__()
        self.embed: nn.Module = nn.Conv2d(channels, dim, patch, patch)
        if stem:
            layers: list[nn.Module] = []
            for cin, cout in pairwise((channels, *stem, dim)):
                layers += [nn.Conv2d(cin, cout, 3, 2, 1, bias=False), nn.BatchNorm2d(cout), nn.ReLU()]
            self.embed = nn.Sequential(*layers[:-1])
        self.position = nn.Parameter(0.02 * torch.randn(1, (size // patch) ** 2, dim))
        self.blocks = nn.Sequential(*[Block(dim, heads, ratio) for _ in range(depth)])
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, classes)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.embed(x).flatten(2).transpose(1, 2) + self.position
        scores: Tensor = self.head(self.norm(self.blocks(tokens)).mean(1))
        return scores


class Residual(nn.Module):
    """Two 3x3 convolutions with batch norm, and a shortcut (1x1 where the shape changes)."""

    def __init__(self, cin: int, cout: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(cin, cout, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(cout)
        self.conv2 = nn.Conv2d(cout, cout, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(cout)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or cin != cout:
            self.shortcut = nn.Sequential(nn.Conv2d(cin, cout, 1, stride, bias=False), nn.BatchNorm2d(cout))

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + self.shortcut(x))


class ResNet(nn.Module):
    """Images [N, C, H, W] in [0, 1] to class scores [N, classes]: `blocks` residual blocks per width."""

    def __init__(self, *, channels: int, widths: tuple[int, ...], blocks: int, classes: int = 10) -> None:
        super().__init__()
        first = widths[0]
        self.stem = nn.Sequential(
            nn.Conv2d(channels, first, 3, 1, 1, bias=False), nn.BatchNorm2d(first), nn.ReLU()
        )
        stages: list[nn.Module] = []
        cin = first
        for width in widths:
            for k in range(blocks):
                stages.append(Residual(cin, width, 2 if k == 0 and width != first else 1))
                cin = width
        self.stages = nn.Sequential(*stages)
        self.head = nn.Linear(cin, classes)

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.head(self.stages(self.stem(x)).mean((2, 3)))
        return scores
