"""Quantization: calibration data, observers, post-training quantization, signal-to-noise.

As a library: `from edgec.quant import finetune` fine-tunes a PyTorch model as the integer model it becomes
(docs/finetuning.md). That is loaded, and torch with it, when it is first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgec.finetune import Tuned, finetune

__all__ = ["Tuned", "finetune"]


def __getattr__(name: str) -> object:
    if name in __all__:
        import edgec.finetune

        return getattr(edgec.finetune, name)
    raise AttributeError(f"module {__name__} has no attribute {name}")
