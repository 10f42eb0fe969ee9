"""A quantized graph computed exactly, many samples at a time, with the gradients of its float graph.

Every value is what the integer reference gives, as a real number; backwards it is what the float op would
have given of the same operands (a straight-through estimate). Where the integers saturate and the float
result lies beyond them, the gradient is zero.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from edgec.ir import Attr, DType, Graph, Node
from edgec.ops.base import Call, Op, call_of, op_of
from edgec.ops.interpret import results_of
from edgec.quant.formats import to_integers, to_reals
from edgec.quant.learn.torch_graph import needed
from edgec.quant.learn.torch_ops import compute, moved

_STACKED = frozenset(
    [
        *(
            "add",
            "attention",
            "avg_pool2d",
            "conv2d",
            "conv_transpose2d",
            "depthwise_conv2d",
            "group_norm",
            "layer_norm",
            "linear",
        ),
        *("matmul", "max_pool2d", "maximum", "mean", "minimum", "mul", "pointwise", "prelu", "reduce_max"),
        *("requantize", "resize_bilinear", "resize_nearest", "softmax", "sub", "sum"),
    ]
)
"""Ops whose references take any number of samples on the first axis; the others go sample by sample."""
_RESHAPE = ("attention", "matmul", "mean", "reduce_max", "sum")
"""Of these the ranks of operands and result may differ."""


@dataclass(frozen=True)
class Held:
    """A value of the quantized graph, [samples, *shape]: its integers, and their real numbers."""

    integers: np.ndarray
    real: Tensor


def run_exact(
    real: Graph,
    held: Graph,
    inputs: Mapping[str, Tensor],
    constants: Mapping[str, Tensor],
    wanted: Sequence[str],
) -> list[Held]:
    """Values of an integer graph, in order, as `evaluate` gives them.

    real: the float graph that `held` was made of: its nodes and values have the same names. inputs: real
    numbers, [samples, *shape]. constants: those of `real`, by name; gradients go to them. wanted: values of
    `held`.
    """
    have = {v: _input(held, v, x) for v, x in inputs.items()}
    among = needed(held, have, wanted)
    nodes = [n for n in held.nodes() if n.outputs[0] in among]
    last = {v: k for k, n in enumerate(nodes) for v in n.inputs}
    for k, node in enumerate(nodes):
        have[node.outputs[0]] = _computed(real, held, node, have, constants)
        for v in node.inputs:
            if last[v] == k and v not in wanted:
                have.pop(v, None)
    return [have[v] for v in wanted]


def _input(held: Graph, value: str, x: Tensor) -> Held:
    type = held.type(value)
    integers = to_integers(x.numpy(), type) if type.quant is not None else x.numpy()
    return Held(integers, torch.from_numpy(to_reals(integers, type)))


def _computed(
    real: Graph, held: Graph, node: Node, have: Mapping[str, Held], constants: Mapping[str, Tensor]
) -> Held:
    op, call, type = op_of(node), call_of(held, node), held.type(node.outputs[0])
    xs = [c if c is not None else have[v].integers for v, c in zip(node.inputs, call.consts, strict=True)]
    integers = integer_results(op, call, xs)
    exact = torch.from_numpy(to_reals(integers, type))
    if not torch.is_grad_enabled():
        return Held(integers, exact)
    is_new = node.op == "requantize"  # there is none in the float graph
    like = have[node.inputs[0]].real if is_new else _float(real, held, node, have, constants)
    return Held(integers, _replaced(like, exact, _free(like, exact, integers, type.dtype)))


def _float(
    real: Graph, held: Graph, node: Node, have: Mapping[str, Held], constants: Mapping[str, Tensor]
) -> Tensor:
    """The float op's result of the exact operands."""
    origin = real.node(node.name)
    xs = []
    for v, name in zip(node.inputs, origin.inputs, strict=True):
        data = held.data(v)
        if data is None:
            xs.append(have[v].real)
        else:
            exact = torch.from_numpy(to_reals(data, held.type(v)))
            xs.append(_replaced(constants[name], exact, None))
    return compute(origin.op, call_of(real, origin), xs)


def integer_results(op: Op, call: Call, xs: list[np.ndarray]) -> np.ndarray:
    """The result [samples, *shape] of an op.

    call: of one sample. xs: integers [samples, *shape] of activations, and constants as they are.
    """
    count = next(len(x) for x, c in zip(xs, call.consts, strict=True) if c is None)
    shape = (count, *call.outs[0].shape)
    if op.is_view:
        flat = [x.reshape(count, -1) for x, c in zip(xs, call.consts, strict=True) if c is None]
        return np.concatenate(flat, 1)[:, moved(op, call).ravel()].reshape(shape)
    if _stacks(op, call):
        whole = _for(call, count)
        rows = [x if c is not None else x[:, 0] for x, c in zip(xs, call.consts, strict=True)]
        return results_of(op, whole, rows)[0].reshape(shape)
    each = [
        results_of(op, call, [x if c is not None else x[k] for x, c in zip(xs, call.consts, strict=True)])[0]
        for k in range(count)
    ]
    return np.stack(each).reshape(shape)


def _stacks(op: Op, call: Call) -> bool:
    """Whether samples may stand on the first axis of all activations, where each has a 1."""
    types = [*(call.ins[k] for k in call.activations), *call.outs]
    alone = all(t.shape[:1] == (1,) for t in types)
    even = op.name in _RESHAPE or len({len(t.shape) for t in types}) == 1
    whole = call.ints("dims")[0] == 1 if "dims" in call.attrs else _is_plain(op, call)
    return op.name in _STACKED and alone and even and whole and 0 not in _axes(call)


def _is_plain(op: Op, call: Call) -> bool:
    """Whether the first axis is a batch's: in products without strides, and in vectors, it need not be."""
    ranks = {len(call.ins[k].shape) for k in call.activations}
    if op.name in ("attention", "matmul"):
        return min(ranks) > 2 and all(c is None for c in call.consts[:3])
    return min(ranks) > 1


def _axes(call: Call) -> set[int]:
    axes, rank = call.attrs.get("axes", ()), len(call.ins[0].shape)
    assert isinstance(axes, tuple)
    return {int(a) % rank for a in axes if isinstance(a, int)}


def _for(call: Call, count: int) -> Call:
    """The call for so many samples on the first axis."""
    consts = call.consts
    ins = tuple(
        t if c is not None else t.with_(shape=(count, *t.shape[1:]))
        for t, c in zip(call.ins, consts, strict=True)
    )
    outs = tuple(t.with_(shape=(count, *t.shape[1:])) for t in call.outs)
    return replace(call, attrs=_attrs(call, count), ins=ins, outs=outs)


def _attrs(call: Call, count: int) -> dict[str, Attr]:
    """The attributes for so many samples, which are the batch of operands that are read through strides."""
    attrs = dict(call.attrs)
    if "dims" in attrs:
        attrs["dims"] = (count, *call.ints("dims")[1:])
        for names in (("q", "k", "v"), ("a", "b")):
            for k, name in enumerate(names):
                if (key := f"{name}_view") in attrs:
                    first, _, *rest = call.ints(key)
                    attrs[key] = (first, call.ins[k].size if call.consts[k] is None else 0, *rest)
    return attrs


class _Replaced(torch.autograd.Function):
    """Another tensor in the place of one, to which the gradients go on, where they are free to."""

    @staticmethod
    def forward(ctx: Any, like: Tensor, exact: Tensor, free: Tensor | None) -> Tensor:
        ctx.free = free
        return exact.reshape(like.shape)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        return grads[0] if ctx.free is None else grads[0] * ctx.free, None, None


def _replaced(like: Tensor, exact: Tensor, free: Tensor | None) -> Tensor:
    found = _Replaced.apply(like, exact, free)  # type: ignore[no-untyped-call]
    assert isinstance(found, Tensor)
    return found


def _free(like: Tensor, exact: Tensor, integers: np.ndarray, dtype: DType) -> Tensor:
    """1 where a gradient may pass, 0 where the integers saturate and the float value lies beyond."""
    lo, hi = (torch.from_numpy(integers == limit) for limit in dtype.limits)
    value = like.detach().reshape(exact.shape)
    stuck = (lo & (value < exact)) | (hi & (value > exact))
    return (~stuck).reshape(like.shape).to(like.dtype)
