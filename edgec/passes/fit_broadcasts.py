"""Broadcasting over many axes in the form that the kernels compute."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgec.ir import Graph, Node
from edgec.ops.base import call_of, op_of
from edgec.ops.binary import Binary
from edgec.passes.base import Changes, Pass
from edgec.passes.rewrite import add, replace

_AXES = 4
"""Axes that the kernels loop over."""


@dataclass(frozen=True)
class FitBroadcasts(Pass):
    """Sums and products that repeat an operand along many axes see it in fewer, or written out."""

    def run(self, graph: Graph) -> Changes:
        changes = Changes()
        for node in graph.nodes():
            op = op_of(node)
            if not isinstance(op, Binary) or op.fits(call_of(graph, node)):
                continue
            out = graph.type(node.outputs[0])
            groups = _groups([graph.type(v).shape for v in node.inputs], out.shape)
            merged = tuple(n for n, _ in groups)
            operands = [_grouped(graph, node, k, groups) for k in range(2)]
            flat = out.with_(shape=(1,) * (_AXES - len(merged)) + merged, layout="")
            y = add(graph, node.op, operands, node.attrs, node, flat)
            replace(graph, node, add(graph, "reshape", [y], {"shape": out.shape}, node, out))
            changes.did(node.path or node.name, f"computed on {merged}")
        return changes


def _groups(shapes: list[tuple[int, ...]], out: tuple[int, ...]) -> list[tuple[int, tuple[bool, ...]]]:
    """The result's axes, neighbours that are repeated alike made one: (size, repeated per operand).

    While there are too many, the first of those with a repetition joins its neighbour, written out.
    """
    padded = [(1,) * (len(out) - len(s)) + s for s in shapes]
    groups: list[tuple[int, tuple[bool, ...]]] = []
    for axis, n in enumerate(out):
        repeated = tuple(s[axis] == 1 for s in padded)
        if n == 1:
            continue
        if groups and groups[-1][1] == repeated:
            groups[-1] = (groups[-1][0] * n, repeated)
        else:
            groups.append((n, repeated))
    while len(groups) > _AXES:
        (m, first), (n, second), *rest = groups
        groups = [(m * n, tuple(a and b for a, b in zip(first, second, strict=True))), *rest]
    return groups or [(1, (False, False))]


def _grouped(graph: Graph, node: Node, k: int, groups: list[tuple[int, tuple[bool, ...]]]) -> str:
    """Operand k with one axis per group, written out where it is repeated within a group."""
    value, out = node.inputs[k], graph.type(node.outputs[0]).shape
    type = graph.type(value)
    shape = (*(1,) * (_AXES - len(groups)), *(1 if repeated[k] else n for n, repeated in groups))
    padded = (1,) * (len(out) - len(type.shape)) + type.shape
    at = [a for a, n in enumerate(out) if n > 1]
    full = list(padded)
    for n, repeated in groups:
        while n > 1 and at:
            axis = at.pop(0)
            n //= out[axis]
            if not repeated[k]:
                full[axis] = out[axis]
    if (data := graph.data(value)) is not None:
        wide = np.broadcast_to(data.reshape(padded), full).reshape(shape)
        return graph.add_constant(value, np.ascontiguousarray(wide), type.quant)
    if tuple(full) != padded:
        if padded != type.shape:
            value = add(
                graph, "reshape", [value], {"shape": padded}, node, type.with_(shape=padded, layout="")
            )
        value = add(
            graph, "expand", [value], {"shape": tuple(full)}, node, type.with_(shape=tuple(full), layout="")
        )
    return add(graph, "reshape", [value], {"shape": shape}, node, type.with_(shape=shape, layout=""))
