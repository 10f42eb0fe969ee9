"""A layer whose channels go different ways becomes a layer for each way."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgec.ir import Graph, Node, Quant
from edgec.ops.viewmap import ViewMap
from edgec.passes.base import Changes, Pass
from edgec.passes.collapse_views import add_view
from edgec.passes.operand_views import is_free
from edgec.passes.rewrite import add, only_use, view_node, view_of


@dataclass(frozen=True, eq=False)
class _Part:
    """A terminal use of some channels: (node, operand) or a graph output, and which elements it reads."""

    user: tuple[Node, int] | None
    value: str
    view: ViewMap
    first: int
    last: int


@dataclass(frozen=True)
class SplitOutputs(Pass):
    """A linear layer or convolution that is cut into channels afterwards computes the pieces one by one.

    Instead of all channels at once and copies of them; channels that nobody reads are left out.
    """

    def run(self, graph: Graph) -> Changes:
        changes = Changes()
        for node in graph.nodes():
            if node not in graph or not _can_split(graph, node):
                continue
            tail = [node]
            while only_use(graph, tail[-1].outputs[0]):
                user = graph.consumers(tail[-1].outputs[0])[0][0]
                if user.op != "pointwise":
                    break
                tail.append(user)
            result = tail[-1].outputs[0]
            if not _any_copy(graph, result):
                continue
            groups = _groups(_parts(graph, result))
            if _pays(graph, result, groups):
                for group in groups:
                    _compute(graph, tail, group)
                graph.prune()
                changes.did(node.path or node.name, f"computed in {len(groups)} parts")
        return changes


def _can_split(graph: Graph, node: Node) -> bool:
    plain = node.op == "linear" or (node.op == "conv2d" and node.attrs.get("groups", 1) == 1)
    return plain and all(graph.is_constant(v) for v in node.inputs[1:])


def _terminals(graph: Graph, value: str) -> list[tuple[tuple[Node, int] | None, str]]:
    """Uses of a value by ops that are no views, and as graph outputs: (use, the value as used)."""
    found: list[tuple[tuple[Node, int] | None, str]] = [(None, value)] if value in graph.outputs else []
    for user, k in graph.consumers(value):
        if view_node(graph, user.outputs[0]) is not None:
            found += _terminals(graph, user.outputs[0])
        else:
            found.append(((user, k), value))
    return found


def _any_copy(graph: Graph, result: str) -> bool:
    """Whether some use of the result needs a copy of it, and none needs the whole."""
    uses = [(use, view_of(graph, v)[1]) for use, v in _terminals(graph, result)]
    size = graph.type(result).size
    if any(view.size >= size for _, view in uses):
        return False
    return any(not is_free(graph, use, view, size) for use, view in uses)


def _parts(graph: Graph, result: str) -> list[_Part]:
    channels = graph.type(result).shape[-1]
    parts = []
    for use, value in _terminals(graph, result):
        _, view = view_of(graph, value)
        channel = view.indices() % channels
        parts.append(_Part(use, value, view, int(channel.min()), int(channel.max()) + 1))
    return sorted(parts, key=lambda p: (p.first, p.last))


def _groups(parts: list[_Part]) -> list[list[_Part]]:
    """Parts whose channels overlap belong together."""
    groups: list[list[_Part]] = []
    for part in parts:
        if groups and part.first < max(p.last for p in groups[-1]):
            groups[-1].append(part)
        else:
            groups.append([part])
    return groups


def _cut(graph: Graph, result: str, part: _Part, group: list[_Part]) -> tuple[ViewMap, int]:
    """What a part is of a tensor that holds the group's channels only, and the size of that."""
    channels, first, last = graph.type(result).shape[-1], group[0].first, max(p.last for p in group)
    index = part.view.indices().astype(np.int64)
    index = index // channels * (last - first) + index % channels - first
    return ViewMap.of_index(index), graph.type(result).size // channels * (last - first)


def _pays(graph: Graph, result: str, groups: list[list[_Part]]) -> bool:
    """Whether fewer bytes are copied afterwards, and no use needs a copy that needs none now."""
    size, saved = graph.type(result).size, 0
    for group in groups:
        for part in group:
            now = is_free(graph, part.user, part.view, size)
            then = is_free(graph, part.user, *_cut(graph, result, part, group))
            if now and not then:
                return False
            saved += part.view.size if then and not now else 0
    return saved > 0


def _compute(graph: Graph, tail: list[Node], group: list[_Part]) -> None:
    node, result = tail[0], tail[-1].outputs[0]
    first, last = group[0].first, max(p.last for p in group)
    inputs = [node.inputs[0]]
    for v in node.inputs[1:]:
        data, quant = graph.data(v), graph.type(v).quant
        assert data is not None
        if quant is not None and quant.axis == 0:
            quant = Quant(quant.scale[first:last], quant.zero_point[first:last], 0)
        inputs.append(graph.add_constant(v, data[first:last], quant))
    y = inputs[0]
    for k, step in enumerate(tail):
        old = graph.type(step.outputs[0])
        shape = (*old.shape[:-1], last - first)
        y = add(graph, step.op, inputs if k == 0 else [y], step.attrs, step, old.with_(shape=shape))
    for part in group:
        view, _ = _cut(graph, result, part, group)
        new = add_view(graph, y, view, tail[-1], graph.type(part.value))
        if part.user is None:
            graph.outputs = [new if v == part.value else v for v in graph.outputs]
        else:
            graph.set_operand(*part.user, new)
