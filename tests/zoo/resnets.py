"""Convolutional networks as torchvision writes them."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.zoo.common import Model, fresh, image


class BasicBlock(nn.Module):
    def __init__(self, c_in: int, c_out: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(c_in, c_out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(c_out)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(c_out, c_out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(c_out)
        self.downsample = None
        if stride != 1 or c_in != c_out:
            self.downsample = nn.Sequential(
                nn.Conv2d(c_in, c_out, 1, stride, bias=False), nn.BatchNorm2d(c_out)
            )

    def forward(self, x: Tensor) -> Tensor:
        identity = x
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        if self.downsample is not None:
            identity = self.downsample(x)
        out += identity
        return self.relu(out)


class Bottleneck(nn.Module):
    def __init__(self, c_in: int, width: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        c_out = width * 4
        self.conv1 = nn.Conv2d(c_in, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, groups=groups, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, c_out, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(c_out)
        self.shortcut = nn.Sequential(nn.AvgPool2d(stride, stride, ceil_mode=True), nn.Conv2d(c_in, c_out, 1))

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        return F.relu(self.bn3(self.conv3(y)) + self.shortcut(x))


class ResNet(nn.Module):
    def __init__(self, blocks: nn.Sequential, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.layers = blocks
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(width, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(torch.relu(self.bn1(self.conv1(x))))
        return self.fc(torch.flatten(self.avgpool(self.layers(x)), 1))


def resnet() -> tuple[nn.Module, tuple[Tensor, ...]]:
    return fresh(ResNet(nn.Sequential(BasicBlock(8, 8), BasicBlock(8, 16, 2)), 16)), image()


def resnext() -> tuple[nn.Module, tuple[Tensor, ...]]:
    return fresh(ResNet(nn.Sequential(Bottleneck(8, 8, 2, groups=4)), 32)), image(31)


class VGG(nn.Module):
    """A classifier on an adaptive pool whose windows overlap."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        c = 3
        for v in (8, "M", 16, 16, "M"):
            if v == "M":
                layers.append(nn.MaxPool2d(2, 2))
            else:
                layers += [nn.Conv2d(c, int(v), 3, padding=1), nn.ReLU(True)]
                c = int(v)
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d((3, 5))
        self.classifier = nn.Sequential(
            nn.Linear(16 * 15, 20), nn.ReLU(True), nn.Dropout(), nn.Linear(20, 10)
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.avgpool(self.features(x))
        return self.classifier(torch.flatten(x, 1))


class DenseLayer(nn.Module):
    def __init__(self, c: int, growth: int) -> None:
        super().__init__()
        self.norm1, self.conv1 = nn.BatchNorm2d(c), nn.Conv2d(c, 2 * growth, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(2 * growth)
        self.conv2 = nn.Conv2d(2 * growth, growth, 3, padding=1, bias=False)

    def forward(self, features: list[Tensor]) -> Tensor:
        x = self.conv1(F.relu(self.norm1(torch.cat(features, 1))))
        return F.dropout(self.conv2(F.relu(self.norm2(x))), p=0.2, training=self.training)


class DenseNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, 2, 1)
        self.layers = nn.ModuleList(DenseLayer(8 + 4 * k, 4) for k in range(3))
        self.transition = nn.Sequential(
            nn.BatchNorm2d(20), nn.ReLU(), nn.Conv2d(20, 10, 1), nn.AvgPool2d(2, 2)
        )
        self.head = nn.Linear(10, 5)

    def forward(self, x: Tensor) -> Tensor:
        features = [self.stem(x)]
        for layer in self.layers:
            features.append(layer(features))
        x = self.transition(torch.cat(features, 1))
        return self.head(F.adaptive_avg_pool2d(x, (1, 1)).view(x.size(0), -1))


class Inception(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, stride=2)
        self.b1 = nn.Conv2d(8, 4, 1)
        self.b2 = nn.Sequential(
            nn.Conv2d(8, 4, 1),
            nn.Conv2d(4, 6, (1, 7), padding=(0, 3)),
            nn.Conv2d(6, 6, (7, 1), padding=(3, 0)),
        )
        self.b3 = nn.Sequential(nn.MaxPool2d(3, 1, 1, ceil_mode=True), nn.Conv2d(8, 4, 1))
        self.b4 = nn.Conv2d(8, 4, 1)
        self.fc = nn.Linear(18, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.cat((x[:, 0:1] * 0.9 + 0.1, x[:, 1:2] * 1.1 - 0.2, x[:, 2:3] * 0.7), 1)
        x = F.relu(self.stem(x))
        pooled = F.avg_pool2d(x, kernel_size=3, stride=1, padding=1)
        x = torch.cat([self.b1(x), self.b2(x), self.b3(x), self.b4(pooled)], 1)
        return self.fc(x.mean([2, 3]))


class Fire(nn.Module):
    def __init__(self, c: int, s: int, e: int) -> None:
        super().__init__()
        self.squeeze, self.act = nn.Conv2d(c, s, 1), nn.ReLU(inplace=True)
        self.expand1x1, self.expand3x3 = nn.Conv2d(s, e, 1), nn.Conv2d(s, e, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.act(self.squeeze(x))
        return torch.cat([self.act(self.expand1x1(x)), self.act(self.expand3x3(x))], 1)


def squeezenet() -> tuple[nn.Module, tuple[Tensor, ...]]:
    return fresh(
        nn.Sequential(
            nn.Conv2d(3, 8, 3, 2), nn.ReLU(), nn.MaxPool2d(3, 2, ceil_mode=True), Fire(8, 4, 8),
            Fire(16, 4, 8), nn.Conv2d(16, 10, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        )
    ), image()  # fmt: skip


class RepVGGBlock(nn.Module):
    def __init__(self, c: int) -> None:
        super().__init__()
        self.dense = nn.Sequential(nn.Conv2d(c, c, 3, 1, 1, bias=False), nn.BatchNorm2d(c))
        self.one = nn.Sequential(nn.Conv2d(c, c, 1, bias=False), nn.BatchNorm2d(c))
        self.identity = nn.BatchNorm2d(c)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.dense(x) + self.one(x) + self.identity(x))


def repvgg() -> tuple[nn.Module, tuple[Tensor, ...]]:
    stem = nn.Conv2d(3, 8, 3, 2, 1)
    head = nn.Sequential(nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(8, 4))
    return fresh(nn.Sequential(stem, RepVGGBlock(8), RepVGGBlock(8), head)), image(16)


class HRModule(nn.Module):
    """Two resolutions that exchange features."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, 2, 1)
        self.down = nn.Conv2d(8, 16, 3, 2, 1)
        self.fuse_up = nn.Sequential(
            nn.Conv2d(16, 8, 1), nn.BatchNorm2d(8), nn.Upsample(scale_factor=2, mode="nearest")
        )
        self.fuse_down = nn.Sequential(nn.Conv2d(8, 16, 3, 2, 1), nn.BatchNorm2d(16))
        self.head = nn.Conv2d(24, 5, 1)

    def forward(self, x: Tensor) -> Tensor:
        high = self.stem(x)
        low = self.down(F.relu(high))
        high, low = F.relu(high + self.fuse_up(low)), F.relu(low + self.fuse_down(high))
        size = (high.size(2), high.size(3))
        low = F.interpolate(low, size=size, mode="bilinear", align_corners=True)
        return self.head(torch.cat([high, low], 1))


def hrnet() -> tuple[nn.Module, tuple[Tensor, ...]]:
    return fresh(HRModule()), image()


MODELS: dict[str, Model] = {
    "resnet": resnet,
    "resnext": resnext,
    "vgg": lambda: (fresh(VGG()), image()),
    "densenet": lambda: (fresh(DenseNet()), image()),
    "inception": lambda: (fresh(Inception()), image()),
    "squeezenet": squeezenet,
    "repvgg": repvgg,
    "hrnet": hrnet,
}
