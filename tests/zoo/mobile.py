"""Mobile networks: MobileNetV2 and V3, EfficientNet, ShuffleNet, GhostNet, MobileNet-like audio nets."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.zoo.common import Model, fresh, image


class InvertedResidual(nn.Module):
    def __init__(self, c_in: int, c_out: int, stride: int, expand: int) -> None:
        super().__init__()
        hidden = c_in * expand
        self.use_res_connect = stride == 1 and c_in == c_out
        layers: list[nn.Module] = []
        if expand != 1:
            layers += [nn.Conv2d(c_in, hidden, 1, bias=False), nn.BatchNorm2d(hidden), nn.ReLU6(inplace=True)]
        layers += [
            nn.Conv2d(hidden, hidden, 3, stride, 1, groups=hidden, bias=False),
            nn.BatchNorm2d(hidden),
            nn.ReLU6(inplace=True),
            nn.Conv2d(hidden, c_out, 1, bias=False),
            nn.BatchNorm2d(c_out),
        ]
        self.conv = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x) if self.use_res_connect else self.conv(x)


class MobileNetV2(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU6(inplace=True)),
            InvertedResidual(8, 8, 1, 1),
            InvertedResidual(8, 16, 2, 6),
            InvertedResidual(16, 16, 1, 6),
        )
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(16, 10))

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x)
        x = F.adaptive_avg_pool2d(x, (1, 1)).reshape(x.shape[0], -1)
        return self.classifier(x)


class SqueezeExcite(nn.Module):
    def __init__(self, c: int, gate: nn.Module) -> None:
        super().__init__()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc1, self.fc2 = nn.Conv2d(c, c // 4, 1), nn.Conv2d(c // 4, c, 1)
        self.activation, self.scale_activation = nn.ReLU(), gate

    def forward(self, x: Tensor) -> Tensor:
        scale = self.scale_activation(self.fc2(self.activation(self.fc1(self.avgpool(x)))))
        return scale * x


def mobilenet_v3() -> tuple[nn.Module, tuple[Tensor, ...]]:
    block = nn.Sequential(
        nn.Conv2d(8, 16, 1, bias=False), nn.BatchNorm2d(16), nn.Hardswish(),
        nn.Conv2d(16, 16, 5, 2, 2, groups=16, bias=False), nn.BatchNorm2d(16), nn.Hardswish(),
        SqueezeExcite(16, nn.Hardsigmoid()), nn.Conv2d(16, 8, 1, bias=False), nn.BatchNorm2d(8),
    )  # fmt: skip
    stem = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.Hardswish(inplace=True))
    head = nn.Sequential(
        nn.AdaptiveAvgPool2d(1), nn.Flatten(1), nn.Linear(8, 16), nn.Hardswish(), nn.Linear(16, 10)
    )
    return fresh(nn.Sequential(stem, block, head)), image()


class StochasticDepth(nn.Module):
    """DropPath as timm has it."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        if self.p == 0.0 or not self.training:
            return x
        keep = x.new_empty((x.shape[0],) + (1,) * (x.ndim - 1)).bernoulli_(1 - self.p)
        return x * keep.div_(1 - self.p)


class MBConv(nn.Module):
    def __init__(self, c: int, stride: int = 1) -> None:
        super().__init__()
        self.expand = nn.Sequential(
            nn.Conv2d(c, 4 * c, 1, bias=False), nn.BatchNorm2d(4 * c, eps=1e-3), nn.SiLU()
        )
        self.dw_conv = nn.Conv2d(4 * c, 4 * c, 3, stride, 0, groups=4 * c, bias=False)
        self.bn, self.stride = nn.BatchNorm2d(4 * c), stride
        self.se = SqueezeExcite(4 * c, nn.Sigmoid())
        self.project = nn.Sequential(nn.Conv2d(4 * c, c, 1, bias=False), nn.BatchNorm2d(c))
        self.drop_path = StochasticDepth(0.2)

    def forward(self, x: Tensor) -> Tensor:
        y = self.expand(x)
        pad = (1, 1, 1, 1) if self.stride == 1 else (0, 1, 0, 1)  # TensorFlow's "same"
        y = F.silu(self.bn(self.dw_conv(F.pad(y, pad))))
        y = self.project(self.se(y))
        return x + self.drop_path(y) if self.stride == 1 else y


def efficientnet() -> tuple[nn.Module, tuple[Tensor, ...]]:
    stem = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.SiLU(inplace=True))
    head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(8, 10))
    return fresh(nn.Sequential(stem, MBConv(8), MBConv(8, 2), head)), image()


def channel_shuffle(x: Tensor, groups: int) -> Tensor:
    n, c, h, w = x.size()
    x = x.view(n, groups, c // groups, h, w)
    return torch.transpose(x, 1, 2).contiguous().view(n, c, h, w)


class ShuffleUnit(nn.Module):
    def __init__(self, c: int, stride: int) -> None:
        super().__init__()
        self.stride, half = stride, c // 2
        self.branch1 = nn.Sequential(
            nn.Conv2d(c, c, 3, stride, 1, groups=c, bias=False),
            nn.BatchNorm2d(c),
            nn.Conv2d(c, half, 1),
            nn.ReLU(),
        )
        c_in = c if stride > 1 else half
        self.branch2 = nn.Sequential(
            nn.Conv2d(c_in, half, 1, bias=False), nn.BatchNorm2d(half), nn.ReLU(),
            nn.Conv2d(half, half, 3, stride, 1, groups=half, bias=False), nn.BatchNorm2d(half),
            nn.Conv2d(half, half, 1, bias=False), nn.BatchNorm2d(half), nn.ReLU(),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        if self.stride == 1:
            x1, x2 = x.chunk(2, dim=1)
            out = torch.cat((x1, self.branch2(x2)), dim=1)
        else:
            out = torch.cat((self.branch1(x), self.branch2(x)), dim=1)
        return channel_shuffle(out, 2)


def shufflenet() -> tuple[nn.Module, tuple[Tensor, ...]]:
    stem = nn.Conv2d(3, 8, 3, 2, 1)
    head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4))
    return fresh(nn.Sequential(stem, ShuffleUnit(8, 2), ShuffleUnit(8, 1), head)), image()


class GhostModule(nn.Module):
    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__()
        self.c_out, init = c_out, -(-c_out // 2)
        self.primary_conv = nn.Sequential(
            nn.Conv2d(c_in, init, 1, bias=False), nn.BatchNorm2d(init), nn.ReLU()
        )
        self.cheap_operation = nn.Sequential(
            nn.Conv2d(init, init, 3, 1, 1, groups=init, bias=False), nn.BatchNorm2d(init), nn.ReLU()
        )

    def forward(self, x: Tensor) -> Tensor:
        x1 = self.primary_conv(x)
        out = torch.cat([x1, self.cheap_operation(x1)], dim=1)
        return out[:, : self.c_out, :, :]


def ghostnet() -> tuple[nn.Module, tuple[Tensor, ...]]:
    body = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), GhostModule(8, 15), GhostModule(15, 9))
    return fresh(nn.Sequential(body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(9, 4))), image(16)


class DSCNN(nn.Module):
    """Keyword spotting on a spectrogram of 49 x 10."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 8, (10, 4), stride=(2, 2), padding=(5, 1))
        self.bn = nn.BatchNorm2d(8)
        self.blocks = nn.Sequential(
            *(nn.Sequential(
                nn.Conv2d(8, 8, 3, padding="same", groups=8), nn.BatchNorm2d(8), nn.ReLU(),
                nn.Conv2d(8, 8, 1), nn.BatchNorm2d(8), nn.ReLU(),
            ) for _ in range(2))
        )  # fmt: skip
        self.pool, self.fc = nn.AvgPool2d((25, 5)), nn.Linear(8, 12)

    def forward(self, x: Tensor) -> Tensor:
        x = self.blocks(F.relu(self.bn(self.conv(x))))
        return F.softmax(self.fc(torch.squeeze(torch.squeeze(self.pool(x), -1), -1)), dim=1)


class Keyword1d(nn.Module):
    """A temporal convolution network on MFCC frames [N, features, time]."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(10, 16, 9, stride=2, padding=4)
        self.bn1, self.pool = nn.BatchNorm1d(16), nn.MaxPool1d(2)
        self.depthwise = nn.Conv1d(16, 16, 5, padding=4, dilation=2, groups=16)
        self.pointwise, self.bn2 = nn.Conv1d(16, 16, 1), nn.BatchNorm1d(16)
        self.down = nn.AvgPool1d(3, 2, 1)
        self.fc1, self.bn3, self.fc2 = nn.Linear(16, 8), nn.BatchNorm1d(8), nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(F.relu(self.bn1(self.conv1(x))))
        x = x + F.leaky_relu(self.bn2(self.pointwise(self.depthwise(x))), 0.1)
        x = F.adaptive_avg_pool1d(self.down(x), 1).squeeze(-1)
        return F.log_softmax(self.fc2(F.relu(self.bn3(self.fc1(x)))), dim=-1)


MODELS: dict[str, Model] = {
    "mobilenet_v2": lambda: (fresh(MobileNetV2()), image()),
    "mobilenet_v3": mobilenet_v3,
    "efficientnet": efficientnet,
    "shufflenet": shufflenet,
    "ghostnet": ghostnet,
    "dscnn": lambda: (fresh(DSCNN()), (torch.randn(1, 1, 49, 10),)),
    "keyword1d": lambda: (fresh(Keyword1d()), (torch.randn(1, 10, 49),)),
}
