"""Models that use weights more than once: a block several times (as SReT does), two heads on one backbone."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Block(nn.Module):
    """Attention and an MLP on [N, T, C], pre-norm."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm, self.norm2, self.heads = nn.LayerNorm(width), nn.LayerNorm(width), heads
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, x: Tensor) -> Tensor:
        n, t, c = x.shape
        q, k, v = self.qkv(self.norm(x)).reshape(n, t, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)
        y = nn.functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, t, c)
        x = x + self.proj(y)
        return x + self.mlp(self.norm2(x))


class Recursive(nn.Module):
    """[N, 3, 16, 16] to two tasks' answers: a convolution and a block, both of which run `times` times."""

    def __init__(self, times: int) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.times = times
        self.stem = nn.Conv2d(3, 32, 4, stride=4)
        self.mix = nn.Sequential(nn.Conv2d(32, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU())
        self.block = Block(32, 2)
        self.kind, self.place = nn.Linear(32, 10), nn.Linear(32, 4)
        nn.init.uniform_(self.mix[1].weight, 0.5, 1.5)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = self.stem(x)
        for _ in range(self.times):
            x = self.mix(x)
        x = x.flatten(2).transpose(1, 2)
        for _ in range(self.times):
            x = self.block(x)
        x = x.mean(1)
        return self.kind(x), self.place(x)


def once() -> tuple[nn.Module, tuple[Tensor, ...]]:
    """Everything once."""
    return Recursive(1).eval(), (torch.zeros(1, 3, 16, 16),)


def thrice() -> tuple[nn.Module, tuple[Tensor, ...]]:
    """Everything three times."""
    return Recursive(3).eval(), (torch.zeros(1, 3, 16, 16),)
