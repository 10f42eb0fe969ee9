"""Gather: chunks of operand 0 in any order."""

from __future__ import annotations

import math

import numpy as np

from edgec.ir import TensorType
from edgec.ops.base import Call, OpError
from edgec.ops.kernel import Kernel, i32, table
from edgec.ops.view import View
from edgec.ops.viewmap import ViewMap


class Gather(View):
    """x, source i32 [chunks] -> result of `shape`: chunk j is x's chunk source[j].

    Attributes: shape; chunk: elements of a chunk, which divides the sizes of x and of the result.
    """

    name = "gather"

    def infer(self, call: Call) -> list[TensorType]:
        x, shape, chunk, source = call.ins[0], call.ints("shape"), call.int("chunk"), call.const(1)
        if x.size % chunk or source.size * chunk != math.prod(shape):
            raise OpError(f"{source.size} chunks of {chunk} from {x.shape} do not fill {shape}")
        if source.min(initial=0) < 0 or source.max(initial=0) >= x.size // chunk:
            raise OpError(f"a chunk lies outside the {x.size // chunk} of {x.shape}")
        return [TensorType(shape, x.dtype)]

    def push(self, call: Call, view: ViewMap) -> ViewMap:
        chunk = call.int("chunk")
        own = (call.const(1).reshape(-1, 1) * chunk + np.arange(chunk)).reshape(call.ints("shape"))
        return ViewMap.of_index(view.indices().reshape(-1)[own])

    def float_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        chunks = xs[0].reshape(-1, call.int("chunk"))
        return chunks[xs[1].reshape(-1)].reshape(call.ints("shape"))

    def kernel(self, call: Call) -> Kernel:
        x, y = call.ins[0], call.outs[0]
        return Kernel(
            "ec_gather",
            {
                "width": i32(x.dtype.bytes),
                "in_row": i32(x.row_size),
                "out_row": i32(y.row_size),
                "chunk": i32(call.int("chunk")),
                "source": table(call.const(1), "int32_t", by_row=True),
            },
        )
