"""A float graph, or a part of it, computed by torch: many samples at a time, with gradients."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from edgec.ir import DType, Graph, Node
from edgec.ops.base import call_of
from edgec.quant.data import Samples
from edgec.quant.formats import to_reals
from edgec.quant.learn.torch_ops import compute, has_gradient

PART = 64
"""Samples that are computed at a time where nothing is learned."""
Observer = Callable[[Node, Sequence[Tensor], Tensor], Tensor]


def inputs_of(graph: Graph, samples: Samples) -> dict[str, Tensor]:
    """The inputs as activations: [samples, *shape]."""
    return {
        v: torch.from_numpy(to_reals(samples.arrays[v], graph.type(v))).reshape(-1, *graph.type(v).shape)
        for v in graph.inputs
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
    takes the result's place.
    """
    have = dict(values)
    among = needed(graph, have, wanted)
    nodes = [n for n in graph.nodes() if n.outputs[0] in among]
    last = {v: k for k, n in enumerate(nodes) for v in n.inputs}
    for k, node in enumerate(nodes):
        xs = [constants[v] if graph.is_constant(v) else have[v] for v in node.inputs]
        y = compute(node.op, call_of(graph, node), xs)
        have[node.outputs[0]] = y if observe is None else observe(node, xs, y)
        for v in node.inputs:
            if last[v] == k and v not in wanted:
                have.pop(v, None)
    return [have[v] for v in wanted]


def needed(graph: Graph, have: Container[str], wanted: Sequence[str]) -> set[str]:
    """What has to be computed for `wanted`."""
    found = set[str]()
    left = [v for v in wanted if v not in have]
    while left:
        value = left.pop()
        node = graph.producer(value)
        if value in found or node is None:
            continue
        found.add(value)
        left += [v for v in node.inputs if v not in have and not graph.is_constant(v)]
    return found


def fronts(graph: Graph) -> list[str]:
    """What a graph is learned by: its outputs, or the last values before them that gradients reach.

    In front of an argmax that is what the places were found in.
    """
    found, left = list[str](), list(graph.outputs)
    while left:
        value = left.pop(0)
        node = graph.producer(value)
        if is_reached(graph, value):
            found.append(value)
        elif node is not None:
            left = [v for v in node.inputs if not graph.is_constant(v)] + left
    return list(dict.fromkeys(found))


def is_reached(graph: Graph, value: str) -> bool:
    """Whether a value is a result with a gradient: a real number, by an op that has one."""
    node, type = graph.producer(value), graph.type(value)
    is_real = type.dtype == DType.F32 or type.quant is not None
    return node is not None and is_real and has_gradient(node.op)


@contextmanager
def one_thread() -> Iterator[None]:
    """Torch computes with one thread, as long as this lasts."""
    count = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(count)


def part_of(values: Mapping[str, Tensor], pick: slice | Tensor) -> dict[str, Tensor]:
    """Some samples of activations."""
    return {v: x[pick] for v, x in values.items()}


def in_parts(samples: int, size: int) -> list[slice]:
    """Slices of at most `size` samples."""
    return [slice(k, min(k + size, samples)) for k in range(0, samples, size)]


def outputs_with(
    graph: Graph,
    inputs: Mapping[str, Tensor],
    constants: Mapping[str, Tensor],
    changed: Mapping[str, np.ndarray],
    wanted: Sequence[str] | None = None,
) -> list[np.ndarray]:
    """The outputs [samples, ...], or other values, with some other constants, by name."""
    held = {**constants, **{v: torch.from_numpy(x) for v, x in changed.items()}}
    count = len(next(iter(inputs.values())))
    with torch.no_grad():
        ends = graph.outputs if wanted is None else wanted
        parts = [run(graph, part_of(inputs, p), held, ends) for p in in_parts(count, PART)]
    return [torch.cat(x).numpy() for x in zip(*parts, strict=True)]
