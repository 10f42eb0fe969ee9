"""Networks without attention: MLP-Mixer, gMLP, ResMLP, PoolFormer, ConvNeXt, FocalNet, VAN, ConvMixer."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.zoo.common import Model, fresh, image


class MixerBlock(nn.Module):
    def __init__(self, tokens: int, dim: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.token_mlp = nn.Sequential(nn.Linear(tokens, 8), nn.GELU(), nn.Linear(8, tokens))
        self.channel_mlp = nn.Sequential(nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.token_mlp(self.norm1(x).transpose(1, 2)).transpose(1, 2)
        return x + self.channel_mlp(self.norm2(x))


class Mixer(nn.Module):
    def __init__(self, dim: int = 12) -> None:
        super().__init__()
        self.stem, self.blocks = (
            nn.Conv2d(3, dim, 8, 8),
            nn.Sequential(*(MixerBlock(16, dim) for _ in range(2))),
        )
        self.norm, self.head = nn.LayerNorm(dim), nn.Linear(dim, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.blocks(self.stem(x).flatten(2).transpose(1, 2))
        return self.head(self.norm(x).mean(dim=1))


class MixerConv1d(nn.Module):
    """lucidrains' mixer: Conv1d of kernel one mixes tokens."""

    def __init__(self, dim: int = 12) -> None:
        super().__init__()
        self.embed, self.norm = nn.Linear(3 * 64, dim), nn.LayerNorm(dim)
        self.mix = nn.Sequential(nn.Conv1d(16, 24, 1), nn.GELU(), nn.Dropout(0.0), nn.Conv1d(24, 16, 1))
        self.head = nn.Linear(dim, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = x.unfold(2, 8, 8).unfold(3, 8, 8)
        x = x.permute(0, 2, 3, 4, 5, 1).flatten(3).flatten(1, 2)
        x = self.embed(x)
        return self.head((self.mix(self.norm(x)) + x).mean(1))


class GMLP(nn.Module):
    """Spatial gating unit, gate by chunk."""

    def __init__(self, dim: int = 12, tokens: int = 16) -> None:
        super().__init__()
        self.stem, self.norm = nn.Conv2d(3, dim, 8, 8), nn.LayerNorm(dim)
        self.proj_in, self.proj_out = nn.Linear(dim, 2 * dim), nn.Linear(dim, dim)
        self.gate_norm, self.spatial = nn.LayerNorm(dim), nn.Linear(tokens, tokens)
        self.head = nn.Linear(dim, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x).flatten(2).transpose(-1, -2)
        u, v = F.gelu(self.proj_in(self.norm(x))).chunk(2, dim=-1)
        v = self.spatial(self.gate_norm(v).transpose(-1, -2))
        x = x + self.proj_out(u * v.transpose(-1, -2))
        return self.head(x.amax(dim=1))


class Affine(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.alpha, self.beta = nn.Parameter(torch.ones((1, 1, dim))), nn.Parameter(torch.zeros((1, 1, dim)))

    def forward(self, x: Tensor) -> Tensor:
        return torch.addcmul(self.beta, self.alpha, x)


class ResMLP(nn.Module):
    def __init__(self, dim: int = 12) -> None:
        super().__init__()
        self.stem, self.norm, self.norm2 = nn.Conv2d(3, dim, 8, 8), Affine(dim), Affine(dim)
        self.tokens, self.ls, self.head = (
            nn.Linear(16, 16),
            nn.Parameter(1e-4 * torch.ones(dim)),
            nn.Linear(dim, 4),
        )
        self.heads = nn.Parameter(torch.randn(3, 16, 16) * 0.2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x).flatten(2).transpose(1, 2)
        x = x + self.ls * self.tokens(self.norm(x).transpose(1, 2)).transpose(1, 2)
        b, n, c = x.shape
        y = torch.einsum("bnhd,hmn->bmhd", self.norm2(x).reshape(b, n, 3, -1), self.heads)
        return self.head((x + y.reshape(b, n, c)).mean(dim=1))


class PoolFormer(nn.Module):
    def __init__(self, dim: int = 12) -> None:
        super().__init__()
        self.patch_embed, self.norm1, self.norm2 = (
            nn.Conv2d(3, dim, 7, 4, 2),
            nn.GroupNorm(1, dim),
            nn.GroupNorm(3, dim),
        )
        self.pool = nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False)
        self.layer_scale_1 = nn.Parameter(1e-5 * torch.ones(dim), requires_grad=True)
        self.mlp = nn.Sequential(nn.Conv2d(dim, 2 * dim, 1), nn.GELU(), nn.Conv2d(2 * dim, dim, 1))
        self.head = nn.Linear(dim, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patch_embed(x)
        y = self.norm1(x)
        x = x + self.layer_scale_1.unsqueeze(-1).unsqueeze(-1) * (self.pool(y) - y)
        x = x + self.mlp(self.norm2(x))
        return self.head(x.mean([-2, -1]))


class LayerNorm2d(nn.Module):
    """ConvNeXt's norm over channels-first maps, written out."""

    def __init__(self, dim: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.weight, self.bias, self.eps = nn.Parameter(torch.ones(dim)), nn.Parameter(torch.zeros(dim)), eps

    def forward(self, x: Tensor) -> Tensor:
        u = x.mean(1, keepdim=True)
        s = (x - u).pow(2).mean(1, keepdim=True)
        x = (x - u) / torch.sqrt(s + self.eps)
        return self.weight[:, None, None] * x + self.bias[:, None, None]


class GRN(nn.Module):
    """Global response normalization of ConvNeXt V2."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.gamma, self.beta = (
            nn.Parameter(torch.zeros(1, 1, 1, dim)),
            nn.Parameter(torch.zeros(1, 1, 1, dim)),
        )

    def forward(self, x: Tensor) -> Tensor:
        gx = torch.norm(x, p=2, dim=(1, 2), keepdim=True)
        nx = gx / (gx.mean(dim=-1, keepdim=True) + 1e-6)
        return self.gamma * (x * nx) + self.beta + x


class ConvNeXtBlock(nn.Module):
    def __init__(self, dim: int, version: int) -> None:
        super().__init__()
        self.dwconv, self.norm = nn.Conv2d(dim, dim, 7, padding=3, groups=dim), nn.LayerNorm(dim, eps=1e-6)
        self.pwconv1, self.pwconv2 = nn.Linear(dim, 4 * dim), nn.Linear(4 * dim, dim)
        self.grn = GRN(4 * dim) if version == 2 else nn.Identity()
        self.gamma = nn.Parameter(1e-6 * torch.ones(dim)) if version == 1 else None

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(self.dwconv(x).permute(0, 2, 3, 1))
        y = self.pwconv2(self.grn(F.gelu(self.pwconv1(y))))
        if self.gamma is not None:
            y = self.gamma * y
        return x + y.permute(0, 3, 1, 2)


def convnext(version: int) -> Model:
    def make() -> tuple[nn.Module, tuple[Tensor, ...]]:
        stem = nn.Sequential(nn.Conv2d(3, 8, 4, 4), LayerNorm2d(8))
        down = nn.Sequential(LayerNorm2d(8), nn.Conv2d(8, 16, 2, 2))
        head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(1), nn.LayerNorm(16), nn.Linear(16, 4))
        blocks = (ConvNeXtBlock(8, version), down, ConvNeXtBlock(16, version))
        return fresh(nn.Sequential(stem, *blocks, head)), image()

    return make


class FocalNet(nn.Module):
    """Focal modulation: gates, growing contexts and a global one."""

    def __init__(self, dim: int = 12, levels: int = 2) -> None:
        super().__init__()
        self.dim, self.levels = dim, levels
        self.stem, self.f = nn.Conv2d(3, dim, 4, 4), nn.Linear(dim, 2 * dim + levels + 1)
        self.focal_layers = nn.ModuleList(
            nn.Sequential(nn.Conv2d(dim, dim, k, groups=dim, padding=k // 2, bias=False), nn.GELU())
            for k in (3, 5)
        )
        self.h, self.proj, self.head = nn.Conv2d(dim, dim, 1), nn.Linear(dim, dim), nn.Linear(dim, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x).permute(0, 2, 3, 1)
        c = x.shape[-1]
        y = self.f(x).permute(0, 3, 1, 2).contiguous()
        q, ctx, gates = torch.split(y, (c, c, self.levels + 1), 1)
        ctx_all = 0
        for level, layer in enumerate(self.focal_layers):
            ctx = layer(ctx)
            ctx_all = ctx_all + ctx * gates[:, level : level + 1]
        ctx_global = F.gelu(ctx.mean(2, keepdim=True).mean(3, keepdim=True))
        ctx_all = ctx_all + ctx_global * gates[:, self.levels :]
        out = (q * self.h(ctx_all)).permute(0, 2, 3, 1).contiguous()
        return self.head((x + self.proj(out)).flatten(1, 2).mean(1))


class VAN(nn.Module):
    """Large kernel attention."""

    def __init__(self, dim: int = 8) -> None:
        super().__init__()
        self.stem, self.norm = nn.Conv2d(3, dim, 7, 4, 3), nn.BatchNorm2d(dim)
        self.proj_1, self.act = nn.Conv2d(dim, dim, 1), nn.GELU()
        self.conv0 = nn.Conv2d(dim, dim, 5, padding=2, groups=dim)
        self.conv_spatial = nn.Conv2d(dim, dim, 7, stride=1, padding=9, groups=dim, dilation=3)
        self.conv1, self.proj_2, self.head = nn.Conv2d(dim, dim, 1), nn.Conv2d(dim, dim, 1), nn.Linear(dim, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        u = self.act(self.proj_1(self.norm(x)))
        attn = self.conv1(self.conv_spatial(self.conv0(u)))
        x = x + self.proj_2(u * attn)
        return self.head(x.flatten(2).transpose(1, 2).mean(dim=1))


class Residual(nn.Module):
    def __init__(self, fn: nn.Module) -> None:
        super().__init__()
        self.fn = fn

    def forward(self, x: Tensor) -> Tensor:
        return self.fn(x) + x


def convmixer() -> tuple[nn.Module, tuple[Tensor, ...]]:
    mix = nn.Sequential(nn.Conv2d(8, 8, 5, groups=8, padding="same"), nn.GELU(), nn.BatchNorm2d(8))
    return fresh(
        nn.Sequential(
            nn.Conv2d(3, 8, 4, 4), nn.GELU(), nn.BatchNorm2d(8), Residual(mix), nn.Conv2d(8, 8, 1), nn.GELU(),
            nn.BatchNorm2d(8), nn.AdaptiveAvgPool2d((1, 1)), nn.Flatten(), nn.Linear(8, 4),
        )
    ), image()  # fmt: skip


MODELS: dict[str, Model] = {
    "mixer": lambda: (fresh(Mixer()), image()),
    "mixer_conv1d": lambda: (fresh(MixerConv1d()), image()),
    "gmlp": lambda: (fresh(GMLP()), image()),
    "resmlp": lambda: (fresh(ResMLP()), image()),
    "poolformer": lambda: (fresh(PoolFormer()), image()),
    "convnext": convnext(1),
    "convnext_v2": convnext(2),
    "focalnet": lambda: (fresh(FocalNet()), image()),
    "van": lambda: (fresh(VAN()), image()),
    "convmixer": convmixer,
}
