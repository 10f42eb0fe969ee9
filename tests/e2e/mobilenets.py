"""Convolutional networks at the geometries that people publish, as `package.module:callable`."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Example = tuple[nn.Module, tuple[Tensor, ...]]


def _divisible(c: float) -> int:
    """The multiple of 8 nearest to c, but not more than a tenth below it."""
    n = max(8, int(c + 4) // 8 * 8)
    return n if n >= 0.9 * c else n + 8


def _conv(
    c_in: int,
    c_out: int,
    kernel: int,
    stride: int = 1,
    groups: int = 1,
    act: type[nn.Module] | None = nn.ReLU6,
) -> nn.Sequential:
    """Convolution, batch norm, activation."""
    layers: list[nn.Module] = [
        nn.Conv2d(c_in, c_out, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(c_out),
    ]
    return nn.Sequential(*layers, *([act()] if act else []))


class Inverted(nn.Module):
    """An inverted residual, with squeeze-and-excite where asked for."""

    def __init__(
        self,
        c_in: int,
        hidden: int,
        c_out: int,
        kernel: int,
        stride: int,
        act: type[nn.Module],
        excite: bool = False,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = [] if hidden == c_in else [_conv(c_in, hidden, 1, act=act)]
        layers.append(_conv(hidden, hidden, kernel, stride, hidden, act))
        if excite:
            layers.append(Excite(hidden))
        self.conv = nn.Sequential(*layers, _conv(hidden, c_out, 1, act=None))
        self.skip = stride == 1 and c_in == c_out

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.conv(x) if self.skip else self.conv(x)
        return out


class Excite(nn.Module):
    """Squeeze-and-excite (Hu et al., 2018), gated as in MobileNetV3."""

    def __init__(self, c: int) -> None:
        super().__init__()
        squeezed = _divisible(c / 4)
        self.down, self.up = nn.Conv2d(c, squeezed, 1), nn.Conv2d(squeezed, c, 1)

    def forward(self, x: Tensor) -> Tensor:
        gate = self.up(F.relu(self.down(F.adaptive_avg_pool2d(x, 1))))
        return x * F.hardsigmoid(gate)


class MobileNetV2(nn.Module):
    """MobileNetV2 (Sandler et al., 2018) as torchvision builds it."""

    STAGES = (
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
        c = _divisible(32 * width)
        layers: list[nn.Module] = [_conv(3, c, 3, 2)]
        for expand, channels, repeats, stride in self.STAGES:
            for k in range(repeats):
                out = _divisible(channels * width)
                layers.append(Inverted(c, c * expand, out, 3, stride if k == 0 else 1, nn.ReLU6))
                c = out
        last = _divisible(1280 * max(1.0, width))
        self.features = nn.Sequential(*layers, _conv(c, last, 1))
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(last, classes))

    def forward(self, x: Tensor) -> Tensor:
        y = F.adaptive_avg_pool2d(self.features(x), 1)
        out: Tensor = self.classifier(torch.flatten(y, 1))
        return out


class MobileNetV3(nn.Module):
    """MobileNetV3-Small (Howard et al., 2019): h-swish, 5 x 5 kernels, squeeze-and-excite."""

    STAGES = (  # kernel, hidden, out, excite, h-swish, stride
        (3, 16, 16, True, False, 2),
        (3, 72, 24, False, False, 2),
        (3, 88, 24, False, False, 1),
        (5, 96, 40, True, True, 2),
        (5, 240, 40, True, True, 1),
        (5, 120, 48, True, True, 1),
        (5, 288, 96, True, True, 2),
        (5, 576, 96, True, True, 1),
    )

    def __init__(self, width: float, classes: int) -> None:
        super().__init__()
        c = _divisible(16 * width)
        layers: list[nn.Module] = [_conv(3, c, 3, 2, act=nn.Hardswish)]
        for kernel, hidden, channels, excite, swish, stride in self.STAGES:
            out, act = _divisible(channels * width), nn.Hardswish if swish else nn.ReLU
            layers.append(Inverted(c, _divisible(hidden * width), out, kernel, stride, act, excite))
            c = out
        self.features = nn.Sequential(*layers, _conv(c, 6 * c, 1, act=nn.Hardswish))
        self.classifier = nn.Sequential(nn.Linear(6 * c, 128), nn.Hardswish(), nn.Linear(128, classes))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.classifier(self.features(x).mean([2, 3]))
        return out


class UNet(nn.Module):
    """A U-Net (Ronneberger et al., 2015) of three levels, upsampled by transposed convolutions."""

    def __init__(self, c: int) -> None:
        super().__init__()
        self.down = nn.ModuleList([self.pair(3, c), self.pair(c, 2 * c), self.pair(2 * c, 4 * c)])
        self.rise = nn.ModuleList(
            [nn.ConvTranspose2d(4 * c, 2 * c, 2, 2), nn.ConvTranspose2d(2 * c, c, 2, 2)]
        )
        self.up = nn.ModuleList([self.pair(4 * c, 2 * c), self.pair(2 * c, c)])
        self.head = nn.Conv2d(c, 2, 1)

    @staticmethod
    def pair(c_in: int, c_out: int) -> nn.Sequential:
        return nn.Sequential(_conv(c_in, c_out, 3, act=nn.ReLU), _conv(c_out, c_out, 3, act=nn.ReLU))

    def forward(self, x: Tensor) -> Tensor:
        a = self.down[0](x)
        b = self.down[1](F.max_pool2d(a, 2))
        y = self.down[2](F.max_pool2d(b, 2))
        for rise, up, skip in zip(self.rise, self.up, (b, a), strict=True):
            y = up(torch.cat([skip, rise(y)], 1))
        out: Tensor = self.head(y)
        return out


class Cross(nn.Module):
    """A cross-stage block: half of the channels go through bottlenecks, the others around."""

    def __init__(self, c: int) -> None:
        super().__init__()
        self.enter, self.leave = _conv(c, c, 1, act=nn.SiLU), _conv(c + c // 2, c, 1, act=nn.SiLU)
        self.inner = nn.Sequential(
            _conv(c // 2, c // 2, 3, act=nn.SiLU), _conv(c // 2, c // 2, 3, act=nn.SiLU)
        )

    def forward(self, x: Tensor) -> Tensor:
        a, b = self.enter(x).chunk(2, 1)
        out: Tensor = self.leave(torch.cat([a, b, b + self.inner(b)], 1))
        return out


class Detector(nn.Module):
    """A one-stage detector in the manner of YOLO: three scales, top-down upsampling, a head at each."""

    def __init__(self, c: int, outputs: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(_conv(3, c, 3, 2, act=nn.SiLU), _conv(c, 2 * c, 3, 2, act=nn.SiLU))
        widths = (2 * c, 4 * c, 8 * c)
        self.stages = nn.ModuleList(
            [
                nn.Sequential(_conv(i, o, 3, 2, act=nn.SiLU), Cross(o))
                for i, o in zip((2 * c, *widths), widths, strict=False)
            ]
        )
        self.pools = nn.MaxPool2d(5, 1, 2)
        self.neck = _conv(16 * c, 8 * c, 1, act=nn.SiLU)
        self.merge = nn.ModuleList(
            [_conv(12 * c, 4 * c, 1, act=nn.SiLU), _conv(6 * c, 2 * c, 1, act=nn.SiLU)]
        )
        self.heads = nn.ModuleList([nn.Conv2d(w, outputs, 1) for w in reversed(widths)])

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        x = self.stem(x)
        levels = []
        for stage in self.stages:
            x = stage(x)
            levels.append(x)
        y = self.neck(torch.cat([x, self.pools(x)], 1))
        found = [self.heads[0](y)]
        for merge, head, level in zip(self.merge, list(self.heads)[1:], (levels[1], levels[0]), strict=True):
            y = merge(torch.cat([F.interpolate(y, scale_factor=2.0, mode="nearest"), level], 1))
            found.append(head(y))
        return tuple(found)


class ResNet8(nn.Module):
    """The ResNet of MLPerf Tiny's image classification (Banbury et al., 2021)."""

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.stem = _conv(3, 16, 3, act=nn.ReLU)
        widths = ((16, 16, 1), (16, 32, 2), (32, 64, 2))
        self.first = nn.ModuleList([_conv(i, o, 3, s, act=nn.ReLU) for i, o, s in widths])
        self.second = nn.ModuleList([_conv(o, o, 3, act=None) for _, o, _ in widths])
        self.short = nn.ModuleList([nn.Identity() if i == o else nn.Conv2d(i, o, 1, s) for i, o, s in widths])
        self.head = nn.Linear(64, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for first, second, short in zip(self.first, self.second, self.short, strict=True):
            x = F.relu(second(first(x)) + short(x))
        out: Tensor = self.head(x.mean([2, 3]))
        return out


def _settled(model: nn.Module, size: int) -> Example:
    """The model with batch norms that have seen a few images."""
    with torch.no_grad():
        for _ in range(3):
            model.train()(torch.randn(4, 3, size, size))
    return model.eval(), (torch.randn(1, 3, size, size),)


def mobilenet_v2_144() -> Example:
    """MobileNetV2 0.35 at 144x144, 1000 classes."""
    torch.manual_seed(0)
    return _settled(MobileNetV2(0.35, 1000), 144)


def mobilenet_v2_224() -> Example:
    """MobileNetV2 1.0 at 224x224, 1000 classes."""
    torch.manual_seed(0)
    return _settled(MobileNetV2(1.0, 1000), 224)


def mobilenet_v3_96() -> Example:
    """MobileNetV3-Small 0.5 at 96x96, 10 classes."""
    torch.manual_seed(0)
    return _settled(MobileNetV3(0.5, 10), 96)


def unet_64() -> Example:
    """A small U-Net at 64x64."""
    torch.manual_seed(0)
    return _settled(UNet(8), 64)


def detector_96() -> Example:
    """A small detector at 96x96 with outputs at three scales."""
    torch.manual_seed(0)
    return _settled(Detector(8, 24), 96)


def resnet8() -> Example:
    """ResNet-8 at 32x32."""
    torch.manual_seed(0)
    return _settled(ResNet8(), 32)
