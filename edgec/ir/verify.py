"""The verifier: what holds for every graph, checked after every pass."""

from __future__ import annotations

import math

import networkx as nx
import numpy as np

from edgec.ir.graph import Graph, Node, Value
from edgec.ir.parse import Infer
from edgec.ir.types import DType, Quant, TensorType, dtype_of

_QUANTIZED = (DType.I8, DType.U8, DType.I16)


class GraphError(Exception):
    """A graph breaks a rule of the IR: a bug in edgec, not a user's error."""


def verify(graph: Graph, infer: Infer | None = None, *, paths: bool = True) -> None:
    """Check a graph; raises GraphError with the first rule it breaks.

    infer: (graph, op, operand names, attributes) -> result types; given, every node's results must
    have the inferred shape and an element type that quantization explains. paths: whether every
    node must have a module path.
    """
    sources = _sources(graph)
    for name, value in graph.values.items():
        _check(value.name == name, f"value {name} calls itself {value.name}")
        _check(name in sources, f"value {name} is no input, no constant and no result")
        _value(value)
    for name in graph.outputs:
        _check(name in graph.values, f"output {name} does not exist")
    for node in _nodes(graph):
        _node(graph, node, paths)
    _edges(graph)
    dag = graph.dag
    if not nx.is_directed_acyclic_graph(dag):
        cycle = " -> ".join(edge[0] for edge in nx.find_cycle(dag))
        raise GraphError(f"the graph has a cycle: {cycle}")
    if infer is not None:
        for node in graph.nodes():
            _types(graph, node, infer)


def _check(holds: bool, message: str) -> None:
    if not holds:
        raise GraphError(message)


def _nodes(graph: Graph) -> list[Node]:
    """All nodes, in no particular order: a graph with a cycle has no topological one."""
    return [graph.node(name) for name in graph.dag.nodes]


def _sources(graph: Graph) -> dict[str, str]:
    """Value -> where it comes from; every value has one source."""
    sources: dict[str, str] = {}
    found = [(v, "a graph input") for v in graph.inputs]
    found += [(v, "a constant") for v, x in graph.values.items() if x.data is not None]
    found += [(v, f"a result of {n.name}") for n in _nodes(graph) for v in n.outputs]
    for name, source in found:
        _check(name in graph.values, f"{source}, {name}, is no value of the graph")
        _check(name not in sources, f"value {name} is {source} and also {sources.get(name)}")
        sources[name] = source
    return sources


def _value(value: Value) -> None:
    type, name = value.type, value.name
    _check(all(isinstance(n, int) and n >= 0 for n in type.shape), f"{name}: bad shape {type.shape}")
    if value.data is not None:
        data = value.data
        same = data.shape == type.shape and data.dtype == type.dtype.numpy
        _check(same, f"constant {name} is {_dtype(data)}{data.shape}, its type {type.dtype}{type.shape}")
    if type.quant is None:
        _check(type.dtype not in _QUANTIZED, f"{name}: {type.dtype} without quantization")
    else:
        stated = value.data is not None and type.dtype == DType.F32  # the file's own, for later
        _quant(name, type.with_(dtype=DType.I8) if stated else type, type.quant)


def _quant(name: str, type: TensorType, q: Quant) -> None:
    _check(type.dtype not in (DType.F32, DType.BOOL), f"{name}: {type.dtype} with quantization")
    count = 1
    if q.axis is not None:
        _check(0 <= q.axis < len(type.shape), f"{name}: no axis {q.axis} in {type.shape}")
        count = type.shape[q.axis]
    _check(
        len(q.scale) == len(q.zero_point) == count,
        f"{name}: {len(q.scale)} scales and {len(q.zero_point)} zero points, not {count}",
    )
    _check(all(math.isfinite(s) and s > 0 for s in q.scale), f"{name}: a scale is not positive")
    lo, hi = type.dtype.limits
    _check(all(lo <= z <= hi for z in q.zero_point), f"{name}: a zero point is outside {type.dtype}")


def _node(graph: Graph, node: Node, paths: bool) -> None:
    _check(bool(node.outputs), f"{node.name} has no result")
    _check(not paths or bool(node.path), f"{node.name} ({node.op}) has no module path")
    for k, operand in enumerate(node.inputs):
        _check(operand in graph.values, f"{node.name}: operand {k}, {operand}, does not exist")
    for v in node.outputs:
        source = graph.producer(v)
        _check(source is node, f"{node.name}: its result {v} belongs to {source and source.name}")
    for key, attr in node.attrs.items():
        _check(_is_attr(attr), f"{node.name}: attribute {key} is {attr!r} ({type(attr).__name__})")


def _is_attr(attr: object) -> bool:
    if isinstance(attr, tuple):
        return all(map(_is_attr, attr))
    return attr is None or type(attr) in (int, float, str, bool)


def _edges(graph: Graph) -> None:
    """The edges say what the operands say."""
    found = {(a, b, k, data["value"]) for a, b, k, data in graph.dag.edges(keys=True, data=True)}
    wanted = set()
    for node in _nodes(graph):
        for k, v in enumerate(node.inputs):
            _check((node, k) in graph.consumers(v), f"{node.name} is not among the consumers of {v}")
            if (source := graph.producer(v)) is not None:
                wanted.add((source.name, node.name, k, v))
    _check(found == wanted, f"edges and operands differ: {sorted(found ^ wanted)[:4]}")


def _types(graph: Graph, node: Node, infer: Infer) -> None:
    try:
        inferred = infer(graph, node.op, node.inputs, node.attrs)
    except Exception as err:
        raise GraphError(f"{node.name} ({node.op}): {err}") from err
    actual = graph.out_types(node)
    _check(len(actual) == len(inferred), f"{node.name}: {len(actual)} results, not {len(inferred)}")
    for v, a, b in zip(node.outputs, actual, inferred, strict=True):
        _check(a.shape == b.shape, f"{node.name} ({node.op}): {v} is {a.shape}, its operands give {b.shape}")
        # Inference speaks of float graphs; how a result is stored is the quantization's choice.
        stored = a.dtype == b.dtype or a.quant is not None
        _check(stored, f"{node.name} ({node.op}): {v} is {a.dtype}, its operands give {b.dtype}")


def _dtype(data: np.ndarray) -> str:
    try:
        return dtype_of(data).value
    except KeyError:
        return str(data.dtype)
