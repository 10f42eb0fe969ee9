"""Vision transformers at the geometries that people publish, as `package.module:callable`."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Example = tuple[nn.Module, tuple[Tensor, ...]]


class Attention(nn.Module):
    """Self-attention with one joint projection, as timm has it."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        b, n, c = x.shape
        q, k, v = self.qkv(x).reshape(b, n, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        y = F.scaled_dot_product_attention(q, k, v)
        out: Tensor = self.proj(y.transpose(1, 2).reshape(b, n, c))
        return out


class Block(nn.Module):
    """A transformer block, norm first."""

    def __init__(self, width: int, heads: int, ratio: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attn = Attention(width, heads)
        self.mlp = nn.Sequential(nn.Linear(width, ratio * width), nn.GELU(), nn.Linear(ratio * width, width))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.norm1(x))
        out: Tensor = x + self.mlp(self.norm2(x))
        return out


class Vit(nn.Module):
    """A vision transformer with a class token (Dosovitskiy et al., 2020; Touvron et al., 2021)."""

    def __init__(
        self, size: int, patch: int, width: int, depth: int, heads: int, ratio: int = 4, classes: int = 1000
    ) -> None:
        super().__init__()
        self.patch_embed = nn.Conv2d(3, width, patch, patch)
        self.cls_token = nn.Parameter(torch.randn(1, 1, width) * 0.02)
        self.pos_embed = nn.Parameter(torch.randn(1, (size // patch) ** 2 + 1, width) * 0.02)
        self.blocks = nn.Sequential(*[Block(width, heads, ratio) for _ in range(depth)])
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, classes)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.patch_embed(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls_token.expand(x.shape[0], -1, -1), tokens], 1) + self.pos_embed
        out: Tensor = self.head(self.norm(self.blocks(x))[:, 0])
        return out


def _vit(size: int, *geometry: int) -> Example:
    torch.manual_seed(0)
    return Vit(size, *geometry).eval(), (torch.randn(1, 3, size, size),)


def small_vit() -> Example:
    """96x96, patch 12, width 96, 6 blocks, 3 heads, 10 classes."""
    return _vit(96, 12, 96, 6, 3, 4, 10)


def deit_tiny() -> Example:
    """DeiT-Tiny: 224x224, patch 16, width 192, 12 blocks, 3 heads (Touvron et al., 2021)."""
    return _vit(224, 16, 192, 12, 3)


def autoformer_s() -> Example:
    """AutoFormer-S's largest: 240x240, patch 16, width 448, 14 blocks, 7 heads (Chen et al., 2021)."""
    return _vit(240, 16, 448, 14, 7)
