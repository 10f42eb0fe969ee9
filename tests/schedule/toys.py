"""Toy ops with any rows declaration, and graphs of them. `right` runs their plans (toy_run.py)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import numpy as np
from hypothesis import strategies as st

from edgec.ir import Attr, DType, Graph, Quant, TensorType
from edgec.ops.base import Call, Op, Rows, registry
from edgec.ops.kernel import Kernel
from tests.schedule.toy_run import right

__all__ = ["Toy", "graphs", "join", "part", "right", "tensor", "toy", "toy_registry", "view"]

Q = Quant.of(1.0)


class Toy(Op):
    """Any number of operands and results.

    Attributes: rows, a tuple per operand: ("same",), ("all",), ("none",) or
    ("slide", stride, pad, extent); claims, operand indices; scratch and copies, bytes; carries; block.
    """

    name = "toy"

    def infer(self, call: Call) -> list[TensorType]:
        raise NotImplementedError

    def rows(self, call: Call) -> tuple[Rows | None, ...]:
        kinds = call.attrs["rows"]
        assert isinstance(kinds, tuple)
        return tuple(
            None if data is not None else _rows(kind, call.outs[0].rows, t.rows)
            for kind, data, t in zip(kinds, call.consts, call.ins, strict=True)
        )

    def overwrites(self, call: Call) -> tuple[int, ...]:
        return call.ints("claims", ())

    def carries(self, call: Call) -> bool:
        return bool(call.attrs.get("carries", False))

    def float_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def kernel(self, call: Call) -> Kernel:
        block = 1 if self.carries(call) else call.block or 1
        return Kernel("toy", {}, scratch=call.int("scratch", 0), copies=call.int("copies", 0), block=block)


class ToyView(Op):
    """The operand's bytes under another shape."""

    name = "toy_view"
    is_view = is_alias = True

    def infer(self, call: Call) -> list[TensorType]:
        raise NotImplementedError

    def rows(self, call: Call) -> tuple[Rows | None, ...]:
        return (Rows.all(call.outs[0].rows, call.ins[0].rows),)

    def float_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        raise NotImplementedError


class ToyPart(ToyView):
    """A run of the bytes of each row, from the attribute `at` on."""

    name = "toy_part"

    def rows(self, call: Call) -> tuple[Rows | None, ...]:
        return (Rows.same(call.outs[0].rows),)

    def offset(self, call: Call, k: int) -> int:
        return call.int("at")


class ToyJoin(ToyPart):
    """The operands' rows side by side."""

    name = "toy_join"
    is_view = is_alias = False
    is_join = True

    def rows(self, call: Call) -> tuple[Rows | None, ...]:
        return (Rows.same(call.outs[0].rows),) * len(call.ins)

    def offset(self, call: Call, k: int) -> int:
        return sum(t.row_bytes for t in call.ins[:k])


TOYS = (Toy, ToyView, ToyPart, ToyJoin)


def _rows(kind: Attr, n_out: int, n_in: int) -> Rows:
    assert isinstance(kind, tuple)
    match kind:
        case ("same",):  # or the last there is
            i = np.minimum(np.arange(n_out), n_in - 1)
            return Rows(i, i)
        case ("all",):
            return Rows.all(n_out, n_in)
        case ("none",):
            return Rows(np.ones(n_out, int), np.zeros(n_out, int))
        case ("slide", int(stride), int(pad), int(extent)):
            return Rows.sliding(n_out, n_in, stride=stride, pad=pad, extent=extent)
    raise AssertionError(kind)


@contextmanager
def toy_registry() -> Iterator[None]:
    """The toy ops among the real ones."""
    ops = registry()
    assert isinstance(ops, dict)
    ops.update({kind.name: kind() for kind in TOYS})
    try:
        yield
    finally:
        for kind in TOYS:
            del ops[kind.name]


# -- building -------------------------------------------------------------


def tensor(rows: int, width: int, dtype: DType = DType.I8) -> TensorType:
    """A [1, rows, width] activation."""
    return TensorType((1, rows, width), dtype, Q if dtype in (DType.I8, DType.I16) else None)


def toy(
    graph: Graph,
    operands: Iterable[str],
    types: TensorType | list[TensorType],
    rows: tuple[tuple[str | int, ...], ...] | None = None,
    claims: tuple[int, ...] = (),
    scratch: int = 0,
    name: str | None = None,
    copies: int = 0,
    carries: bool = False,
    block: int = 0,
) -> str:
    """Add a toy; all operands are ("same",) unless `rows` says otherwise. Returns the first result."""
    operands = list(operands)
    attrs: dict[str, Attr] = {
        "rows": rows or (("same",),) * len(operands),
        "claims": claims,
        "scratch": scratch,
        "copies": copies,
        "carries": carries,
        "block": block,
    }
    types = types if isinstance(types, list) else [types]
    return graph.add("toy", operands, types, attrs, path=f"path.{name}", name=name).outputs[0]


def view(graph: Graph, operand: str, shape: tuple[int, ...]) -> str:
    """Add an alias of another shape."""
    type = graph.type(operand).with_(shape=shape)
    return graph.add("toy_view", [operand], [type], path="view", name=f"{operand}_view").outputs[0]


def part(graph: Graph, operand: str, at: int, width: int, name: str) -> str:
    """Add an alias of bytes at .. at+width-1 of each row of an int8 operand."""
    type = tensor(graph.type(operand).rows, width)
    return graph.add("toy_part", [operand], [type], {"at": at}, path="part", name=name).outputs[0]


def join(graph: Graph, operands: list[str], name: str) -> str:
    """Add a join of int8 operands."""
    types = [graph.type(v) for v in operands]
    type = tensor(types[0].rows, sum(t.row_bytes for t in types))
    return graph.add("toy_join", operands, [type], path="join", name=name).outputs[0]


# -- drawing --------------------------------------------------------------

KINDS = st.sampled_from(
    [("same",), ("all",), ("none",), ("slide", 1, 1, 3), ("slide", 2, 0, 2), ("slide", 1, 0, 1)]
)


@st.composite
def graphs(draw: st.DrawFn, most: int = 7, largest: int = 12, rich: bool = False) -> Graph:
    """Graphs with everything: views, several inputs, results and outputs, constants, unread results.

    rich: parts of rows, joins, sums carried on, scratch for copies and blocks of rows, too.
    """
    graph = Graph("toys")
    rows, width = st.integers(1, 6), st.integers(1, largest)
    for k in range(draw(st.integers(1, 3))):
        graph.add_input(f"x{k}", tensor(draw(rows), draw(width)))
    constant = graph.add_constant("c", np.zeros((1, 2, 3), np.int8), Q)
    values = list(graph.inputs)
    for k in range(draw(st.integers(1, most))):
        recent = st.sampled_from(values[-4:])
        parted = {v for n in graph.nodes() if n.op == "toy_part" for v in n.outputs}
        if draw(st.integers(0, 5)) == 0 and (operand := draw(recent)) not in parted:
            values.append(view(graph, operand, (1, graph.type(operand).size, 1)))
            continue
        if rich and draw(st.integers(0, 4)) == 0:
            values.append(_inner(draw, graph, draw(recent), k))
            continue
        operands = draw(st.lists(recent, min_size=1, max_size=3))
        if draw(st.integers(0, 5)) == 0:
            operands.append(constant)
        # Often like the operand, so that results can lie over it.
        like = graph.type(operands[0])
        n = like.rows if draw(st.booleans()) else draw(rows)
        w = like.row_size if draw(st.booleans()) else draw(width)
        wide = draw(st.sampled_from([DType.I8, DType.I8, DType.I16]))
        types = [tensor(n, w, wide)] + [tensor(n, draw(width))] * (draw(st.integers(0, 5)) == 0)
        kinds = tuple(draw(KINDS) for _ in operands)
        claims = tuple(j for j, kind in enumerate(kinds) if kind != ("all",) and draw(st.booleans()))
        scratch, carries = draw(st.sampled_from([0, 0, 5, 16])), rich and draw(st.integers(0, 3)) == 0
        copies = draw(st.sampled_from([0, 3, 8])) if rich else 0
        carries = carries and len(types) == 1
        block = draw(st.sampled_from([0, 0, 2, 3, 4])) if rich else 0
        toy(graph, operands, types, kinds, claims, scratch, f"n{k}", copies, carries, block)
        values += graph.node(f"n{k}").outputs
    # What lies inside rows of others has gaps between its own.
    inside = {v for n in graph.nodes() if n.op == "toy_join" for v in n.inputs}
    inside |= {v for n in graph.nodes() if n.op == "toy_part" for v in n.outputs}
    inside |= {v for n in graph.nodes() if n.op == "toy_view" and n.inputs[0] in inside for v in n.outputs}
    last = [v for v in values if v not in inside][-1:]
    graph.outputs = draw(st.lists(st.sampled_from([*last, *values, constant]), max_size=2)) + last
    graph.outputs = [v for v in graph.outputs if v not in inside]
    return graph


def _inner(draw: st.DrawFn, graph: Graph, operand: str, k: int) -> str:
    """A part of the rows of an int8 value, or two new toys that lie side by side."""
    type = graph.type(operand)
    viewed = any(n.op == "toy_view" and operand in (*n.inputs, *n.outputs) for n in graph.nodes())
    if draw(st.booleans()) and type.dtype == DType.I8 and not viewed:
        at = draw(st.integers(0, type.row_bytes - 1))
        return part(graph, operand, at, draw(st.integers(1, type.row_bytes - at)), f"n{k}")
    kinds = [draw(KINDS) for _ in range(2)]
    widths = [draw(st.integers(1, 8)) for _ in range(2)]
    parts = [
        toy(graph, [operand], tensor(type.rows, w), (kind,), name=f"n{k}_{j}")
        for j, (w, kind) in enumerate(zip(widths, kinds, strict=True))
    ]
    return join(graph, parts, f"n{k}")
