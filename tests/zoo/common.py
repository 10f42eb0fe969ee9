"""What the model zoo shares: random weights where a fresh module has zeros and ones."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

Model = Callable[[], tuple[nn.Module, tuple[Tensor, ...]]]


def image(size: int = 32, channels: int = 3) -> tuple[Tensor, ...]:
    """An example image [1, channels, size, size]."""
    return (torch.randn(1, channels, size, size),)


def fresh(model: nn.Module, seed: int = 0) -> nn.Module:
    """The model in eval mode, with every constant parameter and statistic made random."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.running_mean is not None:
                module.running_mean.normal_(0, 0.2)
                module.running_var.uniform_(0.5, 1.5)
        for p in model.parameters():
            if p.numel() > 1 and float(p.max() - p.min()) < 1e-6:
                p.add_(torch.randn_like(p) * 0.2)
    return model.eval()
