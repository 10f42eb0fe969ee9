"""Where a set of ops is cut into strips of columns, and which columns of every tensor a strip needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from edgec.ir import Graph, Node
from edgec.ops.base import call_of
from edgec.passes.column_rules import Part, Span, WholeRows, part_of, step_of


def results_of(graph: Graph, nodes: Sequence[Node]) -> list[str]:
    """What the nodes compute for others, or for the graph's outputs."""
    inside = {node.name for node in nodes}
    found = []
    for v in (v for node in nodes for v in node.outputs):
        if v in graph.outputs or any(user.name not in inside for user, _ in graph.consumers(v)):
            found.append(v)
    return found


def parts_needed(graph: Graph, nodes: Sequence[Node], spans: Mapping[str, Span]) -> dict[str, Part]:
    """Node -> how it computes what the columns `spans` of the results need.

    nodes: in topological order. spans: result -> its columns. A result that other nodes of the set read
    is computed in these columns only: what they need beyond they read from the joined rows. Nodes of
    which nothing is needed are left out. Raises WholeRows where an op needs whole rows.
    """
    inside = {node.name for node in nodes}
    needs: dict[str, Span] = {}
    parts: dict[str, Part] = {}
    for node in reversed(nodes):
        v = node.outputs[0]
        span = spans.get(v) or needs.get(v)
        if span is None:
            continue
        who = f"{node.path or node.name} ({node.op})"
        try:
            part = part_of(node.op, call_of(graph, node), span)
        except WholeRows as reason:
            raise WholeRows(f"{who} {reason}") from None
        if v in spans and part.span != span:
            raise WholeRows(f"{who} computes columns {part.span} together, of which {span} are wanted")
        parts[node.name] = part
        for operand, need in zip(node.inputs, part.needs, strict=True):
            source = graph.producer(operand)
            if source is None or source.name not in inside or operand in spans:
                continue
            if need is None:
                raise WholeRows(f"{who} reads whole rows of {operand}")
            old = needs.get(operand, need)
            needs[operand] = min(old[0], need[0]), max(old[1], need[1])
    return parts


def cuts(graph: Graph, nodes: Sequence[Node], results: Sequence[str], count: int) -> list[dict[str, Span]]:
    """Per strip, the columns of every result. The strips' widest inner rows are about equally wide.

    Raises WholeRows where the results cannot be cut into so many.
    """
    steps: dict[str, int] = {}
    for node in nodes:
        if len(node.outputs) != 1 or len(graph.type(node.outputs[0]).shape) != 4:
            raise WholeRows(f"{node.path or node.name} ({node.op}) has no map of columns as its result")
        if node.outputs[0] in results:
            steps[node.outputs[0]] = step_of(node.op, call_of(graph, node))
    if not steps:
        raise WholeRows("nobody reads the results")
    widths = {v: graph.type(v).shape[2] for v in results}
    parts_needed(graph, nodes, {v: (0, n) for v, n in widths.items()})  # is each op one of columns?
    units = min(widths[v] // steps[v] for v in results)
    if not 2 <= count <= units:
        raise WholeRows(f"columns to cut: {units}, strips: {count}")
    inner = [node for node in nodes if node.outputs[0] not in results]

    def spans(first: int, last: int) -> dict[str, Span]:
        """The columns of the results from unit `first` to unit `last`."""
        ends = {v: [k * (widths[v] // s) // units * s for k in (first, last)] for v, s in steps.items()}
        return {v: (a, widths[v] if last == units else b) for v, (a, b) in ends.items()}

    def weigh(first: int, last: int) -> int:
        """Bytes of one row of every inner tensor of a strip."""
        parts, total = parts_needed(graph, nodes, spans(first, last)), 0
        for node in inner:
            if node.name in parts:
                a, b = parts[node.name].span
                t = graph.type(node.outputs[0])
                total += (b - a) * t.shape[3] * t.dtype.bytes
        return total

    sizes = _sizes(units, count, weigh)
    return [spans(sum(sizes[:k]), sum(sizes[: k + 1])) for k in range(count)]


def _sizes(units: int, count: int, weigh: Callable[[int, int], int]) -> list[int]:
    """Lengths of the strips. Those at the borders are longer, as they have one seam."""
    sizes = [(k + 1) * units // count - k * units // count for k in range(count)]
    if count == 2 or not weigh(0, units):
        return sizes
    for length in range(-(-units // count), 0, -1):
        at = (units - length) // 2
        limit = weigh(at, at + length)
        left = _longest(length, units, lambda n, limit=limit: weigh(0, n) <= limit)  # type: ignore[misc]
        right = _longest(length, units, lambda n, limit=limit: weigh(units - n, units) <= limit)  # type: ignore[misc]
        if left + right + (count - 2) * length < units:
            break
        sizes = [left, *[length] * (count - 2), right]
    k = 0
    while sum(sizes) > units:
        k = (k + 1) % count
        sizes[k] = max(1, sizes[k] - 1)
    return sizes


def _longest(least: int, most: int, fits: Callable[[int], bool]) -> int:
    n = least
    while n < most and fits(n + 1):
        n += 1
    return n
