"""Where a layer can be run twice instead of its result being stored, and what that costs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from edgec.ir import Graph, Node
from edgec.ops.base import call_of, op_of

Use = tuple[str, int]
"""An operand of a node: the node's name, and which operand."""


@dataclass(frozen=True)
class Site:
    """A value that some of its consumers read only after something else has read all of it.

    value: what would be whole between the two. consumers: the operands that a second run would feed.
    chain: the nodes to run again, in topological order, the last of which makes the value. macs: their
    multiply-accumulates. held: bytes of values that the second run reads and that nothing else keeps that
    long. inputs: graph inputs among them. kind: equal where nodes and shapes are, as in repeated blocks.
    """

    value: str
    consumers: tuple[Use, ...]
    chain: tuple[str, ...]
    macs: int
    held: int
    inputs: tuple[str, ...]
    kind: str


def rerun_sites(graph: Graph, most: float = 1.0) -> list[Site]:
    """All sites of an integer graph, in topological order of their values.

    Uses that belong to one row loop are one site: uses between the same barriers (ops whose first row
    needs all rows of an operand). The uses that come first keep the first run. A site is listed once for
    every length of chain that holds fewer bytes than the shorter ones and the value itself. most: no
    chain costs more than this share of the graph's own multiply-accumulates.
    """
    found: list[Site] = []
    search = _Search(graph, most)
    for node in search.order:
        for value in node.outputs:
            if graph.type(value).rows > 1 and value not in graph.outputs:
                found += search.sites(value)
    return found


class _Search:
    def __init__(self, graph: Graph, most: float) -> None:
        self.graph, self.order = graph, graph.nodes()
        self.rank = {n.name: k for k, n in enumerate(self.order)}
        self.macs = {n.name: op_of(n).macs(call_of(graph, n)) for n in self.order}
        self.most = most * sum(self.macs.values())
        self.waits = {n.name: _waits(graph, n) for n in self.order}
        self.height: dict[str, int] = {}
        self.barriers: dict[str, frozenset[str]] = {}
        for node in reversed(self.order):
            self._look_ahead(node)

    def _look_ahead(self, node: Node) -> None:
        """How many barriers follow a node on the longest way, and which come next."""
        height, ahead = 0, frozenset[str]()
        for value in node.outputs:
            for user, k in self.graph.consumers(value):
                height = max(height, self.height[user.name] + self.waits[user.name][k])
                ahead |= frozenset({user.name}) if any(self.waits[user.name]) else self.barriers[user.name]
        self.height[node.name], self.barriers[node.name] = height, ahead

    def _before(self, user: Node, k: int) -> int:
        """How many barriers come after this use has read its rows: uses with more come earlier."""
        return self.height[user.name] + self.waits[user.name][k]

    def sites(self, value: str) -> Iterator[Site]:
        """The sites of one value."""
        loops: dict[tuple[int, tuple[str, ...]], list[Use]] = defaultdict(list)
        for user, k in sorted(self.graph.consumers(value), key=lambda u: (self.rank[u[0].name], u[1])):
            waits = any(self.waits[user.name])
            ahead = {user.name} if waits else self.barriers[user.name]
            loops[-self._before(user, k), tuple(sorted(ahead))].append((user.name, k))
        in_time = sorted(loops.items(), key=lambda loop: (loop[0][0], self.rank[loop[1][0][0]]))
        for (time, _), uses in in_time[1:]:
            yield from self._chains(value, tuple(uses), -time)

    def _chains(self, value: str, uses: tuple[Use, ...], after: int) -> Iterator[Site]:
        """Chains that make the value again at a time when `after` barriers are left."""
        chain: list[Node] = []
        ends, least = {value}, self.graph.type(value).bytes
        while (node := self._last(ends)) is not None:
            chain.insert(0, node)
            macs = sum(self.macs[n.name] for n in chain)
            if macs > self.most:
                return
            ends -= set(node.outputs)
            ends |= {v for v in node.inputs if not self.graph.is_constant(v)}
            held = sum(self.graph.type(v).bytes for v in self._roots(ends) if not self._kept(v, after))
            if held < least:
                least, names = held, tuple(n.name for n in chain)
                inputs = tuple(v for v in self.graph.inputs if v in ends)
                yield Site(value, uses, names, macs, held, inputs, self._kind(chain, uses))
            if held == 0:
                return

    def _last(self, ends: set[str]) -> Node | None:
        """The node to add to a chain next: no barrier, and nothing that makes a single row."""
        made = [n for v in ends if self.graph.type(v).rows > 1 and (n := self.graph.producer(v)) is not None]
        last = max(made, key=lambda n: self.rank[n.name], default=None)
        return None if last is None or any(self.waits[last.name]) else last

    def _roots(self, values: set[str]) -> set[str]:
        """The values with their shapes taken off: what has bytes of its own."""
        roots = set()
        for value in values:
            while (node := self.graph.producer(value)) is not None and op_of(node).is_alias:
                value = node.inputs[0]
            roots.add(value)
        return roots

    def _kept(self, value: str, after: int) -> bool:
        """Whether the value is there when `after` barriers are left: some use reads it then or later."""
        if value in self.graph.outputs:
            return True
        for user, k in self.graph.consumers(value):
            if op_of(user).is_alias:
                if any(self._kept(v, after) for v in user.outputs):
                    return True
            elif self._before(user, k) <= after:
                return True
        return False

    def _kind(self, chain: list[Node], uses: tuple[Use, ...]) -> str:
        types = [(n.op, self.graph.type(n.outputs[0])) for n in chain]
        made = ", ".join(f"{op} {type.dtype}{type.shape}" for op, type in types)
        users = [(self.graph.node(name), k) for name, k in uses]
        return (
            f"{made} for {', '.join(f'{n.op}.{k} {self.graph.type(n.outputs[0]).shape}' for n, k in users)}"
        )


def _waits(graph: Graph, node: Node) -> tuple[bool, ...]:
    """Per operand: whether the first row of the result needs the operand's last row."""
    needs = op_of(node).rows(call_of(graph, node))
    return tuple(
        rows is not None and graph.type(v).rows > 1 and bool(rows.last[0] >= graph.type(v).rows - 1)
        for v, rows in zip(node.inputs, needs, strict=True)
    )
