"""Toy ops with any rows declaration, and an executor that runs a plan on data.

The executor is what the checker is tested against: it keeps an arena, obeys the plan literally,
and does the worst that an op's declarations allow. A result row is filled with rubbish before the
operands are read, unless the op claims that it may be laid over them; scratch is filled
with rubbish around every row. Whatever a plan loses shows in the rows computed from it. A "byte"
is a 62-bit number here, so that no two are equal by chance.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import numpy as np
from hypothesis import strategies as st

from edgec.ir import Attr, DType, Graph, Node, Quant, TensorType
from edgec.ops.base import Call, Kernel, Op, Rows, call_of, op_of, registry
from edgec.schedule import Plan, Window

Q = Quant.of(1.0)


class Toy(Op):
    """Any number of operands and results.

    Attributes: rows, a tuple per operand: ("same",), ("all",), ("none",) or
    ("slide", stride, pad, extent); claims, operand indices; scratch, bytes.
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

    def float_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def kernel(self, call: Call) -> Kernel:
        return Kernel("toy", {}, scratch=call.int("scratch", 0))


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
    ops.update(toy=Toy(), toy_view=ToyView())
    try:
        yield
    finally:
        for name in ("toy", "toy_view"):
            del ops[name]


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
) -> str:
    """Add a toy; all operands are ("same",) unless `rows` says otherwise. Returns the first result."""
    operands = list(operands)
    attrs: dict[str, Attr] = {
        "rows": rows or (("same",),) * len(operands),
        "claims": claims,
        "scratch": scratch,
    }
    types = types if isinstance(types, list) else [types]
    return graph.add("toy", operands, types, attrs, path=f"path.{name}", name=name).outputs[0]


def view(graph: Graph, operand: str, shape: tuple[int, ...]) -> str:
    """Add an alias of another shape."""
    type = graph.type(operand).with_(shape=shape)
    return graph.add("toy_view", [operand], [type], path="view", name=f"{operand}_view").outputs[0]


# -- running --------------------------------------------------------------


def _mix(*parts: np.ndarray | int) -> int:
    """A number in which every byte of every part shows."""
    h = 0xCBF29CE484222325
    for part in parts:
        data = part.tobytes() if isinstance(part, np.ndarray) else part.to_bytes(8, "little", signed=True)
        h = hash((h, data))
    return h & (2**63 - 1)


def _bytes(seed: int, n: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2**62, n)


def _row(node: Node, k: int, i: int, operands: list[np.ndarray], n: int) -> np.ndarray:
    return _bytes(_mix(*map(ord, node.name), k, i, *operands), n)


def inputs(graph: Graph) -> dict[str, np.ndarray]:
    """Bytes [rows, row bytes] for every graph input."""
    found = {}
    for k, v in enumerate(graph.inputs):
        t = graph.type(v)
        found[v] = _bytes(1000 + k, t.bytes).reshape(t.rows, t.row_bytes)
    return found


def _needs(call: Call, node: Node, i: int) -> list[tuple[int, str, int, int]]:
    declared = op_of(node).rows(call)
    return [
        (k, node.inputs[k], int(r.first[i]), int(r.last[i]) + 1)
        for k, r in enumerate(declared)
        if r is not None and r.first[i] <= r.last[i]
    ]


def expected(graph: Graph) -> dict[str, np.ndarray]:
    """Every activation, [rows, row bytes], computed with a place of its own for each."""
    values = inputs(graph)
    for node in graph.nodes():
        types = graph.out_types(node)
        if op_of(node).is_alias:
            values[node.outputs[0]] = values[node.inputs[0]].reshape(types[0].rows, types[0].row_bytes)
            continue
        call = call_of(graph, node)
        for k, (v, t) in enumerate(zip(node.outputs, types, strict=True)):
            values[v] = np.zeros((t.rows, t.row_bytes), np.int64)
            for i in range(t.rows):
                needed = [values[x][a:b] for _, x, a, b in _needs(call, node, i)]
                values[v][i] = _row(node, k, i, needed, t.row_bytes)
    return values


def _slot(w: Window, row: int, n: int) -> slice:
    start = w.address + row % w.capacity * w.pitch
    return slice(start, start + n)


def right(graph: Graph, plan: Plan) -> bool:
    """Whether every row that the plan computes in its arena is right, and the inputs at the beginning,
    the results at the end of their step and the outputs at the end are whole."""
    want = expected(graph)
    arena = np.full(plan.arena, -1)
    rubbish = np.random.default_rng(7)

    def spoil(at: slice) -> None:
        arena[at] = rubbish.integers(0, 2**62, arena[at].size)

    def load(v: str, a: int, b: int) -> np.ndarray:
        n = graph.type(v).row_bytes
        return np.array([arena[_slot(plan.windows[v], r, n)] for r in range(a, b)]).reshape(b - a, n)

    def whole(v: str, a: int, b: int) -> bool:
        return np.array_equal(load(v, a, b), want[v][a:b])

    for v, data in inputs(graph).items():
        for r, row in enumerate(data):
            arena[_slot(plan.windows[v], r, row.size)] = row
    good = all(whole(v, 0, graph.type(v).rows) for v in graph.inputs)
    for step in plan.steps:
        node = graph.node(step.node)
        call = call_of(graph, node)
        at, size = plan.scratch.get(node.name, (0, 0))
        for i in range(step.first, step.last):
            spoil(slice(at, at + size))
            needs = _needs(call, node, i)
            kept = {k: load(x, a, b) for k, x, a, b in needs if _in_place(plan, node, call, k, i)}
            for v, t in zip(node.outputs, call.outs, strict=True):
                spoil(_slot(plan.windows[v], i, t.row_bytes))
            operands = [kept[k] if k in kept else load(x, a, b) for k, x, a, b in needs]
            for k, (v, t) in enumerate(zip(node.outputs, call.outs, strict=True)):
                arena[_slot(plan.windows[v], i, t.row_bytes)] = _row(node, k, i, operands, t.row_bytes)
            spoil(slice(at, at + size))
            good &= all(whole(v, i, i + 1) for v in node.outputs)
        for v in node.outputs:
            good &= whole(v, max(step.first, step.last - plan.windows[v].capacity), step.last)
    return good and all(whole(v, 0, graph.type(v).rows) for v in graph.outputs if v in want)


def _in_place(plan: Plan, node: Node, call: Call, k: int, i: int) -> bool:
    """Whether the op claims that result row i may lie as it does, as far as operand k goes."""
    if k not in op_of(node).overwrites(call) or len(call.outs) > 1 or i >= call.ins[k].rows:
        return False
    x, y = plan.windows[node.inputs[k]], plan.windows[node.outputs[0]]
    a, b = _slot(x, i, call.ins[k].row_bytes), _slot(y, i, call.outs[0].row_bytes)
    return b.start <= a.start and b.stop <= a.stop


# -- drawing --------------------------------------------------------------

KINDS = st.sampled_from(
    [("same",), ("all",), ("none",), ("slide", 1, 1, 3), ("slide", 2, 0, 2), ("slide", 1, 0, 1)]
)


@st.composite
def graphs(draw: st.DrawFn, most: int = 7, largest: int = 12) -> Graph:
    """Graphs with everything: views, several inputs, results and outputs, constants, unread results."""
    graph = Graph("toys")
    rows, width = st.integers(1, 6), st.integers(1, largest)
    for k in range(draw(st.integers(1, 3))):
        graph.add_input(f"x{k}", tensor(draw(rows), draw(width)))
    constant = graph.add_constant("c", np.zeros((1, 2, 3), np.int8), Q)
    values = list(graph.inputs)
    for k in range(draw(st.integers(1, most))):
        recent = st.sampled_from(values[-4:])
        if draw(st.integers(0, 5)) == 0:
            operand = draw(recent)
            values.append(view(graph, operand, (1, graph.type(operand).size, 1)))
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
        toy(graph, operands, types, kinds, claims, draw(st.sampled_from([0, 0, 5, 16])), f"n{k}")
        values += graph.node(f"n{k}").outputs
    graph.outputs = draw(st.lists(st.sampled_from([*values, constant]), max_size=2)) + values[-1:]
    return graph
