"""Strided copy: a nest of loops over operand 0, written out in order."""

from __future__ import annotations

import math

import numpy as np

from edgec.ir import TensorType
from edgec.ops.base import Call, OpError
from edgec.ops.kernel import Kernel, i32, table
from edgec.ops.view import View
from edgec.ops.viewmap import ViewMap

MAX_LOOPS = 6
"""Loops that the kernel can nest."""


class StridedCopy(View):
    """x -> result of `shape`: its elements, in order, are those that the loops visit.

    Attributes: shape; sizes and strides, a loop each, outermost first, as many elements as
    shape has; offset: element (i0, .., in) of the loops is x's element offset + sum ik*stride_k.
    """

    name = "strided_copy"

    def infer(self, call: Call) -> list[TensorType]:
        x, sizes, strides = call.ins[0], call.ints("sizes"), call.ints("strides")
        shape, offset = call.ints("shape"), call.int("offset")
        if not 1 <= len(sizes) == len(strides) <= MAX_LOOPS:
            raise OpError(f"{len(sizes)} sizes and {len(strides)} strides; at most {MAX_LOOPS} loops")
        if math.prod(sizes) != math.prod(shape):
            raise OpError(f"the loops {sizes} do not fill the shape {shape}")
        ends = [(n - 1) * s for n, s in zip(sizes, strides, strict=True)]
        if offset + sum(min(e, 0) for e in ends) < 0 or offset + sum(max(e, 0) for e in ends) >= x.size:
            raise OpError(f"the loops leave the {x.size} elements of {x.shape}")
        return [TensorType(shape, x.dtype)]

    def push(self, call: Call, view: ViewMap) -> ViewMap:
        own = ViewMap.strided(
            call.ints("shape"), call.ints("sizes"), call.ints("strides"), call.int("offset")
        )
        if view.is_identity(call.ins[0].size):
            return own
        return ViewMap.of_index(view.indices().reshape(-1)[own.indices()])

    def float_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        at = np.full((), call.int("offset"), np.int64)
        for n, s in zip(call.ints("sizes"), call.ints("strides"), strict=True):
            at = at[..., None] + np.arange(n) * s
        return xs[0].reshape(-1)[at].reshape(call.ints("shape"))

    def kernel(self, call: Call) -> Kernel:
        x, y = call.ins[0], call.outs[0]
        sizes, strides = call.ints("sizes"), call.ints("strides")
        return Kernel(
            "ec_strided_copy",
            {
                "width": i32(x.dtype.bytes),
                "in_row": i32(x.row_size),
                "in_rows": i32(x.rows),
                "out_row": i32(y.row_size),
                "offset": i32(call.int("offset")),
                "loops": i32(len(sizes)),
                "sizes": table(np.array(sizes, np.int32), "int32_t"),
                "strides": table(np.array(strides, np.int32), "int32_t"),
            },
        )
