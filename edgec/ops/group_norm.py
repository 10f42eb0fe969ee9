"""Group norm of images, instance norm included."""

from __future__ import annotations

import math

import numpy as np

from edgec.ir import TensorType
from edgec.ops import neon
from edgec.ops.base import Call, Op, OpError, QuantRule, Rows
from edgec.ops.fixed import I64
from edgec.ops.kernel import Field, Kernel, i32, table
from edgec.ops.norm import NormParams, affine

_LIMIT = 2**23
"""Values a group: their number times a difference of int8 values must fit 32 bits."""


class GroupNorm(Op):
    """x [N, ..., C], gamma [C]?, beta [C]? (float constants) -> x's shape.

    Every image's channels in `groups` groups of neighbours, each normalized over all its
    pixels as layer_norm does. groups = C is instance norm. Attributes: groups, epsilon.

    Integer: as layer_norm.
    """

    name = "group_norm"

    def infer(self, call: Call) -> list[TensorType]:
        x, groups = call.ins[0], call.int("groups")
        if len(x.shape) < 2 or groups < 1 or x.shape[-1] % groups:
            raise OpError(f"no {groups} groups in {x.shape}")
        if _count(x, groups) >= _LIMIT:
            raise OpError(f"normalizes fewer than {_LIMIT} values, not {_count(x, groups)}")
        return [TensorType(x.shape, layout=x.layout)]

    def rows(self, call: Call) -> tuple[Rows | None, ...]:
        y = call.outs[0]
        image = y.rows // y.shape[0]
        first = np.arange(y.rows) // image * image
        return (Rows(first, first + image - 1), None, None)[: len(call.ins)]

    def float_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        shape = xs[0].shape
        x = (
            xs[0]
            .astype(np.float64)
            .reshape(shape[0], -1, call.int("groups"), shape[-1] // call.int("groups"))
        )
        gamma, beta = affine((None, *xs[1:]), shape[-1])
        x = x - x.mean(axis=(1, 3), keepdims=True)
        x = x / np.sqrt((x * x).mean(axis=(1, 3), keepdims=True) + call.float("epsilon"))
        return (x.reshape(shape) * gamma + beta).astype(np.float32)

    def integer_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        shape, groups = xs[0].shape, call.int("groups")
        x = xs[0].astype(I64).reshape(shape[0], -1, groups, shape[-1] // groups)
        s1, s2 = x.sum(axis=(1, 3), keepdims=True), (x * x).sum(axis=(1, 3), keepdims=True)
        power = _count(call.ins[0], groups) * s2 - s1 * s1
        flat = (shape[0], -1, shape[-1])
        s1, power = (np.broadcast_to(v, (shape[0], 1, *x.shape[2:])).reshape(flat) for v in (s1, power))
        y = self._params(call).normalize(x.reshape(flat), s1, power, call.outs[0].dtype)
        return y.reshape(shape)

    def quantization(self, call: Call) -> QuantRule:
        return QuantRule(constants={1: "keep", 2: "keep"})

    def kernel(self, call: Call) -> Kernel:
        x, p, groups = call.ins[0], self._params(call), call.int("groups")
        plain = Kernel(
            "ec_group_norm_s8",
            {
                "epsilon": Field("int64_t", p.epsilon),
                "image_rows": i32(x.rows // x.shape[0]),
                "pixels": i32(x.row_size // x.shape[-1]),
                "groups": i32(groups),
                "depth": i32(x.shape[-1] // groups),
                "fraction": i32(p.fraction),
                "shift": i32(p.shift),
                "gamma": table(p.gamma, "int16_t"),
                "beta": table(p.beta, "int32_t"),
            },
            scratch=32 * groups,
            needs=("ec_root",),
            at_once=True,
        )
        return neon.same(call, plain)

    def _params(self, call: Call) -> NormParams:
        x = call.ins[0]
        gamma, beta = affine(call.consts, x.shape[-1])
        count = _count(x, call.int("groups"))
        return NormParams.of(count, gamma, beta, call.float("epsilon"), x.q, call.outs[0].q)


def _count(x: TensorType, groups: int) -> int:
    return math.prod(x.shape[1:]) // groups
