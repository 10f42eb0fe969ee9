"""Convolution and attention mixed: MobileViT, CvT, LeViT, EfficientFormer, PVT, XCiT, EdgeNeXt."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.zoo.common import Model, fresh, image
from tests.zoo.vits import TimmAttention


class MobileViTBlock(nn.Module):
    """Apple's block: unfolds patches, runs attention over equal pixels of all patches, folds back."""

    def __init__(self, c: int = 8, dim: int = 16, patch: int = 2) -> None:
        super().__init__()
        self.p = patch
        self.stem = nn.Conv2d(3, c, 3, 2, 1)
        self.local_rep = nn.Sequential(nn.Conv2d(c, c, 3, 1, 1), nn.SiLU(), nn.Conv2d(c, dim, 1, bias=False))
        self.norm, self.attn, self.conv_proj = (
            nn.LayerNorm(dim),
            TimmAttention(dim, 2, True),
            nn.Conv2d(dim, c, 1),
        )
        self.fusion, self.head = nn.Conv2d(2 * c, c, 3, 1, 1), nn.Linear(c, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        res, y = x, self.local_rep(x)
        b, d, h, w = y.shape
        p = self.p
        nh, nw = math.ceil(h / p), math.ceil(w / p)
        resized = (nh * p, nw * p) != (h, w)
        if resized:
            y = F.interpolate(y, size=(nh * p, nw * p), mode="bilinear", align_corners=False)
        y = y.reshape(b * d * nh, p, nw, p).transpose(1, 2)
        y = y.reshape(b, d, nh * nw, p * p).transpose(1, 3).reshape(b * p * p, nh * nw, d)
        y = y + self.attn(self.norm(y))
        y = y.contiguous().view(b, p * p, nh * nw, -1).transpose(1, 3)
        y = y.reshape(b * d * nh, nw, p, p).transpose(1, 2).reshape(b, d, nh * p, nw * p)
        if resized:
            y = F.interpolate(y, size=(h, w), mode="bilinear", align_corners=False)
        x = self.fusion(torch.cat((res, self.conv_proj(y)), dim=1))
        return self.head(torch.mean(x, dim=[-2, -1], keepdim=False))


class MobileViTV2(nn.Module):
    """Separable self-attention on nn.functional.unfold and fold."""

    def __init__(self, c: int = 8, dim: int = 12) -> None:
        super().__init__()
        self.stem, self.proj_in = nn.Conv2d(3, c, 3, 2, 1), nn.Conv2d(c, dim, 1)
        self.norm = nn.GroupNorm(1, dim)
        self.qkv, self.out, self.head = (
            nn.Conv2d(dim, 1 + 2 * dim, 1),
            nn.Conv2d(dim, dim, 1),
            nn.Conv2d(dim, 4, 1),
        )
        self.dim = dim

    def forward(self, x: Tensor) -> Tensor:
        x = self.proj_in(self.stem(x))
        b, c, h, w = x.shape
        y = F.unfold(x, kernel_size=(2, 2), stride=(2, 2)).reshape(b, c, 4, -1)
        q, k, v = torch.split(self.qkv(self.norm(y)), [1, self.dim, self.dim], dim=1)
        context = (k * F.softmax(q, dim=-1)).sum(dim=-1, keepdim=True)
        y = y + self.out(F.relu(v) * context.expand_as(v))
        x = F.fold(y.reshape(b, c * 4, -1), output_size=(h, w), kernel_size=(2, 2), stride=(2, 2))
        return self.head(x).mean((2, 3))


class CvT(nn.Module):
    """Projections by depthwise convolution, keys and values strided."""

    def __init__(self, dim: int = 16, heads: int = 2) -> None:
        super().__init__()
        self.heads, self.scale = heads, dim**-0.5
        self.embed, self.norm = nn.Conv2d(3, dim, 7, 4, 2), nn.LayerNorm(dim)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.conv_q, self.conv_k, self.conv_v = (
            nn.Sequential(nn.Conv2d(dim, dim, 3, s, 1, groups=dim, bias=False), nn.BatchNorm2d(dim))
            for s in (1, 2, 2)
        )
        self.proj_q, self.proj_k, self.proj_v = (nn.Linear(dim, dim) for _ in range(3))
        self.proj, self.head = nn.Linear(dim, dim), nn.Linear(dim, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.embed(x)
        b, c, h, w = x.shape
        x = torch.cat((self.cls_token.expand(b, -1, -1), self.norm(x.flatten(2).transpose(1, 2))), dim=1)
        cls, grid = torch.split(x, [1, h * w], 1)
        grid = grid.transpose(1, 2).reshape(b, c, h, w)
        q, k, v = (
            torch.cat((cls, conv(grid).flatten(2).transpose(1, 2)), dim=1)
            for conv in (self.conv_q, self.conv_k, self.conv_v)
        )
        q, k, v = (
            p(t).view(b, -1, self.heads, c // self.heads).transpose(1, 2)
            for p, t in ((self.proj_q, q), (self.proj_k, k), (self.proj_v, v))
        )
        score = torch.einsum("bhlk,bhtk->bhlt", [q, k]) * self.scale
        y = torch.einsum("bhlt,bhtv->bhlv", [F.softmax(score, dim=-1), v])
        x = x + self.proj(y.permute(0, 2, 1, 3).reshape(b, -1, c))
        return self.head(torch.squeeze(x[:, 0:1], 1))


class LinearNorm(nn.Sequential):
    def __init__(self, a: int, b: int) -> None:
        super().__init__()
        self.add_module("c", nn.Linear(a, b, bias=False))
        self.add_module("bn", nn.BatchNorm1d(b))

    def forward(self, x: Tensor) -> Tensor:
        x = self.c(x)
        return self.bn(x.flatten(0, 1)).reshape_as(x)


class LeViT(nn.Module):
    """Attention with a learned bias by offset, hard swish, strided queries, values wider than keys."""

    def __init__(self, dim: int = 16, key: int = 4, heads: int = 2, side: int = 4) -> None:
        super().__init__()
        self.heads, self.key, self.d, self.side = heads, key, key * 2, side
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 4, 1), nn.Hardswish(), nn.Conv2d(8, dim, 3, 2, 1))
        self.qkv = LinearNorm(dim, heads * (2 * key + self.d))
        self.proj = nn.Sequential(nn.Hardswish(), LinearNorm(heads * self.d, dim))
        points = [(i, j) for i in range(side) for j in range(side)]
        offsets: dict[tuple[int, int], int] = {}
        index = [
            offsets.setdefault((abs(p[0] - q[0]), abs(p[1] - q[1])), len(offsets))
            for p in points
            for q in points
        ]
        self.attention_biases = nn.Parameter(torch.zeros(heads, len(offsets)))
        self.register_buffer("idxs", torch.LongTensor(index).view(side**2, side**2), persistent=False)
        self.q = LinearNorm(dim, heads * key)
        self.head = nn.Sequential(nn.BatchNorm1d(dim), nn.Linear(dim, 4))

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x).flatten(2).transpose(1, 2)
        b, n, c = x.shape
        qkv = self.qkv(x).view(b, n, self.heads, -1)
        q, k, v = qkv.split([self.key, self.key, self.d], dim=3)
        q, k, v = q.permute(0, 2, 1, 3), k.permute(0, 2, 3, 1), v.permute(0, 2, 1, 3)
        attn = (q @ k) * self.key**-0.5 + self.attention_biases[:, self.idxs]
        y = (attn.softmax(dim=-1) @ v).transpose(1, 2).reshape(b, n, -1)
        x = x + self.proj(y)
        strided = x.view(b, self.side, self.side, c)[:, ::2, ::2].reshape(b, -1, c)
        q2 = self.q(strided).view(b, -1, self.heads, self.key).permute(0, 2, 1, 3)
        y2 = ((q2 @ k) * self.key**-0.5).softmax(dim=-1) @ v
        return self.head(x.mean(1)) + y2.mean((1, 2, 3), keepdim=False).unsqueeze(-1)


class EfficientFormer(nn.Module):
    """Pool mixers on maps, then one attention block, layer scales of both ranks."""

    def __init__(self, c: int = 12) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, c, 3, 2, 1), nn.BatchNorm2d(c), nn.ReLU(), nn.Conv2d(c, c, 3, 2, 1)
        )
        self.pool = nn.AvgPool2d(3, 1, 1, count_include_pad=False)
        self.layer_scale_1 = nn.Parameter(1e-5 * torch.ones(c))
        self.mlp = nn.Sequential(
            nn.Conv2d(c, 2 * c, 1), nn.BatchNorm2d(2 * c), nn.GELU(), nn.Conv2d(2 * c, c, 1)
        )
        self.norm, self.attn, self.head = nn.LayerNorm(c), TimmAttention(c, 2, False), nn.Linear(c, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        x = x + self.layer_scale_1.unsqueeze(-1).unsqueeze(-1) * (self.pool(x) - x)
        x = x + self.mlp(x)
        x = x.flatten(2).transpose(1, 2)
        return self.head((x + self.attn(self.norm(x))).mean(-2))


class PVT(nn.Module):
    """Spatial reduction attention as HF's Segformer writes it, with a mix-FFN."""

    def __init__(self, dim: int = 16, heads: int = 2, sr: int = 2) -> None:
        super().__init__()
        self.heads, self.size = heads, dim // heads
        self.proj, self.layer_norm = nn.Conv2d(3, dim, 7, 4, 3), nn.LayerNorm(dim)
        self.query, self.key, self.value = (nn.Linear(dim, dim) for _ in range(3))
        self.sr, self.sr_norm = nn.Conv2d(dim, dim, sr, sr), nn.LayerNorm(dim)
        self.dense1, self.dense2 = nn.Linear(dim, 2 * dim), nn.Linear(2 * dim, dim)
        self.dwconv = nn.Conv2d(2 * dim, 2 * dim, 3, 1, 1, bias=True, groups=2 * dim)
        self.classifier = nn.Conv2d(dim, 4, 1)

    def transpose_for_scores(self, x: Tensor) -> Tensor:
        return x.view((*x.size()[:-1], self.heads, self.size)).permute(0, 2, 1, 3)

    def forward(self, pixel_values: Tensor) -> dict[str, Tensor]:
        x = self.proj(pixel_values)
        _, _, height, width = x.shape
        hidden = self.layer_norm(x.flatten(2).transpose(1, 2))
        b, _, c = hidden.shape
        query = self.transpose_for_scores(self.query(hidden))
        reduced = (
            self.sr(hidden.permute(0, 2, 1).reshape(b, c, height, width)).reshape(b, c, -1).permute(0, 2, 1)
        )
        reduced = self.sr_norm(reduced)
        key = self.transpose_for_scores(self.key(reduced))
        value = self.transpose_for_scores(self.value(reduced))
        scores = torch.matmul(query, key.transpose(-1, -2)) / math.sqrt(self.size)
        context = torch.matmul(nn.functional.softmax(scores, dim=-1), value).permute(0, 2, 1, 3).contiguous()
        hidden = hidden + context.view((*context.size()[:-2], c))
        y = self.dense1(hidden)
        y = self.dwconv(y.transpose(1, 2).view(b, -1, height, width)).flatten(2).transpose(1, 2)
        hidden = hidden + self.dense2(F.gelu(y))
        logits = self.classifier(hidden.transpose(1, 2).reshape(b, c, height, width))
        logits = F.interpolate(logits, scale_factor=4, mode="bilinear", align_corners=False)
        return {"logits": logits, "labels": logits.argmax(dim=1)}


class XCA(nn.Module):
    """Cross-covariance attention between channels, and a local patch interaction."""

    def __init__(self, dim: int = 16, heads: int = 2) -> None:
        super().__init__()
        self.heads = heads
        self.stem, self.qkv = nn.Conv2d(3, dim, 8, 4, 2), nn.Linear(dim, dim * 3)
        self.temperature, self.proj = nn.Parameter(torch.ones(heads, 1, 1)), nn.Linear(dim, dim)
        self.conv1 = nn.Conv2d(dim, dim, 3, padding=1, groups=dim)
        self.bn, self.conv2 = nn.BatchNorm2d(dim), nn.Conv2d(dim, dim, 3, padding=1, groups=dim)
        self.norm, self.head = nn.LayerNorm(dim, eps=1e-6), nn.Linear(dim, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        hp, wp = x.shape[2], x.shape[3]
        x = x.flatten(2).transpose(1, 2)
        b, n, c = x.shape
        qkv = self.qkv(self.norm(x)).reshape(b, n, 3, self.heads, c // self.heads).permute(2, 0, 3, 4, 1)
        q, k, v = qkv.unbind(0)
        q, k = F.normalize(q, dim=-1, p=2.0), F.normalize(k, dim=-1)
        attn = ((q @ k.transpose(-2, -1)) * self.temperature).softmax(dim=-1)
        x = x + self.proj((attn @ v).permute(0, 3, 1, 2).reshape(b, n, c))
        y = x.permute(0, 2, 1).reshape(b, c, hp, wp)
        y = self.conv2(self.bn(F.gelu(self.conv1(y))))
        x = x + y.reshape(b, c, n).permute(0, 2, 1)
        return self.head(x[:, 0] + x.mean(1))


class EdgeNeXt(nn.Module):
    """Split depthwise encoder with Fourier positions computed in forward."""

    def __init__(self, dim: int = 16) -> None:
        super().__init__()
        self.stem, self.width = nn.Conv2d(3, dim, 4, 4), 4
        self.convs = nn.ModuleList(nn.Conv2d(4, 4, 3, padding=1, groups=4) for _ in range(3))
        self.token_projection = nn.Conv2d(8, dim, 1)
        self.norm_xca, self.xca, self.temperature = (
            nn.LayerNorm(dim),
            nn.Linear(dim, 3 * dim),
            nn.Parameter(torch.ones(2, 1, 1)),
        )
        self.norm, self.pwconv1, self.pwconv2 = (
            nn.LayerNorm(dim),
            nn.Linear(dim, 2 * dim),
            nn.Linear(2 * dim, dim),
        )
        self.gamma, self.head = nn.Parameter(1e-6 * torch.ones(dim)), nn.Linear(dim, 4)

    def positions(self, b: int, h: int, w: int) -> Tensor:
        mask = torch.zeros(b, h, w).bool()
        y_embed, x_embed = (~mask).cumsum(1, dtype=torch.float32), (~mask).cumsum(2, dtype=torch.float32)
        y_embed = y_embed / (y_embed[:, -1:, :] + 1e-6) * 2 * math.pi
        x_embed = x_embed / (x_embed[:, :, -1:] + 1e-6) * 2 * math.pi
        dim_t = torch.arange(4, dtype=torch.float32)
        dim_t = 10000 ** (2 * torch.div(dim_t, 2, rounding_mode="floor") / 4)
        px, py = x_embed[:, :, :, None] / dim_t, y_embed[:, :, :, None] / dim_t
        px = torch.stack((px[..., 0::2].sin(), px[..., 1::2].cos()), dim=4).flatten(3)
        py = torch.stack((py[..., 0::2].sin(), py[..., 1::2].cos()), dim=4).flatten(3)
        return torch.cat((py, px), dim=3).permute(0, 3, 1, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        shortcut = x
        spx = torch.split(x, self.width, 1)
        sp = out = spx[0]
        for i, conv in enumerate(self.convs):
            sp = spx[i] if i == 0 else sp + spx[i]
            sp = conv(sp)
            out = sp if i == 0 else torch.cat((out, sp), 1)
        x = torch.cat((out, spx[3]), 1)
        b, c, h, w = x.shape
        x = x.reshape(b, c, h * w).permute(0, 2, 1)
        x = x + self.token_projection(self.positions(b, h, w)).reshape(b, -1, x.shape[1]).permute(0, 2, 1)
        qkv = self.xca(self.norm_xca(x)).reshape(b, h * w, 3, 2, c // 2).permute(2, 0, 3, 1, 4)
        q, k, v = (t.transpose(-2, -1) for t in (qkv[0], qkv[1], qkv[2]))
        q, k = F.normalize(q, dim=-1), F.normalize(k, dim=-1)
        attn = ((q @ k.transpose(-2, -1)) * self.temperature).softmax(-1)
        x = x + (attn @ v).permute(0, 3, 1, 2).reshape(b, h * w, c)
        x = x.reshape(b, h, w, c)
        x = self.gamma * self.pwconv2(F.gelu(self.pwconv1(self.norm(x))))
        x = shortcut + x.permute(0, 3, 1, 2)
        return self.head(x.mean([-2, -1]))


MODELS: dict[str, Model] = {
    "mobilevit": lambda: (fresh(MobileViTBlock()), image(16)),
    "mobilevit_resized": lambda: (fresh(MobileViTBlock()), image(18)),
    "mobilevit_v2": lambda: (fresh(MobileViTV2()), image(16)),
    "cvt": lambda: (fresh(CvT()), image()),
    "levit": lambda: (fresh(LeViT()), image()),
    "efficientformer": lambda: (fresh(EfficientFormer()), image()),
    "pvt_segformer": lambda: (fresh(PVT()), image()),
    "xcit": lambda: (fresh(XCA()), image()),
    "edgenext": lambda: (fresh(EdgeNeXt()), image()),
}
