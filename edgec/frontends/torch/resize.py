"""Interpolation: nearest, bilinear, bicubic, with and without anti-aliasing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgec.frontends.torch.builder import Builder, Operand, lowers
from edgec.frontends.torch.products import along

_Sizes = Sequence[int] | None
_Scales = Sequence[float | None] | None


def _size(x: Operand, size: _Sizes, scales: _Scales) -> tuple[int, ...]:
    """The spatial size after resizing, from a size or from factors."""
    if size is not None:
        return tuple(int(s) for s in size)
    assert scales is not None
    return tuple(int(n * float(f or 1)) for n, f in zip(x.shape[2:], scales, strict=True))


def _uniform(x: Operand, size: Sequence[int], scales: Sequence[float | None]) -> bool:
    """Whether torch's coordinates are those of the plain ratio of sizes."""
    return all(
        f is None or abs(n * float(f) - m) < 1e-6
        for n, m, f in zip(x.shape[2:], size, scales, strict=True)
    )  # fmt: skip


@lowers("upsample_nearest2d.vec", "upsample_nearest1d.vec")
def _nearest(b: Builder, x: Operand, size: _Sizes, scales: _Scales) -> Any:
    return _take_nearest(b, x, _size(x, size, scales), scales, exact=False)


@lowers("_upsample_nearest_exact2d.vec", "_upsample_nearest_exact1d.vec")
def _nearest_exact(b: Builder, x: Operand, size: _Sizes, scales: _Scales) -> Any:
    return _take_nearest(b, x, _size(x, size, scales), scales, exact=True)


@lowers("upsample_nearest2d", "upsample_nearest1d")
def _nearest_sized(b: Builder, x: Operand, size: Sequence[int], *scales: float | None) -> Any:
    return _take_nearest(b, x, size, scales, exact=False)


@lowers("_upsample_nearest_exact2d", "_upsample_nearest_exact1d")
def _nearest_exact_sized(b: Builder, x: Operand, size: Sequence[int], *scales: float | None) -> Any:
    return _take_nearest(b, x, size, scales, exact=True)


def _take_nearest(b: Builder, x: Operand, size: Sequence[int], scales: _Scales, exact: bool) -> Any:
    import torch

    spatial = len(size)
    given = list(scales) if scales else [None] * spatial
    if _uniform(x, size, given):
        if tuple(size) == x.shape[2:]:
            return x
        full = (int(size[0]), int(size[1]) if spatial == 2 else 1)
        attrs = {"size": full, "half_pixel": exact, "align_corners": False}
        return b.channels_last(x, spatial, lambda y: b.emit("resize_nearest", [y], attrs))
    mode = "nearest-exact" if exact else "nearest"
    for k, (m, factor) in enumerate(zip(size, given, strict=True)):  # let torch name the elements
        line = torch.arange(x.shape[2 + k], dtype=torch.float32)[None, None]
        kwargs = {"size": int(m)} if factor is None else {"scale_factor": float(factor)}
        picked = torch.nn.functional.interpolate(line, mode=mode, **kwargs)
        x = b.take(x, 2 + k, [int(i) for i in picked.flatten()])
    return x


@lowers("upsample_bilinear2d.vec")
def _bilinear(b: Builder, x: Operand, size: _Sizes, align: bool, scales: _Scales) -> Any:
    return _take_linear(b, x, _size(x, size, scales), align, scales)


@lowers("upsample_bilinear2d", "upsample_linear1d")
def _bilinear_sized(b: Builder, x: Operand, size: Sequence[int], align: bool, *scales: float | None) -> Any:
    return _take_linear(b, x, size, align, scales)


@lowers("upsample_linear1d.vec")
def _linear1d(b: Builder, x: Operand, size: _Sizes, align: bool, scales: _Scales) -> Any:
    return _take_linear(b, x, _size(x, size, scales), align, scales)


def _take_linear(b: Builder, x: Operand, size: Sequence[int], align: bool, scales: _Scales) -> Any:
    spatial = len(size)
    given = list(scales) if scales else [None] * spatial
    if not align and not _uniform(x, size, given):
        return _separable(b, x, size, given, "linear", align, antialias=False)
    if tuple(size) == x.shape[2:]:
        return x
    full = (int(size[0]), int(size[1]) if spatial == 2 else 1)
    attrs = {"size": full, "half_pixel": not align, "align_corners": bool(align)}
    return b.channels_last(x, spatial, lambda y: b.emit("resize_bilinear", [y], attrs))


@lowers("upsample_bicubic2d.vec")
def _bicubic(b: Builder, x: Operand, size: _Sizes, align: bool, scales: _Scales) -> Any:
    full = _size(x, size, scales)
    return _separable(b, x, full, list(scales or [None, None]), "cubic", align, antialias=False)


@lowers("_upsample_bilinear2d_aa.vec")
def _bilinear_aa(b: Builder, x: Operand, size: _Sizes, align: bool, scales: _Scales) -> Any:
    full = _size(x, size, scales)
    return _separable(b, x, full, list(scales or [None, None]), "linear", align, antialias=True)


@lowers("_upsample_bicubic2d_aa.vec")
def _bicubic_aa(b: Builder, x: Operand, size: _Sizes, align: bool, scales: _Scales) -> Any:
    full = _size(x, size, scales)
    return _separable(b, x, full, list(scales or [None, None]), "cubic", align, antialias=True)


def _separable(
    b: Builder,
    x: Operand,
    size: Sequence[int],
    scales: Sequence[float | None],
    kind: str,
    align: bool,
    antialias: bool,
) -> Any:
    """Any such filter is a constant matrix along H and one along W: torch's answer to unit vectors."""
    import torch

    for k, (m, factor) in enumerate(zip(size, scales, strict=True)):
        n = x.shape[2 + k]
        if n == m and factor in (None, 1):
            continue
        units = torch.eye(n)[None, None]  # column i is the i-th unit vector along H
        kwargs: dict[str, Any] = (
            {"size": (int(m), n)} if factor is None or align else {"scale_factor": (float(factor), 1.0)}
        )
        response = torch.nn.functional.interpolate(
            units, mode="bi" + kind, align_corners=align, antialias=antialias, **kwargs
        )
        matrix = response[0, 0].contiguous()
        x = along(b, x, 2 + k, b.tensor(matrix, f"{kind}_{n}_{m}"))
    return x
