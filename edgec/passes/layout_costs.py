"""What a choice of axis orders costs: the bytes that views between ops then have to move."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from edgec.ir import DType, Graph, Node
from edgec.ops.base import op_of
from edgec.ops.viewmap import ViewMap
from edgec.passes.layout_rules import Perm, allows, identity, permuted_operands, rank_of, result_perm
from edgec.passes.operand_views import READERS, operand_strides, row_permutation
from edgec.passes.rewrite import inverse, push, view_node

Use = tuple[str, int, str]
"""(result of the user, or "" for a graph output; operand index; the value as it is used)."""


class Costs:
    """The labels of all tensors that may be permuted, by value name, and the price of a labelling.

    The label of a graph input is the order of its axes, that of a node's result the order of
    the node's operands. What has no label is stored as the graph has it.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.labels: dict[str, Perm] = {}
        self.uses: dict[str, list[Use]] = {}
        self._bases: dict[str, list[str]] = {}
        self._views: dict[tuple[str, Perm], ViewMap] = {}
        for name in graph.inputs:
            type = graph.type(name)
            if len(type.shape) in (3, 4) and type.dtype in (DType.F32, DType.I8) and graph.consumers(name):
                self.labels[name] = identity(len(type.shape))
        for node in graph.nodes():
            if op_of(node).is_view:
                continue
            rank = rank_of(graph, node) if node.inputs else 0
            if rank > 1 and len(node.outputs) == 1 and allows(graph, node, identity(rank)):
                self.labels[node.outputs[0]] = identity(rank)
            for k, value in enumerate(node.inputs):
                self._use(value, (node.outputs[0], k, value))
        for value in graph.outputs:
            self._use(value, ("", 0, value))

    def allows(self, name: str, perm: Perm) -> bool:
        """Whether a tensor may have that label."""
        if name not in self.labels or len(perm) != len(self.labels[name]):
            return False
        node = self.graph.producer(name)
        return node is None or allows(self.graph, node, perm)

    def touched(self, names: Mapping[str, Perm]) -> set[str]:
        """The tensors whose uses cost something else when these labels change."""
        return {base for name in names for base in (name, *self._bases.get(name, ()))}

    def total(self, bases: set[str]) -> int:
        """Bytes moved between these tensors and their users."""
        return sum(self._cost(base) for base in bases)

    def wishes(self) -> Iterator[tuple[str, Perm]]:
        """Labels, each of which would make one use free that costs something now."""
        for base, uses in self.uses.items():
            for use in uses:
                if self._moved(base, use, {}) is not None:
                    yield from self._wishes(base, use, {})

    def neighbours(self, name: str, new: Mapping[str, Perm]) -> Iterator[tuple[str, Perm]]:
        """Labels that would make a use free that costs something with the new labels."""
        for use in self.uses.get(name, ()):
            if self._moved(name, use, new) is not None:
                yield from self._wishes(name, use, new)
        for base in self._bases.get(name, ()):
            for use in self.uses[base]:
                if use[0] == name and self._moved(base, use, new) is not None:
                    yield from self._wishes(base, use, new)

    # -- inside -----------------------------------------------------------

    def _use(self, value: str, use: Use) -> None:
        base = value
        while (node := view_node(self.graph, base)) is not None:
            base = node.inputs[0]
        if not self.graph.is_constant(base):
            self.uses.setdefault(base, []).append(use)
            if use[0]:
                self._bases.setdefault(use[0], []).append(base)

    def _label(self, name: str, new: Mapping[str, Perm]) -> Perm | None:
        return new.get(name) or self.labels.get(name)

    def _stored(self, base: str, new: Mapping[str, Perm]) -> Perm:
        """The order in which a tensor is stored."""
        label, node = self._label(base, new), self.graph.producer(base)
        if label is None:
            return identity(len(self.graph.type(base).shape))
        return label if node is None else result_perm(self.graph, node, label)

    def _view(self, value: str, stored: Perm) -> ViewMap:
        """What a value is of the stored form of the tensor that it is a view of."""
        key = (value, stored)
        if key not in self._views:
            node = view_node(self.graph, value)
            if node is None:
                shape = self.graph.type(value).shape
                whole = ViewMap.whole([shape[p] for p in stored])
                self._views[key] = whole.transpose(inverse(stored))
            else:
                self._views[key] = push(self.graph, node, self._view(node.inputs[0], stored))
        return self._views[key]

    def _needed(self, stored: Perm, use: Use, new: Mapping[str, Perm]) -> ViewMap:
        """What the user needs, of the stored form of the tensor that it uses."""
        user, k, value = use
        view = self._view(value, stored)
        label = self._label(user, new)
        if label is None or k not in permuted_operands(self.graph, self._node(user)):
            return view
        full = (*(1,) * (len(label) - len(view.shape)), *view.shape)
        return (view if full == view.shape else view.reshape(full)).transpose(label)

    def _node(self, result: str) -> Node:
        node = self.graph.producer(result)
        assert node is not None
        return node

    def _moved(self, base: str, use: Use, new: Mapping[str, Perm]) -> tuple[object, ...] | None:
        """What has to be copied for a use (the same for equal copies), None where nothing has."""
        view = self._needed(self._stored(base, new), use, new)
        size = self.graph.type(base).size
        if view.index is None and view.is_identity(size):
            return None
        user, k, value = use
        if user:
            node = self._node(user)
            if node.op in READERS and operand_strides(self.graph, node, k, view) is not None:
                return None
            if node.op == "linear" and k == 0 and row_permutation(view, size) is not None:
                return None
        if view.index is not None:
            return ("index", value, user)
        return view.key()

    def _cost(self, base: str) -> int:
        copies = {}
        for use in self.uses.get(base, ()):
            if (key := self._moved(base, use, {})) is not None:
                copies[key] = self.graph.type(use[2]).bytes
        return sum(copies.values())

    def _wishes(self, base: str, use: Use, new: Mapping[str, Perm]) -> Iterator[tuple[str, Perm]]:
        user, _, value = use
        if user in self.labels and (label := self._label(user, new)) is not None:
            view = self._view(value, self._stored(base, new))
            if view.index is None:
                full = view.reshape((*(1,) * (len(label) - len(view.shape)), *view.shape))
                strides = [max((abs(s) for _, s in axis), default=0) for axis in full.axes]
                yield user, _sorted(strides, full.shape)
        if base in self.labels and len(self.labels[base]) == len(self.graph.type(base).shape):
            shape = self.graph.type(base).shape
            view = self._needed(identity(len(shape)), use, new)
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
