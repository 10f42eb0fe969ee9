"""The sets of ops that are worth running over strips of columns."""

from __future__ import annotations

import numpy as np

from edgec.ir import Graph, Node
from edgec.ops.base import call_of, op_of
from edgec.passes.column_rules import WholeRows
from edgec.passes.rewrite import only_use
from edgec.passes.strip_spans import parts_needed


def strip_candidates(graph: Graph) -> list[tuple[str, ...]]:
    """Names of the ops of each set, in topological order; the sets are disjoint.

    A set is a run of ops, each the only reader of the one before, from one narrow tensor to the next:
    what is wide lies inside, such as the expanded channels of an inverted residual (Sandler et al.,
    MobileNetV2, 2018) with its projection and sum. Inside a set one op at most reads rows that another
    of its rows has read: a second one would have the rows of the first computed again and again.
    """
    runs: list[list[Node]] = []
    open_at: dict[str, list[Node]] = {}
    for node in graph.nodes():
        if not _by_columns(graph, node):
            continue
        run = next((open_at.pop(v) for v in node.inputs if v in open_at), None)
        if run is None:
            run = []
            runs.append(run)
        run.append(node)
        if only_use(graph, node.outputs[0]):
            open_at[node.outputs[0]] = run
    sets = [part for run in runs for part in _split(graph, run)]
    return [tuple(node.name for node in part) for part in sets if len(part) > 1]


def _by_columns(graph: Graph, node: Node) -> bool:
    """Whether the op can be cut at a column of its result."""
    t = graph.type(node.outputs[0])
    if len(t.shape) != 4 or t.shape[2] < 2:
        return False
    try:
        parts_needed(graph, [node], {node.outputs[0]: (0, t.shape[2])})
    except WholeRows:
        return False
    return True


def _split(graph: Graph, run: list[Node]) -> list[list[Node]]:
    """A run of ops cut at narrow tensors, and where rows would be read again a second time."""
    parts: list[list[Node]] = [[]]
    again, before = False, _narrowest_operand(graph, run[0])
    for k, node in enumerate(run):
        reads_again = _reads_again(graph, node)
        if again and reads_again:
            parts.append([])
        again = bool(parts[-1]) and (again or reads_again)
        parts[-1].append(node)
        width = graph.type(node.outputs[0]).row_bytes
        if k + 1 < len(run) and width <= before and width < graph.type(run[k + 1].outputs[0]).row_bytes:
            parts.append([])
            again = False
        before = width
    return parts


def _narrowest_operand(graph: Graph, node: Node) -> int:
    return min(graph.type(v).row_bytes for v in node.inputs if not graph.is_constant(v))


def _reads_again(graph: Graph, node: Node) -> bool:
    """Whether some row of an operand is needed for more than one row of the result."""
    found = (rows for rows in op_of(node).rows(call_of(graph, node)) if rows is not None)
    return any(bool(np.any(rows.first[1:] <= rows.last[:-1])) for rows in found)
