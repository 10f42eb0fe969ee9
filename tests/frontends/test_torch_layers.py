"""Layers, products and attention, imported and compared with PyTorch."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

torch = pytest.importorskip("torch")

from torch import Tensor, nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402

from tests.frontends.torch_check import IMAGE, TOKENS, Call, check_each, ops, rand  # noqa: E402

VIDEO = rand(1, 4, 3, 6, 5)
SPATIAL: list[tuple[nn.Module, Tensor]] = [
    (nn.Conv2d(4, 6, 3, bias=False), IMAGE),
    (nn.Conv2d(4, 6, (3, 2), (2, 1), (1, 0), (2, 1)), IMAGE),
    (nn.Conv2d(4, 8, 3, groups=2, padding=1), IMAGE),
    (nn.Conv2d(4, 8, 3, groups=4, padding="same"), IMAGE),
    (nn.Conv2d(4, 4, 4, padding="same"), IMAGE),
    (nn.Conv2d(4, 4, 3, padding=2, padding_mode="reflect"), IMAGE),
    (nn.Conv2d(4, 3, 1), rand(4, 5, 5)),
    (nn.Conv2d(1, 3, 3), rand(1, 1, 5, 5)),
    (nn.Conv1d(6, 4, 3, 2, 1), TOKENS),
    (nn.Conv1d(6, 6, 3, groups=6, dilation=2), TOKENS),
    (nn.Conv1d(6, 4, 3), rand(6, 9)),
    (nn.Conv3d(4, 6, (3, 3, 1), padding=(1, 1, 0)), VIDEO),
    (nn.Conv3d(4, 4, (1, 3, 3), (1, 2, 2), groups=4), VIDEO),
    (nn.ConvTranspose2d(4, 6, 3, 2, 1, 1), IMAGE),
    (nn.ConvTranspose2d(4, 6, 4, 2, 1, groups=2), IMAGE),
    (nn.ConvTranspose2d(4, 4, 2, 2, groups=4, bias=False), IMAGE),
    (nn.ConvTranspose1d(6, 5, 4, 2, 1), TOKENS),
    (nn.ConvTranspose2d(4, 3, 3, dilation=2), IMAGE),
    (nn.MaxPool2d(2), IMAGE),
    (nn.MaxPool2d(3, 2, 1), IMAGE),
    (nn.MaxPool2d(3, 2, 1, ceil_mode=True), IMAGE),
    (nn.MaxPool2d(3, 3, 1, ceil_mode=True), IMAGE),
    (nn.MaxPool2d(2, 1, dilation=3), IMAGE),
    (nn.MaxPool1d(3, 2, 1), TOKENS),
    (nn.AvgPool2d(2), IMAGE),
    (nn.AvgPool2d(3, 2, 1), IMAGE),
    (nn.AvgPool2d(3, 2, 1, count_include_pad=False), IMAGE),
    (nn.AvgPool2d(3, 2, ceil_mode=True), IMAGE),
    (nn.AvgPool2d(3, 3, 1, ceil_mode=True), IMAGE),
    (nn.AvgPool2d((2, 3), (1, 2), (1, 0)), IMAGE),
    (nn.AvgPool2d(3, 2, 1, ceil_mode=True, count_include_pad=False), IMAGE),
    (nn.AvgPool1d(4, 2, 2), TOKENS),
    (nn.AdaptiveAvgPool2d(1), IMAGE),
    (nn.AdaptiveAvgPool2d(4), IMAGE),
    (nn.AdaptiveAvgPool2d((3, 5)), IMAGE),
    (nn.AdaptiveAvgPool2d(12), IMAGE),
    (nn.AdaptiveAvgPool2d((None, 2)), IMAGE),
    (nn.AdaptiveMaxPool2d((3, 2)), IMAGE),
    (nn.AdaptiveAvgPool1d(3), TOKENS),
    (nn.AdaptiveMaxPool1d(4), TOKENS),
    (nn.AdaptiveAvgPool1d(1), TOKENS),
    (nn.Upsample(scale_factor=2), IMAGE),
    (nn.Upsample(size=(5, 11)), IMAGE),
    (nn.Upsample(scale_factor=2, mode="nearest-exact"), IMAGE),
    (nn.Upsample(scale_factor=1.7), IMAGE),
    (nn.Upsample(scale_factor=2, mode="bilinear"), IMAGE),
    (nn.Upsample(size=(5, 13), mode="bilinear", align_corners=True), IMAGE),
    (nn.Upsample(scale_factor=1.7, mode="bilinear"), IMAGE),
    (nn.Upsample(size=(6, 3), mode="bilinear"), IMAGE),
    (nn.Upsample(scale_factor=2, mode="bicubic"), IMAGE),
    (nn.Upsample(size=11, mode="linear"), TOKENS),
    (nn.Upsample(size=11), TOKENS),
    (nn.UpsamplingBilinear2d(scale_factor=2), IMAGE),
    (Call(lambda x: F.interpolate(x, (5, 4), mode="bilinear", antialias=True)), IMAGE),
    (nn.BatchNorm2d(4), IMAGE),
    (nn.BatchNorm2d(4, affine=False), IMAGE),
    (nn.BatchNorm1d(6), TOKENS),
    (nn.BatchNorm1d(9), rand(2, 9)),
    (nn.GroupNorm(2, 4), IMAGE),
    (nn.GroupNorm(1, 6, affine=False), TOKENS),
    (nn.GroupNorm(3, 6), rand(2, 6)),
    (nn.InstanceNorm2d(4), IMAGE),
    (nn.InstanceNorm1d(6, affine=True), TOKENS),
    (nn.InstanceNorm2d(4, track_running_stats=True), IMAGE),
    (nn.BatchNorm2d(4, track_running_stats=False), IMAGE),
    (nn.LayerNorm(8), IMAGE),
    (nn.LayerNorm([4, 8, 8]), IMAGE),
    (nn.LayerNorm(8, elementwise_affine=False), TOKENS),
    (nn.LayerNorm(8, bias=False), TOKENS),
    (nn.RMSNorm(8), TOKENS),
    (nn.RMSNorm(8, eps=1e-3), IMAGE),
    (nn.LocalResponseNorm(2), IMAGE),
    (nn.Flatten(), IMAGE),
    (nn.Dropout2d(), IMAGE),
    (nn.ZeroPad2d(1), IMAGE),
    (nn.utils.parametrizations.weight_norm(nn.Linear(8, 3)), TOKENS),
    (nn.utils.parametrizations.spectral_norm(nn.Conv2d(4, 3, 3)), IMAGE),
]


def test_layers() -> None:
    torch.manual_seed(0)
    groups: dict[int, tuple[Tensor, list[nn.Module]]] = {}
    for module, x in SPATIAL:
        with torch.no_grad():
            for p in module.parameters():
                p.add_(0.1 * torch.randn_like(p))
        groups.setdefault(id(x), (x, []))[1].append(module)
    for x, modules in groups.values():
        check_each(modules, x)


A, B = rand(2, 5, 6), rand(2, 6, 7)
PRODUCTS: list[Callable[[Tensor, Tensor], Tensor]] = [
    lambda a, b: torch.matmul(a, b),
    lambda a, b: torch.bmm(a, b),
    lambda a, b: torch.einsum("bij,bjk->bki", a, b),
    lambda a, b: torch.einsum("bij,bjk->ik", a, b),
    lambda a, b: torch.baddbmm(rand(5, 7), a, b, beta=0.5, alpha=2),
    lambda a, b: torch.mm(a[0], b[0]),
    lambda a, b: torch.matmul(a, b[0]),
    lambda a, b: torch.matmul(a[0], b),
    lambda a, b: torch.mv(a[0], b[0, :, 0]),
    lambda a, b: torch.dot(a[0, 0], b[0, :, 0]),
    lambda a, b: torch.outer(a[0, 0], b[0, 0]),
    lambda a, b: torch.matmul(a[0, 0], b),
    lambda a, b: a @ rand(6, 3),
    lambda a, b: rand(3, 5) @ a,
    lambda a, b: a @ rand(2, 6, 3),
    lambda a, b: rand(2, 3, 5) @ a,
    lambda a, b: torch.einsum("bij,kj->bik", a, rand(3, 6)),
    lambda a, b: torch.einsum("bij,ki->bkj", a, rand(3, 5)),
    lambda a, b: torch.einsum("bij,bij->b", a, a),
    lambda a, b: torch.addmm(rand(7), a[0], rand(6, 7)),
    lambda a, b: F.linear(a, rand(3, 6), rand(3)),
    lambda a, b: F.linear(a[0, 0], rand(3, 6)),
    lambda a, b: torch.tensordot(a, rand(6, 4), dims=1),
    lambda a, b: a[0] @ a[0].t(),
    lambda a, b: F.linear(a[0], a[1]),
    lambda a, b: torch.kron(a[0], torch.ones(2, 1)),
]


def test_products() -> None:
    check_each([lambda a, b, fn=fn: fn(a, b) + 1 for fn in PRODUCTS], A, B)


def test_many_constant_matrices_are_one_op() -> None:
    left, right, x = rand(20, 4, 3), rand(20, 5, 2), rand(20, 3, 5)
    graph = check_each([lambda x: left @ x, lambda x: x @ right, lambda x: left[:, :1] @ x], x)
    assert ops(graph).count("conv2d") == 3 and "linear" not in ops(graph)


Q, K, V = rand(1, 2, 5, 4), rand(1, 2, 7, 4), rand(1, 2, 7, 3)
ATTENTION: list[Callable[..., Tensor]] = [
    F.scaled_dot_product_attention,
    lambda q, k, v: F.scaled_dot_product_attention(q, k, v, scale=0.3),
    lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True),
    lambda q, k, v: F.scaled_dot_product_attention(q, k, v, attn_mask=torch.ones(5, 7).tril(1).bool()),
    lambda q, k, v: F.scaled_dot_product_attention(q, k, v, attn_mask=rand(1, 2, 5, 7)),
    lambda q, k, v: F.scaled_dot_product_attention(
        q, k, v, attn_mask=torch.zeros(5, 7).masked_fill(torch.ones(5, 7).triu(2).bool(), -math.inf)
    ),
    lambda q, k, v: F.scaled_dot_product_attention(
        q,
        k,
        v,
        attn_mask=torch.full((1, 7), torch.finfo(torch.float32).min).index_fill(1, torch.tensor([1, 3]), 0.0),
    ),
    lambda q, k, v: F.scaled_dot_product_attention(q[0], k[0], v[0]),
    lambda q, k, v: F.scaled_dot_product_attention(
        q[:, :, None], k[:, :, None], v[:, :, None], attn_mask=rand(2, 1, 5, 7)
    ),
    lambda q, k, v: F.scaled_dot_product_attention(q[0, 0], k[0, 0], v[0, 0]),
    lambda q, k, v: F.scaled_dot_product_attention(q.repeat(1, 2, 1, 1), k, v, enable_gqa=True),
]


def test_attention_among_constants_is_folded() -> None:
    queries = rand(1, 2, 5, 4)
    graph = check_each([lambda x: x + F.scaled_dot_product_attention(queries, queries, queries)], Q)
    assert ops(graph) == ["add"]


def test_attention() -> None:
    graph = check_each(ATTENTION, Q, K, V)
    assert ops(graph).count("attention") == len(ATTENTION)
    assert "softmax" not in ops(graph)
