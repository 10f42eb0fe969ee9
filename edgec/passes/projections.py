"""Linear layers that compute the operands of an attention: which they are, and parts of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from edgec.ir import Graph, Node, Quant
from edgec.ops.attention_reads import NAMES, dims_of, views_of
from edgec.ops.base import call_of, op_of

View = tuple[int, ...]
"""(offset, batch, head, token) in elements."""


@dataclass(frozen=True)
class Source:
    """The linear layer that computes an operand, and how the operand reads its result.

    column: the first channel of head 0; head: channels from one head to the next; width: channels of a
    head; tokens: offset, batch stride and token stride in tokens.
    """

    node: Node
    column: int
    head: int
    width: int
    tokens: tuple[int, int, int]

    def columns(self, heads: Iterable[int]) -> list[int]:
        """The channels that these heads read, head by head; those that heads share, once."""
        starts = dict.fromkeys(self.column + h * self.head for h in heads)
        return [c for s in starts for c in range(s, s + self.width)]


def source_of(graph: Graph, node: Node, k: int) -> Source | str:
    """Where operand k comes from, or why it cannot be computed in parts."""
    name, call = NAMES[k], call_of(graph, node)
    value = origin(graph, node.inputs[k])
    made = graph.producer(value)
    if made is None or made.op != "linear" or not all(map(graph.is_constant, made.inputs[1:])):
        return f"{name} is not the result of a linear layer with constant weights"
    if any(user is not node for user in users(graph, value)):
        return f"the layer that computes {name} is read by others, too"
    view, heads, channels = views_of(call)[k], dims_of(call)[1], graph.type(value).shape[-1]
    batch, head, token = view.strides
    (start, column), *strides = (divmod(n, channels) for n in (view.offset, batch, token))
    if any(rest for _, rest in strides) or not 0 <= column + (heads - 1) * head <= channels - view.run:
        return f"the heads of {name} are not channels of its layer"
    if heads > 1 and head != 0 and abs(head) < view.run:
        return f"the heads of {name} overlap"
    if view.run == 1:
        return f"{name} has heads of one channel"
    return Source(made, column, head if heads > 1 else 0, view.run, (start, strides[0][0], strides[1][0]))


def origin(graph: Graph, value: str) -> str:
    """The value that this one is under another shape."""
    while (made := graph.producer(value)) is not None and made.op == "reshape":
        value = made.inputs[0]
    return value


def users(graph: Graph, value: str) -> list[Node | None]:
    """Who reads a value, under its own or another shape; None stands for a graph output."""
    found: list[Node | None] = [None] if value in graph.outputs else []
    for user, _ in graph.consumers(value):
        found += users(graph, user.outputs[0]) if op_of(user).is_alias else [user]
    return found


def shared(sources: Sequence[Source | None], k: int) -> bool:
    """Whether operand k's layer computes another operand, too."""
    own = sources[k]
    return own is not None and sum(s is not None and s.node is own.node for s in sources) > 1


def overlap(sources: Sequence[Source | None], heads: int) -> bool:
    """Whether some channel is read as two operands: it would have to be computed twice."""
    read = [(s.node.name, c) for s in sources if s is not None for c in s.columns(range(heads))]
    return len(set(read)) < len(read)


def projection(graph: Graph, source: Source, columns: list[int], like: Node) -> str:
    """A linear layer of some channels of another one; returns its result."""
    node = source.node
    inputs = [node.inputs[0]]
    for v in node.inputs[1:]:
        data, quant = graph.data(v), graph.type(v).quant
        assert data is not None
        if quant is not None and quant.axis == 0:
            scales, zeros = ([values[c] for c in columns] for values in (quant.scale, quant.zero_point))
            quant = Quant(tuple(scales), tuple(int(z) for z in zeros), 0)
        inputs.append(graph.add_constant(v, np.ascontiguousarray(data[columns]), quant))
    old = graph.type(node.outputs[0])
    type = old.with_(shape=(*old.shape[:-1], len(columns)))
    return graph.add("linear", inputs, [type], node.attrs, path=node.path, before=like).outputs[0]


def own_view(source: Source, channels: int) -> View:
    """How an operand reads a projection that has nothing but its channels."""
    offset, batch, token = (n * channels for n in source.tokens)
    return offset, batch, source.width if channels > source.width else 0, token
