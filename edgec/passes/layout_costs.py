"""What a choice of axis orders costs: the bytes that views between ops then have to move."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from edgec.ir import DType, Graph
from edgec.ops.base import op_of
from edgec.passes.layout_rules import Perm, allows, identity, rank_of
from edgec.passes.layout_views import StoredViews, Use
from edgec.passes.operand_views import is_free
from edgec.passes.rewrite import view_node

_RUN, _WORST = 64, 8
"""A copy's price is its bytes; each of its loops adds a 64th, so that long runs win a draw."""


class Costs(StoredViews):
    """The price of a labelling: bytes that are moved between tensors and their users."""

    def __init__(self, graph: Graph) -> None:
        super().__init__(graph)
        self.uses: dict[str, list[Use]] = {}
        self._bases: dict[str, list[str]] = {}
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
                    yield from self.wishes_of(base, use, {})

    def neighbours(self, name: str, new: Mapping[str, Perm]) -> Iterator[tuple[str, Perm]]:
        """Labels that would make a use free that costs something with the new labels."""
        for use in self.uses.get(name, ()):
            if self._moved(name, use, new) is not None:
                yield from self.wishes_of(name, use, new)
        for base in self._bases.get(name, ()):
            for use in self.uses[base]:
                if use[0] == name and self._moved(base, use, new) is not None:
                    yield from self.wishes_of(base, use, new)

    # -- inside -----------------------------------------------------------

    def _use(self, value: str, use: Use) -> None:
        base = value
        while (node := view_node(self.graph, base)) is not None:
            base = node.inputs[0]
        if not self.graph.is_constant(base):
            self.uses.setdefault(base, []).append(use)
            if use[0]:
                self._bases.setdefault(use[0], []).append(base)

    def _moved(self, base: str, use: Use, new: Mapping[str, Perm]) -> tuple[object, ...] | None:
        """What has to be copied for a use (the same for equal copies), None where nothing has."""
        view = self.needed(self.stored(base, new), use, new)
        user, k, value = use
        if is_free(self.graph, (self.node(user), k) if user else None, view, self.graph.type(base).size):
            return None
        if view.index is not None:
            return ("index", value, user)
        return view.key()

    def _cost(self, base: str) -> int:
        copies = {}
        for use in self.uses.get(base, ()):
            if (key := self._moved(base, use, {})) is not None:
                loops = _WORST if key[0] == "index" else len(key)
                copies[key] = self.graph.type(use[2]).bytes * (_RUN + loops)
        return sum(copies.values())
