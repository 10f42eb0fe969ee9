"""Transformers on windows: Swin and its second version, MaxViT's grids, NesT, Twins, CoAtNet."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.zoo.common import Model, fresh, image


def window_partition(x: Tensor, size: int) -> Tensor:
    b, h, w, c = x.shape
    x = x.view(b, h // size, size, w // size, size, c)
    return x.permute(0, 1, 3, 2, 4, 5).contiguous().view(-1, size, size, c)


def window_reverse(windows: Tensor, size: int, h: int, w: int) -> Tensor:
    b = int(windows.shape[0] / (h * w / size / size))
    x = windows.view(b, h // size, w // size, size, size, -1)
    return x.permute(0, 1, 3, 2, 4, 5).contiguous().view(b, h, w, -1)


class WindowAttention(nn.Module):
    def __init__(self, dim: int, size: int, heads: int) -> None:
        super().__init__()
        self.size, self.heads, self.scale = size, heads, (dim // heads) ** -0.5
        self.relative_position_bias_table = nn.Parameter(torch.zeros((2 * size - 1) ** 2, heads))
        coords = torch.stack(torch.meshgrid([torch.arange(size), torch.arange(size)], indexing="ij"))
        flat = torch.flatten(coords, 1)
        relative = (flat[:, :, None] - flat[:, None, :]).permute(1, 2, 0).contiguous()
        relative[:, :, 0] += size - 1
        relative[:, :, 1] += size - 1
        relative[:, :, 0] *= 2 * size - 1
        self.register_buffer("relative_position_index", relative.sum(-1))
        self.qkv, self.proj = nn.Linear(dim, dim * 3), nn.Linear(dim, dim)
        self.softmax = nn.Softmax(dim=-1)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        b, n, c = x.shape
        qkv = self.qkv(x).reshape(b, n, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)
        q, k, v = qkv[0], qkv[1], qkv[2]
        attn = (q * self.scale) @ k.transpose(-2, -1)
        bias = self.relative_position_bias_table[self.relative_position_index.view(-1)].view(n, n, -1)
        attn = attn + bias.permute(2, 0, 1).contiguous().unsqueeze(0)
        if mask is not None:
            windows = mask.shape[0]
            attn = attn.view(b // windows, windows, self.heads, n, n) + mask.unsqueeze(1).unsqueeze(0)
            attn = attn.view(-1, self.heads, n, n)
        return self.proj((self.softmax(attn) @ v).transpose(1, 2).reshape(b, n, c))


class SwinBlock(nn.Module):
    def __init__(self, dim: int, resolution: int, heads: int, size: int, shift: int) -> None:
        super().__init__()
        self.resolution, self.size, self.shift = resolution, size, shift
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attn = WindowAttention(dim, size, heads)
        self.mlp = nn.Sequential(nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim))
        self.register_buffer("attn_mask", self.mask() if shift else None)

    def mask(self) -> Tensor:
        img = torch.zeros((1, self.resolution, self.resolution, 1))
        parts = (slice(0, -self.size), slice(-self.size, -self.shift), slice(-self.shift, None))
        count = 0
        for h in parts:
            for w in parts:
                img[:, h, w, :] = count
                count += 1
        windows = window_partition(img, self.size).view(-1, self.size * self.size)
        mask = windows.unsqueeze(1) - windows.unsqueeze(2)
        return mask.masked_fill(mask != 0, -100.0).masked_fill(mask == 0, 0.0)

    def forward(self, x: Tensor) -> Tensor:
        h = w = self.resolution
        b, n, c = x.shape
        assert n == h * w, "input feature has wrong size"
        shortcut = x
        x = self.norm1(x).view(b, h, w, c)
        if self.shift > 0:
            x = torch.roll(x, shifts=(-self.shift, -self.shift), dims=(1, 2))
        windows = window_partition(x, self.size).view(-1, self.size * self.size, c)
        windows = self.attn(windows, mask=self.attn_mask).view(-1, self.size, self.size, c)
        x = window_reverse(windows, self.size, h, w)
        if self.shift > 0:
            x = torch.roll(x, shifts=(self.shift, self.shift), dims=(1, 2))
        x = shortcut + x.view(b, h * w, c)
        return x + self.mlp(self.norm2(x))


class PatchMerging(nn.Module):
    def __init__(self, resolution: int, dim: int) -> None:
        super().__init__()
        self.resolution = resolution
        self.norm, self.reduction = nn.LayerNorm(4 * dim), nn.Linear(4 * dim, 2 * dim, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        b, _, c = x.shape
        x = x.view(b, self.resolution, self.resolution, c)
        x = torch.cat([x[:, 0::2, 0::2], x[:, 1::2, 0::2], x[:, 0::2, 1::2], x[:, 1::2, 1::2]], -1)
        return self.reduction(self.norm(x.view(b, -1, 4 * c)))


class Swin(nn.Module):
    def __init__(self, dim: int = 12) -> None:
        super().__init__()
        self.proj, self.norm = nn.Conv2d(3, dim, 4, 4), nn.LayerNorm(dim)
        self.layers = nn.Sequential(
            SwinBlock(dim, 8, 2, 4, 0), SwinBlock(dim, 8, 2, 4, 2), PatchMerging(8, dim)
        )
        self.final, self.avgpool, self.head = (
            nn.LayerNorm(2 * dim),
            nn.AdaptiveAvgPool1d(1),
            nn.Linear(2 * dim, 5),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.proj(x).flatten(2).transpose(1, 2))
        x = self.final(self.layers(x))
        return self.head(torch.flatten(self.avgpool(x.transpose(1, 2)), 1))


class SwinV2Block(nn.Module):
    """Cosine attention, a position network, padding and the mask made in forward."""

    def __init__(self, dim: int = 16, heads: int = 2, size: int = 4, shift: int = 2) -> None:
        super().__init__()
        self.heads, self.size, self.shift = heads, size, shift
        self.stem, self.qkv, self.proj = nn.Conv2d(3, dim, 4, 4), nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.logit_scale = nn.Parameter(torch.log(10 * torch.ones((heads, 1, 1))))
        self.cpb_mlp = nn.Sequential(
            nn.Linear(2, 32), nn.ReLU(inplace=True), nn.Linear(32, heads, bias=False)
        )
        self.norm, self.head = nn.LayerNorm(dim), nn.Linear(dim, 5)

    def bias(self) -> Tensor:
        s = self.size
        axis = torch.arange(-(s - 1), s, dtype=torch.float32)
        table = torch.stack(torch.meshgrid([axis, axis], indexing="ij")).permute(1, 2, 0) / (s - 1) * 8
        table = torch.sign(table) * torch.log2(torch.abs(table) + 1.0) / math.log2(8)
        grid = torch.stack(torch.meshgrid([torch.arange(s), torch.arange(s)], indexing="ij")).flatten(1)
        index = (grid[:, :, None] - grid[:, None, :] + s - 1).permute(1, 2, 0)
        index = index[..., 0] * (2 * s - 1) + index[..., 1]
        values = self.cpb_mlp(table).view(-1, self.heads)[index.view(-1)]
        return 16 * torch.sigmoid(values.view(s * s, s * s, -1).permute(2, 0, 1))

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x).permute(0, 2, 3, 1)
        _, h, w, c = x.shape
        s = self.size
        right, bottom = (s - w % s) % s, (s - h % s) % s
        x = F.pad(x, (0, 0, 0, right, 0, bottom))
        _, hp, wp, _ = x.shape
        x = torch.roll(x, (-self.shift, -self.shift), (1, 2))
        x = window_partition(x, s).reshape(-1, s * s, c)
        q, k, v = (
            self.qkv(x).reshape(x.shape[0], s * s, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)
        )
        attn = F.normalize(q, dim=-1) @ F.normalize(k, dim=-1).transpose(-2, -1)
        attn = attn * torch.clamp(self.logit_scale, max=math.log(100.0)).exp() + self.bias().unsqueeze(0)
        mask = x.new_zeros((hp, wp))
        for i, hs in enumerate(((0, -s), (-s, -self.shift), (-self.shift, None))):
            for j, ws in enumerate(((0, -s), (-s, -self.shift), (-self.shift, None))):
                mask[hs[0] : hs[1], ws[0] : ws[1]] = 3 * i + j
        mask = mask.view(hp // s, s, wp // s, s).permute(0, 2, 1, 3).reshape(-1, s * s)
        mask = mask.unsqueeze(1) - mask.unsqueeze(2)
        mask = mask.masked_fill(mask != 0, float("-inf")).masked_fill(mask == 0, 0.0)
        attn = attn.view(-1, mask.shape[0], self.heads, s * s, s * s) + mask.unsqueeze(1).unsqueeze(0)
        x = F.softmax(attn.view(-1, self.heads, s * s, s * s), dim=-1).matmul(v)
        x = self.proj(x.transpose(1, 2).reshape(-1, s * s, c))
        x = torch.roll(window_reverse(x, s, hp, wp), (self.shift, self.shift), (1, 2))
        x = x[:, :h, :w, :].contiguous()
        return self.head(self.norm(x).mean((1, 2)))


class MaxViT(nn.Module):
    """Block attention, then grid attention, by einops-like permutations."""

    def __init__(self, dim: int = 16, window: int = 4) -> None:
        super().__init__()
        self.window, self.stem = window, nn.Conv2d(3, dim, 3, 2, 1)
        self.block, self.grid = (
            nn.MultiheadAttention(dim, 2, batch_first=True),
            WindowAttention(dim, window, 2),
        )
        self.norm1, self.norm2, self.fc = nn.LayerNorm(dim), nn.LayerNorm(dim), nn.Linear(dim, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        b, d, h, w = x.shape
        p = self.window
        t = x.view(b, d, h // p, p, w // p, p).permute(0, 2, 4, 3, 5, 1)
        t = t.reshape(-1, p * p, d)
        n = self.norm1(t)
        t = t + self.block(n, n, n)[0]
        x = t.reshape(b, h // p, w // p, p, p, d).permute(0, 5, 1, 3, 2, 4).reshape(b, d, h, w)
        t = x.view(b, d, p, h // p, p, w // p).permute(0, 3, 5, 2, 4, 1).reshape(-1, p * p, d)
        t = t + self.grid(self.norm2(t))
        x = t.reshape(b, h // p, w // p, p, p, d).permute(0, 5, 3, 1, 4, 2).reshape(b, d, h, w)
        return self.fc(x.mean((-2, -1)))


class NesT(nn.Module):
    """Blocks of the image side by side on an axis of their own."""

    def __init__(self, dim: int = 12, block: int = 4) -> None:
        super().__init__()
        self.block, self.stem = block, nn.Conv2d(3, dim, 4, 4)
        self.pos = nn.Parameter(torch.zeros(1, 4, block * block, dim))
        self.norm, self.qkv, self.proj = nn.LayerNorm(dim), nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.conv = nn.Conv2d(dim, dim, 3, padding=1)
        self.pool, self.ln, self.head = nn.MaxPool2d(3, 2, 1), nn.LayerNorm(dim), nn.Linear(dim, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x).permute(0, 2, 3, 1)
        b, h, w, c = x.shape
        s = self.block
        x = x.reshape(b, h // s, s, w // s, s, c).transpose(2, 3).reshape(b, -1, s * s, c) + self.pos
        t, n = x.shape[1:3]
        qkv = self.qkv(self.norm(x)).reshape(b, t, n, 3, 2, c // 2).permute(3, 0, 4, 1, 2, 5)
        q, k, v = qkv.unbind(0)
        y = F.scaled_dot_product_attention(q, k, v)
        x = x + self.proj(y.permute(0, 2, 3, 4, 1).reshape(b, t, n, c))
        x = x.reshape(b, h // s, w // s, s, s, c).transpose(2, 3).reshape(b, h, w, c).permute(0, 3, 1, 2)
        x = self.ln(self.conv(x).permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        return self.head(F.adaptive_avg_pool2d(self.pool(x), 1).flatten(1))


class Twins(nn.Module):
    """Locally grouped attention, then attention over a strided summary, with conditional positions."""

    def __init__(self, dim: int = 16, ws: int = 2, sr: int = 4) -> None:
        super().__init__()
        self.ws, self.heads, self.stem = ws, 2, nn.Conv2d(3, dim, 4, 4)
        self.qkv, self.proj1 = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.q, self.kv, self.proj2 = nn.Linear(dim, dim), nn.Linear(dim, 2 * dim), nn.Linear(dim, dim)
        self.sr, self.norm = nn.Conv2d(dim, dim, sr, sr), nn.LayerNorm(dim)
        self.peg, self.head = nn.Conv2d(dim, dim, 3, 1, 1, groups=dim), nn.Linear(dim, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        b, c, h, w = x.shape
        x = x.flatten(2).transpose(1, 2)
        g = self.ws
        y = x.view(b, h // g, g, w // g, g, c).transpose(2, 3)
        qkv = self.qkv(y).reshape(b, (h // g) * (w // g), -1, 3, self.heads, c // self.heads)
        q, k, v = qkv.permute(3, 0, 1, 4, 2, 5)
        attn = ((q @ k.transpose(-2, -1)) * (c // self.heads) ** -0.5).softmax(-1)
        y = (attn @ v).transpose(2, 3).reshape(b, h // g, w // g, g, g, c)
        x = x + self.proj1(y.transpose(2, 3).reshape(b, h * w, c))
        image = x.transpose(1, 2).view(b, c, h, w)
        image = self.peg(image) + image
        x = image.flatten(2).transpose(1, 2)
        q = self.q(x).reshape(b, -1, self.heads, c // self.heads).permute(0, 2, 1, 3)
        s = self.norm(self.sr(image).reshape(b, c, -1).permute(0, 2, 1))
        k, v = self.kv(s).reshape(b, -1, 2, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v)
        x = x + self.proj2(y.transpose(1, 2).reshape(b, -1, c))
        return self.head(x.mean(dim=1))


class CoAtNet(nn.Module):
    """A convolution stage and attention with a relative bias gathered in forward."""

    def __init__(self, dim: int = 16, side: int = 4) -> None:
        super().__init__()
        self.side, self.heads = side, 2
        self.conv = nn.Sequential(
            nn.Conv2d(3, dim, 3, 4, 1, bias=False), nn.BatchNorm2d(dim), nn.GELU(),
            nn.Conv2d(dim, dim, 3, 2, 1, groups=dim), nn.BatchNorm2d(dim), nn.GELU(),
        )  # fmt: skip
        self.table = nn.Parameter(torch.zeros((2 * side - 1) ** 2, self.heads))
        grid = torch.flatten(
            torch.stack(torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")), 1
        )
        relative = grid[:, :, None] - grid[:, None, :] + side - 1
        index = (relative[0] * (2 * side - 1) + relative[1]).flatten().unsqueeze(1)
        self.register_buffer("relative_index", index)
        self.norm, self.qkv, self.out = (
            nn.LayerNorm(dim),
            nn.Linear(dim, 3 * dim, bias=False),
            nn.Linear(dim, dim),
        )
        self.fc = nn.Linear(dim, 4, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x).flatten(2).transpose(1, 2)
        b, n, c = x.shape
        heads = [
            t.reshape(b, n, self.heads, -1).transpose(1, 2) for t in self.qkv(self.norm(x)).chunk(3, dim=-1)
        ]
        q, k, v = heads
        dots = torch.matmul(q, k.transpose(-1, -2)) * (c // self.heads) ** -0.5
        bias = self.table.gather(0, self.relative_index.repeat(1, self.heads))
        bias = bias.view(n, n, self.heads).permute(2, 0, 1)[None]
        out = torch.matmul((dots + bias).softmax(dim=-1), v).transpose(1, 2).reshape(b, n, c)
        x = (x + self.out(out)).transpose(1, 2).reshape(b, c, self.side, self.side)
        return self.fc(F.avg_pool2d(x, self.side).view(-1, c))


MODELS: dict[str, Model] = {
    "swin": lambda: (fresh(Swin()), image()),
    "swin_v2": lambda: (fresh(SwinV2Block()), image(28)),
    "maxvit": lambda: (fresh(MaxViT()), image(16)),
    "nest": lambda: (fresh(NesT()), image()),
    "twins": lambda: (fresh(Twins()), image()),
    "coatnet": lambda: (fresh(CoAtNet()), image()),
}
