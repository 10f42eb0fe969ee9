"""Forms of a graph whose layers share passes over their weights between more rows, or fewer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from edgec.ir import Graph, Node
from edgec.ops.base import call_of, op_of

BLOCKS = (1, 2, 4, 8, 16, 32)
"""Rows of a block that are tried, as long as a kernel takes them."""


def block_of(graph: Graph, node: Node, rows: int | None = None) -> int:
    """Rows of a block of a node's kernel; where it is asked for blocks of `rows`, those that it takes."""
    call = call_of(graph, node)
    if rows is not None:
        call = replace(call, attrs={**call.attrs, "block": rows})
    return op_of(node).kernel(call).block


def natural_blocks(graph: Graph) -> Mapping[str, int]:
    """Rows of a block by node, of those whose kernels can take blocks of other sizes; as they stand."""
    more = (n for n in _computed(graph) if graph.type(n.outputs[0]).rows > 1)
    return {n.name: block_of(graph, n) for n in more if block_of(graph, n, 2) == 2}


def slimmer(graph: Graph) -> Mapping[str, int]:
    """Bytes of scratch that nodes do without where they are asked for blocks of one row."""
    found = dict[str, int]()
    for node in _computed(graph):
        call = call_of(graph, node)
        single = replace(call, attrs={**call.attrs, "block": 1})
        saved = op_of(node).kernel(call).scratch - op_of(node).kernel(single).scratch
        if saved > 0:
            found[node.name] = saved
    return found


def in_blocks(graph: Graph, blocks: Mapping[str, int]) -> Graph:
    """The graph with nodes asked for blocks of so many rows, or of all rows where there are fewer."""
    made = graph.copy()
    for name, rows in blocks.items():
        node = made.node(name)
        node.attrs["block"] = min(rows, made.type(node.outputs[0]).rows)
    return made


def _computed(graph: Graph) -> Iterator[Node]:
    """Nodes that have a kernel."""
    for node in graph.nodes():
        op = op_of(node)
        if not (op.is_alias or op.is_join):
            yield node
