"""The smaller of two tensors' elements."""

from __future__ import annotations

from edgec.ops.maximum import Maximum


class Minimum(Maximum):
    """min(a, b) with numpy broadcasting; either operand may be constant. Integer: as `maximum`."""

    name = "minimum"
    minimum = True
