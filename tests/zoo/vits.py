"""Plain vision transformers: nn.MultiheadAttention, timm's and lucidrains' manners, DeiT, CaiT, CCT, T2T."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.zoo.common import Model, fresh, image


class EncoderBlock(nn.Module):
    """As torchvision's vit_b_16."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(dim, eps=1e-6)
        self.self_attention = nn.MultiheadAttention(dim, heads, dropout=0.1, batch_first=True)
        self.ln_2 = nn.LayerNorm(dim, eps=1e-6)
        self.mlp = nn.Sequential(nn.Linear(dim, 2 * dim), nn.GELU(), nn.Dropout(0.1), nn.Linear(2 * dim, dim))

    def forward(self, input: Tensor) -> Tensor:
        torch._assert(input.dim() == 3, f"Expected (B, N, C) got {input.shape}")
        x = self.ln_1(input)
        x, _ = self.self_attention(x, x, x, need_weights=False)
        x = F.dropout(x, 0.1, self.training) + input
        return x + self.mlp(self.ln_2(x))


class ViT(nn.Module):
    def __init__(self, size: int = 32, patch: int = 8, dim: int = 24, heads: int = 3) -> None:
        super().__init__()
        self.conv_proj = nn.Conv2d(3, dim, patch, patch)
        self.class_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.pos_embedding = nn.Parameter(torch.empty(1, (size // patch) ** 2 + 1, dim).normal_(std=0.02))
        self.layers = nn.Sequential(EncoderBlock(dim, heads), EncoderBlock(dim, heads))
        self.ln, self.head = nn.LayerNorm(dim), nn.Linear(dim, 10)

    def forward(self, x: Tensor) -> Tensor:
        n = x.shape[0]
        x = self.conv_proj(x).reshape(n, -1, 16).permute(0, 2, 1)
        x = torch.cat([self.class_token.expand(n, -1, -1), x], dim=1)
        x = self.ln(self.layers(x + self.pos_embedding))
        return self.head(x[:, 0])


class TimmAttention(nn.Module):
    def __init__(self, dim: int, heads: int, fused: bool, qk_norm: bool = False) -> None:
        super().__init__()
        self.num_heads, self.head_dim, self.fused = heads, dim // heads, fused
        self.scale = self.head_dim**-0.5
        self.qkv, self.proj = nn.Linear(dim, dim * 3), nn.Linear(dim, dim)
        self.q_norm = nn.LayerNorm(self.head_dim) if qk_norm else nn.Identity()
        self.k_norm = nn.LayerNorm(self.head_dim) if qk_norm else nn.Identity()
        self.attn_drop = nn.Dropout(0.1)

    def forward(self, x: Tensor) -> Tensor:
        b, n, c = x.shape
        qkv = self.qkv(x).reshape(b, n, 3, self.num_heads, self.head_dim).permute(2, 0, 3, 1, 4)
        q, k, v = qkv.unbind(0)
        q, k = self.q_norm(q), self.k_norm(k)
        if self.fused:
            x = F.scaled_dot_product_attention(q, k, v, dropout_p=0.1 if self.training else 0.0)
        else:
            q = q * self.scale
            attn = (q @ k.transpose(-2, -1)).softmax(dim=-1)
            x = self.attn_drop(attn) @ v
        return self.proj(x.transpose(1, 2).reshape(b, n, c))


class LayerScale(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(1e-5 * torch.ones(dim))

    def forward(self, x: Tensor) -> Tensor:
        return x.mul_(self.gamma)


class DeiT(nn.Module):
    """timm's manner, with a distillation token and layer scale."""

    def __init__(self, dim: int = 16, heads: int = 2, fused: bool = True) -> None:
        super().__init__()
        self.patch_embed = nn.Conv2d(3, dim, 8, 8)
        self.cls_token, self.dist_token = (nn.Parameter(torch.zeros(1, 1, dim)) for _ in range(2))
        self.pos_embed = nn.Parameter(torch.randn(1, 18, dim) * 0.02)
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attn = TimmAttention(dim, heads, fused, qk_norm=not fused)
        self.ls1 = LayerScale(dim)
        self.fc1, self.fc2 = nn.Linear(dim, 4 * dim), nn.Linear(4 * dim, dim)
        self.head, self.head_dist = nn.Linear(dim, 5), nn.Linear(dim, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patch_embed(x).flatten(2).transpose(1, 2)
        tokens = (self.cls_token.expand(x.shape[0], -1, -1), self.dist_token.expand(x.shape[0], -1, -1), x)
        x = torch.cat(tokens, dim=1) + self.pos_embed
        x = x + self.ls1(self.attn(self.norm1(x)))
        x = x + self.fc2(F.gelu(self.fc1(self.norm2(x)), approximate="tanh"))
        return (self.head(x[:, 0]) + self.head_dist(x[:, 1])) / 2


class SimpleViT(nn.Module):
    """lucidrains' manner: patches by reshaping, sine positions made in forward, mean pooling, no bias."""

    def __init__(self, dim: int = 16, heads: int = 2, patch: int = 8) -> None:
        super().__init__()
        self.patch, self.heads, self.scale = patch, heads, (dim // heads) ** -0.5
        self.to_patch_embedding = nn.Sequential(
            nn.LayerNorm(3 * patch * patch), nn.Linear(3 * patch * patch, dim), nn.LayerNorm(dim)
        )
        self.norm = nn.LayerNorm(dim)
        self.to_qkv, self.to_out = nn.Linear(dim, 3 * dim, bias=False), nn.Linear(dim, dim, bias=False)
        self.linear_head = nn.Linear(dim, 10)

    @staticmethod
    def positions(h: int, w: int, dim: int, dtype: torch.dtype) -> Tensor:
        y, x = torch.meshgrid(torch.arange(h), torch.arange(w), indexing="ij")
        omega = 1.0 / (10000 ** (torch.arange(dim // 4) / (dim // 4 - 1)))
        y, x = y.flatten()[:, None] * omega[None, :], x.flatten()[:, None] * omega[None, :]
        return torch.cat((x.sin(), x.cos(), y.sin(), y.cos()), dim=1).type(dtype)

    def forward(self, img: Tensor) -> Tensor:
        b, c, h, w = img.shape
        p = self.patch
        x = img.reshape(b, c, h // p, p, w // p, p).permute(0, 2, 4, 3, 5, 1).reshape(b, -1, p * p * c)
        x = self.to_patch_embedding(x)
        x = x + self.positions(h // p, w // p, x.shape[-1], x.dtype).to(x.device)
        q, k, v = (
            t.view(b, -1, self.heads, 8).transpose(1, 2) for t in self.to_qkv(self.norm(x)).chunk(3, -1)
        )
        dots = torch.matmul(q, k.transpose(-1, -2)) * self.scale
        out = torch.einsum("bhij,bhjd->bhid", dots.softmax(-1), v)
        x = self.to_out(out.transpose(1, 2).flatten(2)) + x
        return self.linear_head(x.mean(dim=1))


class ClassAttention(nn.Module):
    """CaiT: only the class token asks, einsum does the products."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.h, self.q, self.kv = heads, nn.Linear(dim, dim), nn.Linear(dim, 2 * dim)
        self.proj, self.talk = nn.Linear(dim, dim), nn.Conv2d(heads, heads, 1)

    def forward(self, cls: Tensor, x: Tensor) -> Tensor:
        u = torch.cat((cls, x), dim=1)
        b, n, c = u.shape
        q = self.q(u[:, 0]).unsqueeze(1).reshape(b, 1, self.h, c // self.h).permute(0, 2, 1, 3)
        k, v = self.kv(u).reshape(b, n, 2, self.h, c // self.h).permute(2, 0, 3, 1, 4)
        attn = torch.einsum("b h i d, b h j d -> b h i j", q, k) * (c // self.h) ** -0.5
        attn = self.talk(attn).softmax(dim=-1)  # talking heads
        return self.proj((attn @ v).transpose(1, 2).reshape(b, 1, c))


class CaiT(nn.Module):
    def __init__(self, dim: int = 16) -> None:
        super().__init__()
        self.patch, self.cls = nn.Conv2d(3, dim, 8, 8), nn.Parameter(torch.zeros(1, 1, dim))
        self.attn, self.norm, self.head = ClassAttention(dim, 4), nn.LayerNorm(dim), nn.Linear(dim, 4)
        self.gamma = nn.Parameter(torch.ones(dim) * 1e-4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.patch(x).flatten(2).mT)
        cls = self.cls.repeat(x.shape[0], 1, 1)
        cls = cls + self.gamma * self.attn(cls, x)
        return self.head(cls.squeeze(1))


class CCT(nn.Module):
    """Convolutional tokenizer, sequence pooling, nn.TransformerEncoder."""

    def __init__(self, dim: int = 16) -> None:
        super().__init__()
        self.tokenizer = nn.Sequential(
            nn.Conv2d(3, dim, 3, 1, 1, bias=False), nn.ReLU(), nn.MaxPool2d(3, 4, 1)
        )
        layer = nn.TransformerEncoderLayer(dim, 2, 32, 0.1, F.gelu, batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)
        self.attention_pool, self.fc = nn.Linear(dim, 1), nn.Linear(dim, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.encoder(self.tokenizer(x).flatten(2, 3).transpose(-2, -1))
        weights = F.softmax(self.attention_pool(x), dim=1).transpose(-1, -2)
        return self.fc(torch.matmul(weights, x).squeeze(-2))


class T2T(nn.Module):
    """Soft splits by nn.Unfold and one attention between them."""

    def __init__(self, dim: int = 12) -> None:
        super().__init__()
        self.soft_split0, self.soft_split1 = nn.Unfold(7, 1, 2, 4), nn.Unfold(3, 1, 1, 2)
        self.attn, self.norm = nn.Linear(147, dim), nn.LayerNorm(147)
        self.mha = nn.MultiheadAttention(dim, 1, batch_first=True)
        self.project, self.head = nn.Linear(dim * 9, 8), nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.attn(self.norm(self.soft_split0(x).transpose(1, 2)))
        x = x + self.mha(x, x, x)[0]
        b, n, c = x.shape
        side = int(math.sqrt(n))
        x = self.soft_split1(x.transpose(1, 2).reshape(b, c, side, side)).transpose(1, 2)
        return self.head(self.project(x).mean(1))


MODELS: dict[str, Model] = {
    "vit": lambda: (fresh(ViT()), image()),
    "deit": lambda: (fresh(DeiT()), image()),
    "deit_explicit": lambda: (fresh(DeiT(fused=False)), image()),
    "simple_vit": lambda: (fresh(SimpleViT()), image()),
    "cait": lambda: (fresh(CaiT()), image()),
    "cct": lambda: (fresh(CCT()), image()),
    "t2t": lambda: (fresh(T2T()), image(16)),
}
