"""Views become nothing, one alias, one strided copy or one gather each."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edgec.ir import Attr, Graph, Node, TensorType
from edgec.ops.base import op_of
from edgec.ops.strided_copy import MAX_LOOPS
from edgec.ops.viewmap import ViewMap
from edgec.passes.base import Changes, Pass
from edgec.passes.rewrite import BINARY, add, view_node, view_of

COPIES = ("strided_copy", "gather")


@dataclass(frozen=True)
class CollapseViews(Pass):
    """Chains of reshapes, transposes, slices and the like are done in one copy, or in none."""

    def run(self, graph: Graph) -> Changes:
        changes = Changes()
        made = _existing(graph)
        for node in graph.nodes():
            if not op_of(node).is_view:
                for k, value in enumerate(node.inputs):
                    if view_node(graph, value) is not None:
                        graph.set_operand(node, k, self._collapse(graph, value, made, changes, node))
        for value in list(graph.outputs):
            if view_node(graph, value) is not None:
                new = self._collapse(graph, value, made, changes, None)
                graph.outputs = [new if v == value else v for v in graph.outputs]
        graph.prune()
        return changes

    def _collapse(
        self,
        graph: Graph,
        value: str,
        made: dict[tuple[object, ...], str],
        changes: Changes,
        user: Node | None,
    ) -> str:
        last, type = view_node(graph, value), graph.type(value)
        assert last is not None
        base, view = view_of(graph, value)
        if view.index is not None:
            view = ViewMap.of_index(view.index)
        if user is not None and user.op in BINARY:
            view = _unexpanded(graph, user, value, view)
            type = type.with_(shape=view.shape, layout=type.layout if view.shape == type.shape else "")
        if graph.type(base).quant != type.quant:
            changes.left(last.name, "the view changes the quantization")
            return value
        if graph.is_constant(base):
            data = graph.data(base)
            assert data is not None
            return graph.add_constant(value, data.reshape(-1)[view.indices()], type.quant, type.layout)
        source = base
        if not view.is_identity(graph.type(base).size):
            key: tuple[object, ...] = (base, *view.key())
            if key not in made:
                made[key] = add_copy(graph, base, view, last, type)
                changes.did(last.path or last.name, f"one copy of {type.bytes:,} bytes")
            source = made[key]
        if graph.type(source).shape == type.shape:
            return source
        key = (source, "shape", type.shape)
        if key not in made and last.op == "reshape" and last.inputs[0] == source:
            made[key] = value
        elif key not in made:
            made[key] = add(graph, "reshape", [source], {"shape": type.shape}, last, type)
        return made[key]


def remaining_copies(graph: Graph) -> tuple[int, int]:
    """How many copies of views are left in the graph, and the bytes that they write."""
    sizes = [graph.type(n.outputs[0]).bytes for n in graph if n.op in COPIES]
    return len(sizes), sum(sizes)


def _existing(graph: Graph) -> dict[tuple[object, ...], str]:
    """Copies that are in the graph already, by what they copy."""
    made: dict[tuple[object, ...], str] = {}
    for node in graph.nodes():
        if node.op in COPIES and view_node(graph, node.inputs[0]) is None:
            base, view = view_of(graph, node.outputs[0])
            made.setdefault((base, *view.key()), node.outputs[0])
    return made


def _unexpanded(graph: Graph, user: Node, value: str, view: ViewMap) -> ViewMap:
    """The view without the repetitions that the broadcasting user does by itself."""
    if view.index is not None or user.inputs[0] == user.inputs[1]:
        return view
    small = tuple(
        1 if all(stride == 0 for _, stride in axis) else n
        for n, axis in zip(view.shape, view.axes, strict=True)
    )
    other = graph.type(user.inputs[1 - user.inputs.index(value)]).shape
    if small == view.shape or np.broadcast_shapes(small, other) != graph.type(user.outputs[0]).shape:
        return view
    axes = tuple(() if n == 1 else axis for n, axis in zip(small, view.axes, strict=True))
    return ViewMap(small, axes, view.offset)


def add_view(graph: Graph, base: str, view: ViewMap, like: Node, type: TensorType) -> str:
    """A value of that type that is the view of the base, by the cheapest means there are."""
    if not view.is_identity(graph.type(base).size):
        return add_copy(graph, base, view, like, type)
    if graph.type(base).shape == type.shape:
        return base
    return add(graph, "reshape", [base], {"shape": type.shape}, like, type)


def add_copy(graph: Graph, base: str, view: ViewMap, last: Node, type: TensorType) -> str:
    """A strided copy of the base, or a gather where loops cannot say it."""
    loops = view.loops()
    if loops is not None and len(loops) <= MAX_LOOPS:
        loops = loops or [(1, 1)]
        attrs: dict[str, Attr] = {
            "shape": type.shape,
            "sizes": tuple(n for n, _ in loops),
            "strides": tuple(s for _, s in loops),
            "offset": view.offset,
        }
        return add(graph, "strided_copy", [base], attrs, last, type)
    index = view.indices().reshape(-1).astype(np.int64)
    chunk = _chunk(index, graph.type(base).size)
    source = graph.add_constant(f"{last.name}.source", (index[::chunk] // chunk).astype(np.int32))
    return add(graph, "gather", [base, source], {"shape": type.shape, "chunk": chunk}, last, type)


def _chunk(index: np.ndarray, base_size: int) -> int:
    """The largest number of elements that always move together, from and to multiples of it."""
    breaks = np.flatnonzero(np.diff(index) != 1) + 1
    return math.gcd(base_size, index.size, int(index[0]), *map(int, breaks), *map(int, index[breaks]))
