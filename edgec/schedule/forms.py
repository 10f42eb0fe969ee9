"""What the cost of a kernel depends on: what calls with the same form share."""

from __future__ import annotations

from collections.abc import Hashable

from edgec.ir import Node
from edgec.ops.base import Call
from edgec.ops.kernel import Kernel

Form = tuple[Hashable, ...]
"""A kernel, the shapes and types around it, and the sizes of its tables."""

CHOICES = ("block", "family")
"""Attributes that choose a kernel and say nothing of what it computes."""


def form_of(node: Node, call: Call, kernel: Kernel) -> Form:
    """The form of a node's call with a kernel.

    Numbers in tables, scales and zero points are no part of it: layers that are alike but for them take the
    same time, but for branches of no weight.
    """
    return (
        node.op,
        tuple(sorted((k, v) for k, v in call.attrs.items() if k not in CHOICES)),
        tuple((t.shape, t.dtype, c is None) for t, c in zip(call.ins, call.consts, strict=True)),
        tuple((t.shape, t.dtype) for t in call.outs),
        (kernel.function, kernel.needs, kernel.block),
        tuple(getattr(f.value, "nbytes", 0) for f in kernel.fields.values()),
    )
