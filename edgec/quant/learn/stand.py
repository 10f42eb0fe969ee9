"""Where learning stands, in the cache: a build that was interrupted goes on there.

One that is repeated has nothing left to learn.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from edgec import __version__
from edgec.cache import cache_dir
from edgec.diagnostics import Diagnostic
from edgec.ir import Graph
from edgec.ir.text import to_text
from edgec.quant.data import Samples
from edgec.quant.learn.checkpoint import load_state, save_checkpoint


class Stand:
    """The file of one learning, named by all that its result depends on."""

    def __init__(self, graph: Graph, forms: Mapping[str, str], samples: Samples, recipe: object) -> None:
        digest = hashlib.sha256()
        for part in (__version__, torch.__version__, to_text(graph), sorted(forms.items()), recipe):
            digest.update(str(part).encode() + b"\0")
        for source in sorted(Path(__file__).parent.glob("*.py")):
            digest.update(source.read_bytes())
        for name, array in sorted(samples.arrays.items()):
            digest.update(f"{name} {array.dtype} {array.shape}".encode() + array.tobytes())
        self.path = cache_dir() / "learned" / f"{digest.hexdigest()[:32]}.pt"

    def load(self) -> dict[str, Any] | None:
        """What was saved last; None where nothing was, or the file is damaged."""
        if not self.path.exists():
            return None
        try:
            return load_state(self.path)
        except Diagnostic:  # a cache's file: what it holds is learned again
            self.path.unlink(missing_ok=True)
            return None

    def save(self, state: Mapping[str, Any]) -> None:
        """Replace what was saved."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        save_checkpoint(self.path, state)
