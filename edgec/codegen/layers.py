"""A kernel call of the library."""

from __future__ import annotations

from dataclasses import dataclass

from edgec.ir import Node
from edgec.ops.base import Call
from edgec.ops.kernel import Kernel


@dataclass(frozen=True)
class Layer:
    """One kernel call of the library; `index`: in the order in which the plan first gets to it."""

    index: int
    node: Node
    call: Call
    kernel: Kernel
    symbol: str

    @property
    def title(self) -> str:
        """The user's name of the layer: its module path, or the node's own name."""
        return self.node.path or self.node.name
