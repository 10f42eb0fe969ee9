"""The PyTorch frontend: torch.export programs to edgec graphs. torch is imported on first use."""

from edgec.frontends.torch.load import load_torch
from edgec.frontends.torch.spec import is_callable_spec, resolve_callable

__all__ = ["is_callable_spec", "load_torch", "resolve_callable"]
