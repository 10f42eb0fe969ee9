"""Heads of attention that change no result: nothing reads them, or all their values are the zero point."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgec.ir import Graph, Node
from edgec.ops.attention_reads import NAMES, dims_of, views_of
from edgec.ops.base import call_of
from edgec.passes.channel_facts import Facts
from edgec.passes.channel_slots import is_product
from edgec.passes.projections import Source, origin, overlap, projection, source_of
from edgec.passes.rewrite import only_use


def without_heads(graph: Graph, facts: Mapping[str, Facts]) -> dict[str, int]:
    """Leave dead heads out, with their channels in the layers around; how many channels by attention node.

    The context of a head whose values are the zero point is its own zero point, whatever the scores.
    """
    gone = {}
    for node in graph.nodes():
        if node.op != "attention" or (chain := _chain(graph, node)) is None:
            continue
        *shapes, reader = chain
        call, (_, heads, _, _, _, depth) = call_of(graph, node), dims_of(call_of(graph, node))
        sources = _sources(graph, node)
        weights = call_of(graph, reader).const(1).reshape(-1, heads, depth)
        dead = ~weights.any(axis=(0, 2)) | _silent(graph, node, sources[2], facts)
        kept = np.flatnonzero(~dead) if not dead.all() else np.arange(1)
        mask = call.ins[3].shape if call.has(3) else ()
        own_mask = len(mask) > 2 and mask[-3] > 1  # its formats are those of all heads together
        if kept.size == heads or own_mask or overlap(sources, heads) or not _can(sources, kept):
            continue
        gone[node.name] = _cut_projections(graph, node, sources, kept)
        type = graph.type(node.outputs[0])
        graph.set_type(node.outputs[0], type.with_(shape=(*type.shape[:2], kept.size, depth)))
        for view in shapes:
            shape = (*graph.type(view.outputs[0]).shape[:-1], kept.size * depth)
            view.attrs["shape"] = shape
            graph.set_type(view.outputs[0], graph.type(view.outputs[0]).with_(shape=shape))
        old = graph.type(reader.inputs[1])
        data = np.ascontiguousarray(weights[:, kept].reshape(old.shape[0], -1))
        graph.set_operand(reader, 1, graph.add_constant(reader.inputs[1], data, old.quant))
    return gone


def _chain(graph: Graph, node: Node) -> list[Node] | None:
    """Views that put the heads side by side, and the only layer to read them; None without one."""
    heads, depth = (dims_of(call_of(graph, node))[k] for k in (1, 5))
    value, found = node.outputs[0], list[Node]()
    while only_use(graph, value):
        ((user, operand),) = graph.consumers(value)
        found.append(user)
        if user.op == "linear":
            wide = graph.type(value).shape[-1] == heads * depth
            return found if heads > 1 and wide and operand == 0 and is_product(graph, user) else None
        value = user.outputs[0]
        if user.op != "reshape" or graph.type(value).shape[-1] != heads * depth:
            return None
    return None


def _sources(graph: Graph, node: Node) -> list[Source | None]:
    """The layers that compute queries, keys and values and nothing else, if they can be cut."""
    found = [source_of(graph, node, k) for k in range(3)]
    stay = {origin(graph, node.inputs[k]) for k in range(3) if isinstance(found[k], str)}
    return [s if isinstance(s, Source) and s.node.outputs[0] not in stay else None for s in found]


def _silent(graph: Graph, node: Node, values: Source | None, facts: Mapping[str, Facts]) -> np.ndarray:
    """The heads all values of which are the zero point."""
    heads, zero = dims_of(call_of(graph, node))[1], graph.type(node.inputs[2]).q.z
    if values is None:
        return np.zeros(heads, bool)
    known = facts[values.node.outputs[0]]
    still = (known.lo == zero) & (known.hi == zero)
    return np.array([still[values.columns([h])].all() for h in range(heads)])


def _can(sources: list[Source | None], kept: np.ndarray) -> bool:
    """Whether heads that stay can be read where they lie, evenly apart, if there is no layer to cut."""
    return all(sources) or len(set(np.diff(kept).tolist())) < 2


def _cut_projections(graph: Graph, node: Node, sources: list[Source | None], kept: np.ndarray) -> int:
    """Give the attention layers of the channels that it still reads; how many those have less."""
    call = call_of(graph, node)
    b, _, t, s, d, dv = dims_of(call)
    columns = [source.columns(kept.tolist()) if source is not None else [] for source in sources]
    inputs, less, made = list(node.inputs), 0, dict[str, str]()
    for k, (source, name) in enumerate(zip(sources, NAMES, strict=True)):
        view = views_of(call)[k]
        batch, head, token = view.strides
        if source is None:
            step = int(kept[1] - kept[0]) if kept.size > 1 else 0
            node.attrs[f"{name}_view"] = (view.offset + int(kept[0]) * head, batch, step * head, token)
            continue
        own = [j for j, other in enumerate(sources) if other is not None and other.node is source.node]
        joint = [c for j in own for c in columns[j]]
        if source.node.name not in made:
            made[source.node.name] = projection(graph, source, joint, node)
            less += graph.type(source.node.outputs[0]).shape[-1] - len(joint)
        inputs[k] = made[source.node.name]
        first, n = sum(len(columns[j]) for j in own if j < k), len(joint)
        start, batch, token = (x * n for x in source.tokens)
        apart = source.width if len(columns[k]) > source.width else 0
        node.attrs[f"{name}_view"] = (start + first, batch, apart, token)
    graph.set_inputs(node, inputs)
    node.attrs["dims"] = (b, int(kept.size), t, s, d, dv)
    return less
