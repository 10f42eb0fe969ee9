"""Dense prediction: U-Net, super-resolution, autoencoder, pyramid, a detector's head; audio waveforms."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.zoo.common import Model, fresh, image


def double_conv(a: int, b: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(a, b, 3, padding=1), nn.BatchNorm2d(b), nn.ReLU(inplace=True),
        nn.Conv2d(b, b, 3, padding=1), nn.BatchNorm2d(b), nn.ReLU(inplace=True),
    )  # fmt: skip


class UNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inc, self.down1, self.down2 = double_conv(3, 4), double_conv(4, 8), double_conv(8, 16)
        self.up1, self.conv1 = nn.ConvTranspose2d(16, 8, 2, stride=2), double_conv(16, 8)
        self.up2, self.conv2 = nn.ConvTranspose2d(8, 4, 3, stride=2, padding=1), double_conv(8, 4)
        self.outc = nn.Conv2d(4, 2, 1)

    @staticmethod
    def crop(x: Tensor, like: Tensor) -> Tensor:
        dy, dx = like.size()[2] - x.size()[2], like.size()[3] - x.size()[3]
        return F.pad(x, [dx // 2, dx - dx // 2, dy // 2, dy - dy // 2])

    def forward(self, x: Tensor) -> Tensor:
        x1 = self.inc(x)
        x2 = self.down1(F.max_pool2d(x1, 2))
        x3 = self.down2(F.max_pool2d(x2, 2))
        y = self.conv1(torch.cat([x2, self.crop(self.up1(x3), x2)], dim=1))
        y = self.conv2(torch.cat([x1, self.crop(self.up2(y), x1)], dim=1))
        return torch.sigmoid(self.outc(y))


class SRNet(nn.Module):
    """ESPCN with a global skip by bicubic interpolation."""

    def __init__(self, scale: int = 2) -> None:
        super().__init__()
        self.conv1, self.conv2 = (
            nn.Conv2d(3, 8, 5, padding=2, padding_mode="replicate"),
            nn.Conv2d(8, 3 * scale**2, 3),
        )
        self.pad, self.act, self.pixel_shuffle = nn.ReflectionPad2d(1), nn.PReLU(8), nn.PixelShuffle(scale)

    def forward(self, x: Tensor) -> Tensor:
        y = self.pixel_shuffle(self.conv2(self.pad(self.act(self.conv1(x)))))
        return y + F.interpolate(x, scale_factor=2, mode="bicubic", align_corners=False)


class AutoEncoder(nn.Module):
    """Pixel unshuffle in, grouped transposed convolutions out, instance norm, tanh."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.PixelUnshuffle(2), nn.Conv2d(12, 8, 3, 2, 1), nn.InstanceNorm2d(8, affine=True), nn.ELU(),
            nn.Conv2d(8, 8, 3, padding=1, padding_mode="circular"), nn.Softplus(),
        )  # fmt: skip
        self.decoder = nn.Sequential(
            nn.ConvTranspose2d(8, 8, 4, 2, 1, groups=2), nn.GroupNorm(4, 8), nn.Mish(),
            nn.ConvTranspose2d(8, 3, 3, 2, 1, output_padding=1), nn.Tanh(),
        )  # fmt: skip

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        latent = self.encoder(x)
        return self.decoder(latent), latent.flatten(1)


class FPN(nn.Module):
    """Lateral connections, nearest upsampling by size, a shared head, decoded boxes."""

    def __init__(self) -> None:
        super().__init__()
        self.c1, self.c2 = nn.Conv2d(3, 8, 3, 4, 1), nn.Conv2d(8, 16, 3, 2, 1)
        self.l1, self.l2 = nn.Conv2d(8, 8, 1), nn.Conv2d(16, 8, 1)
        self.head = nn.Conv2d(8, 6, 3, padding=1)  # two levels share these weights
        self.register_buffer("anchors", torch.tensor([[1.5, 2.0]]))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        c1 = F.leaky_relu(self.c1(x), 0.1)
        c2 = F.leaky_relu(self.c2(c1), 0.1)
        p2 = self.l2(c2)
        p1 = self.l1(c1) + F.interpolate(p2, size=c1.shape[-2:], mode="nearest")
        boxes, scores = [], []
        for level, p in enumerate((p1, p2)):
            y = self.head(F.relu6(p))
            n, _, h, w = y.shape
            y = y.view(n, 1, 6, h, w).permute(0, 1, 3, 4, 2)
            gy, gx = torch.meshgrid(torch.arange(h), torch.arange(w), indexing="ij")
            grid = torch.stack((gx, gy), 2).view(1, 1, h, w, 2).float()
            xy = (y[..., 0:2].sigmoid() * 2 - 0.5 + grid) * 4 * 2**level
            wh = (y[..., 2:4].sigmoid() * 2) ** 2 * self.anchors.view(1, 1, 1, 1, 2)
            boxes.append(torch.cat((xy, wh), -1).reshape(n, -1, 4))
            scores.append(y[..., 4:].reshape(n, -1, 2))
        return torch.cat(boxes, 1), torch.cat(scores, 1).softmax(-1)


class WaveNet(nn.Module):
    """Gated dilated causal convolutions on a waveform."""

    def __init__(self, c: int = 8) -> None:
        super().__init__()
        self.front = nn.Conv1d(1, c, 16, stride=8, padding=4)
        self.layers = nn.ModuleList(nn.Conv1d(c, 2 * c, 2, dilation=2**k) for k in range(3))
        self.skips = nn.ModuleList(nn.Conv1d(c, c, 1) for _ in range(3))
        self.up, self.norm = nn.ConvTranspose1d(c, c, 4, 2, 1), nn.GroupNorm(2, c)
        self.end, self.smooth = (
            nn.Conv1d(c, 4, 1),
            nn.Upsample(scale_factor=2, mode="linear", align_corners=True),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.front(x)
        total = torch.zeros_like(x)
        for k, (conv, skip) in enumerate(zip(self.layers, self.skips, strict=True)):
            a, b = conv(F.pad(x, (2**k, 0))).chunk(2, dim=1)
            y = torch.tanh(a) * torch.sigmoid(b)
            total = total + skip(y)
            x = x + y
        return self.end(self.smooth(self.norm(self.up(F.silu(total)))))


class Siamese(nn.Module):
    """Two inputs, one shared tower, cosine similarity."""

    def __init__(self) -> None:
        super().__init__()
        self.tower = nn.Sequential(nn.Conv2d(1, 4, 3, 2), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 49, 8))

    def forward(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        x, y = self.tower(a), self.tower(b)
        return F.cosine_similarity(x, y), torch.abs(x - y)


MODELS: dict[str, Model] = {
    "unet": lambda: (fresh(UNet()), image(22)),
    "srnet": lambda: (fresh(SRNet()), image(12)),
    "autoencoder": lambda: (fresh(AutoEncoder()), image(16)),
    "fpn": lambda: (fresh(FPN()), image()),
    "wavenet": lambda: (fresh(WaveNet()), (torch.randn(1, 1, 128),)),
    "siamese": lambda: (fresh(Siamese()), (torch.randn(1, 1, 16, 16), torch.randn(1, 1, 16, 16))),
}
