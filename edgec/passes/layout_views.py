"""Tensors under a choice of axis orders: how they are stored, and what their users see of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from edgec.ir import Graph, Node
from edgec.ops.viewmap import ViewMap
from edgec.passes.layout_rules import Perm, identity, permuted_operands, result_perm
from edgec.passes.rewrite import inverse, push, view_node

Use = tuple[str, int, str]
"""(result of the user, or "" for a graph output; operand index; the value as it is used)."""


class StoredViews:
    """The labels of all tensors that may be permuted, by value name.

    The label of a graph input is the order of its axes, that of a node's result the order of
    the node's operands. What has no label is stored as the graph has it. `new` are labels to be
    tried, before those that are set.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.labels: dict[str, Perm] = {}
        self._views: dict[tuple[str, Perm], ViewMap] = {}

    def label(self, name: str, new: Mapping[str, Perm]) -> Perm | None:
        """The label of a tensor, None where it has none."""
        return new.get(name) or self.labels.get(name)

    def stored(self, base: str, new: Mapping[str, Perm]) -> Perm:
        """The order in which a tensor is stored."""
        label, node = self.label(base, new), self.graph.producer(base)
        if label is None:
            return identity(len(self.graph.type(base).shape))
        return label if node is None else result_perm(self.graph, node, label)

    def view(self, value: str, stored: Perm) -> ViewMap:
        """What a value is of the stored form of the tensor that it is a view of."""
        key = (value, stored)
        if key not in self._views:
            node = view_node(self.graph, value)
            if node is None:
                shape = self.graph.type(value).shape
                whole = ViewMap.whole([shape[p] for p in stored])
                self._views[key] = whole.transpose(inverse(stored))
            else:
                self._views[key] = push(self.graph, node, self.view(node.inputs[0], stored))
        return self._views[key]

    def needed(self, stored: Perm, use: Use, new: Mapping[str, Perm]) -> ViewMap:
        """What the user needs, of the stored form of the tensor that it uses."""
        user, k, value = use
        view = self.view(value, stored)
        label = self.label(user, new)
        if label is None or k not in permuted_operands(self.graph, self.node(user)):
            return view
        full = (*(1,) * (len(label) - len(view.shape)), *view.shape)
        return (view if full == view.shape else view.reshape(full)).transpose(label)

    def node(self, result: str) -> Node:
        """The node of a result."""
        node = self.graph.producer(result)
        assert node is not None
        return node

    def wishes_of(self, base: str, use: Use, new: Mapping[str, Perm]) -> Iterator[tuple[str, Perm]]:
        """Labels of the user and of the tensor, each of which alone may make the use free."""
        user, _, value = use
        if user in self.labels and (label := self.label(user, new)) is not None:
            view = self.view(value, self.stored(base, new))
            if view.index is None:
                full = view.reshape((*(1,) * (len(label) - len(view.shape)), *view.shape))
                strides = [max((abs(s) for _, s in axis), default=0) for axis in full.axes]
                yield user, _sorted(strides, full.shape)
        if base in self.labels and len(self.labels[base]) == len(self.graph.type(base).shape):
            shape = self.graph.type(base).shape
            view = self.needed(identity(len(shape)), use, new)
            loops = view.loops()
            if loops is not None and view.size == self.graph.type(base).size:
                natural = [axis[0][1] for axis in ViewMap.whole(shape).axes]
                rank = {s: i for i, (_, s) in enumerate(loops)}
                places = [
                    next((r for s, r in sorted(rank.items(), reverse=True) if s <= n), 0) for n in natural
                ]
                yield base, _sorted([-p * len(shape) - k for k, p in enumerate(places)], shape)


def _sorted(keys: list[int], shape: tuple[int, ...]) -> Perm:
    """The axes by descending key; axes of size one stay where they are."""
    order = sorted((a for a, n in enumerate(shape) if n > 1), key=lambda a: -keys[a])
    moving = iter(order)
    return tuple(a if n == 1 else next(moving) for a, n in enumerate(shape))
