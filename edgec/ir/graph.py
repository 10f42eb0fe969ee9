"""The graph: ops as nodes of a networkx MultiDiGraph, one edge per operand.

networkx is used inside this room only; other rooms ask the Graph.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import networkx as nx
import numpy as np

from edgec.ir.types import Quant, TensorType, dtype_of

Attr = int | float | str | bool | None | tuple["Attr", ...]
"""What an attribute of an op may be: a scalar or a nested tuple of scalars."""


@dataclass
class Value:
    """A tensor: a graph input, a constant (`data` is set), or an op's result."""

    name: str
    type: TensorType
    data: np.ndarray | None = None


@dataclass
class Node:
    """One op: its operands and results by value name, and the user's module path."""

    name: str
    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attrs: dict[str, Attr] = field(default_factory=dict)
    path: str = ""


class Graph:
    """A directed acyclic graph of ops over named, typed values.

    input_perms: inputs that the device takes with its axes in another order than the
    user's model has them, device = user.transpose(perm). features: what kernels may use beyond plain C,
    instruction sets (`Target.features`) and forms of tables ("dense", edgec/ops/dsp.py).
    """

    def __init__(self, name: str = "model") -> None:
        self.name = name
        self.inputs: list[str] = []
        self.outputs: list[str] = []
        self.input_perms: dict[str, tuple[int, ...]] = {}
        self.features: frozenset[str] = frozenset()
        self.values: dict[str, Value] = {}
        self._nodes: dict[str, Node] = {}
        self._rank: dict[str, float] = {}
        self._producer: dict[str, str] = {}
        self._dag: nx.MultiDiGraph = nx.MultiDiGraph()
        self._uses: dict[str, set[tuple[str, int]]] = {}
        self._counter = 0

    # -- building ---------------------------------------------------------

    def add_input(self, name: str, type: TensorType) -> str:
        """Declare a graph input; returns its value name."""
        self._new_value(name, type)
        self.inputs.append(name)
        return name

    def add_constant(self, name: str, data: np.ndarray, quant: Quant | None = None, layout: str = "") -> str:
        """Add a constant; the name is made unique and returned."""
        name = self.unique(name)
        data = np.asarray(data)  # numpy makes a bare number of what it computes from a scalar array
        type = TensorType(tuple(data.shape), dtype_of(data), quant, layout)
        self._new_value(name, type, data)
        return name

    def add(
        self,
        op: str,
        inputs: Sequence[str],
        types: Sequence[TensorType],
        attrs: Mapping[str, Attr] | None = None,
        *,
        path: str = "",
        name: str | None = None,
        results: Sequence[str] | None = None,
        before: Node | None = None,
    ) -> Node:
        """Add an op with one result per type, named `results` or after the op.

        `before` places it in the textual order. Names are made unique.
        """
        name = self.unique_node(name or op)
        if results is None:
            results = [name] if len(types) == 1 else [f"{name}.{k}" for k in range(len(types))]
        outputs = []
        for value, type in zip(results, types, strict=True):
            value = self.unique(value)
            self._new_value(value, type)
            self._producer[value] = name
            outputs.append(value)
        node = Node(name, op, tuple(inputs), tuple(outputs), dict(attrs or {}), path or name)
        self._counter += 1
        self._rank[name] = self._counter if before is None else self._rank_before(before)
        self._nodes[name] = node
        self._dag.add_node(name)
        for k, operand in enumerate(node.inputs):
            self._connect(node, k, operand)
        return node

    def unique(self, name: str) -> str:
        """`name`, or the first `name_k` that no value has."""
        return _unique(name, self.values)

    def unique_node(self, name: str) -> str:
        """`name`, or the first `name_k` that no node has."""
        return _unique(name, self._nodes)

    # -- asking -----------------------------------------------------------

    def nodes(self) -> list[Node]:
        """All nodes in topological order, ties in order of insertion."""
        order = nx.lexicographical_topological_sort(self._dag, key=lambda n: self._rank[n])
        return [self._nodes[n] for n in order]

    def __len__(self) -> int:
        return len(self._nodes)

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes())

    def __contains__(self, node: Node) -> bool:
        return self._nodes.get(node.name) is node

    def node(self, name: str) -> Node:
        """The node of that name."""
        return self._nodes[name]

    def type(self, value: str) -> TensorType:
        """The type of a value."""
        return self.values[value].type

    def data(self, value: str) -> np.ndarray | None:
        """The data of a constant, None for any other value."""
        return self.values[value].data

    def is_constant(self, value: str) -> bool:
        """Whether the value has data at compile time."""
        return self.values[value].data is not None

    def producer(self, value: str) -> Node | None:
        """The node that computes a value; None for inputs and constants."""
        name = self._producer.get(value)
        return None if name is None else self._nodes[name]

    def consumers(self, value: str) -> list[tuple[Node, int]]:
        """(node, operand index) of every use, in order of insertion."""
        uses = sorted(self._uses.get(value, ()), key=lambda u: (self._rank[u[0]], u))
        return [(self._nodes[n], k) for n, k in uses]

    def in_types(self, node: Node) -> list[TensorType]:
        """The types of a node's operands."""
        return [self.values[v].type for v in node.inputs]

    def out_types(self, node: Node) -> list[TensorType]:
        """The types of a node's results."""
        return [self.values[v].type for v in node.outputs]

    @property
    def dag(self) -> nx.MultiDiGraph:
        """A read-only view: node names; edges keyed by operand index, with `value`."""
        return nx.freeze(self._dag.copy())

    # -- changing ---------------------------------------------------------

    def set_type(self, value: str, type: TensorType) -> None:
        """Change the type of a value."""
        self.values[value].type = type

    def set_operand(self, node: Node, index: int, value: str) -> None:
        """Make one operand of a node another value."""
        self._disconnect(node, index)
        inputs = list(node.inputs)
        inputs[index] = value
        node.inputs = tuple(inputs)
        self._connect(node, index, value)

    def set_inputs(self, node: Node, inputs: Sequence[str]) -> None:
        """Replace all operands of a node."""
        for k in range(len(node.inputs)):
            self._disconnect(node, k)
        node.inputs = tuple(inputs)
        for k, value in enumerate(node.inputs):
            self._connect(node, k, value)

    def replace_uses(self, old: str, new: str) -> None:
        """Let every consumer of `old`, and the graph's outputs, use `new`."""
        for node, k in self.consumers(old):
            self.set_operand(node, k, new)
        self.outputs = [new if v == old else v for v in self.outputs]

    def remove(self, node: Node) -> None:
        """Remove a node whose results nobody uses, and the results with it."""
        for v in node.outputs:
            if self._uses.get(v) or v in self.outputs:
                raise ValueError(f"{node.name}: result {v} is still used")
        for k in range(len(node.inputs)):
            self._disconnect(node, k)
        for v in node.outputs:
            del self.values[v], self._producer[v]
            self._uses.pop(v, None)
        self._dag.remove_node(node.name)
        del self._nodes[node.name], self._rank[node.name]

    def prune(self) -> int:
        """Remove nodes and constants that no output needs; returns how many nodes went."""
        gone = 0
        for node in reversed(self.nodes()):
            if not any(self._uses.get(v) or v in self.outputs for v in node.outputs):
                self.remove(node)
                gone += 1
        for v in [v for v, x in self.values.items() if x.data is not None]:
            if not self._uses.get(v) and v not in self.outputs:
                del self.values[v]
                self._uses.pop(v, None)
        return gone

    def copy(self) -> Graph:
        """A copy that shares only the constants' arrays."""
        other = Graph(self.name)
        other.inputs, other.outputs = list(self.inputs), list(self.outputs)
        other.input_perms, other.features = dict(self.input_perms), self.features
        other.values = {v: Value(x.name, x.type, x.data) for v, x in self.values.items()}
        other._nodes = {
            n: Node(x.name, x.op, x.inputs, x.outputs, dict(x.attrs), x.path) for n, x in self._nodes.items()
        }
        other._rank, other._producer = dict(self._rank), dict(self._producer)
        other._uses = {v: set(u) for v, u in self._uses.items()}
        other._dag, other._counter = self._dag.copy(), self._counter
        return other

    # -- inside -----------------------------------------------------------

    def _rank_before(self, node: Node) -> float:
        """A place in the textual order right before a node, behind all others that are before it."""
        own = self._rank[node.name]
        return (own + max((r for r in self._rank.values() if r < own), default=own - 1)) / 2

    def _new_value(self, name: str, type: TensorType, data: np.ndarray | None = None) -> None:
        if name in self.values:
            raise ValueError(f"value {name} exists already")
        self.values[name] = Value(name, type, data)

    def _connect(self, node: Node, index: int, value: str) -> None:
        if value not in self.values:
            raise KeyError(f"{node.name}: operand {index} names no value: {value}")
        self._uses.setdefault(value, set()).add((node.name, index))
        if (source := self._producer.get(value)) is not None:
            self._dag.add_edge(source, node.name, key=index, value=value)

    def _disconnect(self, node: Node, index: int) -> None:
        value = node.inputs[index]
        self._uses[value].discard((node.name, index))
        if (source := self._producer.get(value)) is not None:
            self._dag.remove_edge(source, node.name, key=index)


def _unique(name: str, taken: Mapping[str, object]) -> str:
    if name not in taken:
        return name
    k = 1
    while f"{name}_{k}" in taken:
        k += 1
    return f"{name}_{k}"
