"""A float graph, or a part of it, computed by torch: many samples at a time, with gradients."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from edgec.ir import Graph, Node
from edgec.ops.base import call_of
from edgec.quant.data import Samples
from edgec.quant.learn.torch_ops import compute

Observer = Callable[[Node, Sequence[Tensor], Tensor], Tensor]


def inputs_of(graph: Graph, samples: Samples) -> dict[str, Tensor]:
    """The inputs as activations: [samples, *shape]."""
    return {
        v: torch.from_numpy(samples.arrays[v]).float().reshape(-1, *graph.type(v).shape) for v in graph.inputs
    }


def constants_of(graph: Graph) -> dict[str, Tensor]:
    """All float constants, by name."""
    return {v: torch.from_numpy(x.data.copy()) for v, x in graph.values.items() if x.data is not None}


def run(
    graph: Graph,
    values: Mapping[str, Tensor],
    constants: Mapping[str, Tensor],
    wanted: Sequence[str],
    observe: Observer | None = None,
) -> list[Tensor]:
    """The wanted values, [samples, *shape], from those that are given.

    Only nodes between the two run. observe: is given a node, its operands and its result, and returns what
    takes the result's place. Raises OpError as `compute` does.
    """
    have = dict(values)
    nodes = [n for n in graph.nodes() if n.outputs[0] in _needed(graph, have, wanted)]
    last = {v: k for k, n in enumerate(nodes) for v in n.inputs}
    for k, node in enumerate(nodes):
        xs = [constants[v] if graph.is_constant(v) else have[v] for v in node.inputs]
        y = compute(node.op, call_of(graph, node), xs)
        have[node.outputs[0]] = y if observe is None else observe(node, xs, y)
        for v in node.inputs:
            if last[v] == k and v not in wanted:
                have.pop(v, None)
    return [have[v] for v in wanted]


def _needed(graph: Graph, have: Mapping[str, Tensor], wanted: Sequence[str]) -> set[str]:
    """What has to be computed for `wanted`."""
    needed = set[str]()
    left = [v for v in wanted if v not in have]
    while left:
        value = left.pop()
        node = graph.producer(value)
        if value in needed or node is None:
            continue
        needed.add(value)
        left += [v for v in node.inputs if v not in have and not graph.is_constant(v)]
    return needed


def in_parts(samples: int, size: int) -> list[slice]:
    """Slices of at most `size` samples."""
    return [slice(k, min(k + size, samples)) for k in range(0, samples, size)]
