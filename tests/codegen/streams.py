"""Small streamed models: their plans made by hand, row by row, and what their libraries must answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np

from edgec import prove
from edgec.build import write_files
from edgec.codegen.library import Library, generate
from edgec.codegen.tests import test_files as build_tests
from edgec.ir import Graph, Node
from edgec.ir.parse import parse
from edgec.ops.base import call_of, infer_types, op_of
from edgec.schedule.plan import Feed, Plan, Step, Window
from edgec.target import load_target
from tests.conftest import ROOT

CONVS = (ROOT / "tests" / "golden" / "stream.ir").read_text()

PAIR = """graph pair
input %left: i8[1, 6, 4, 3] NHWC q(0.05, 3)
input %right: i8[1, 6, 4, 3] NHWC q(0.07, -5)
const %a.w: i8[3, 3, 3, 3] q([0.02, 0.03, 0.01], axis=0) = random(1)
%a = conv2d(%left, %a.w) {padding=(1, 1, 1, 1)} : i8 q(0.1, 0) @ left.a
%sum = add(%a, %right) : i8 q(0.2, -3) @ join
output %sum
"""


class _Puller:
    """Pulls the rows of the last node one by one, `block` rows arriving or computed at a time."""

    def __init__(self, graph: Graph, block: int) -> None:
        self.graph, self.block = graph, block
        self.done: dict[str, int] = {}
        self.steps: list[Step | Feed] = []

    def pull(self, value: str, upto: int) -> None:
        """Have so many rows of a value."""
        node, total = self.graph.producer(value), self.graph.type(value).rows
        while (first := self.done.get(value, 0)) < upto:
            last = min(first + self.block, total)
            if node is None:
                self.steps.append(Feed(value, first, last))
            else:
                self.need(node, last)
                self.steps.append(Step(node.name, first, last))
            self.done[value] = last

    def need(self, node: Node, last: int) -> None:
        """Have what a node needs for the rows before `last`."""
        for v, rows in zip(node.inputs, op_of(node).rows(call_of(self.graph, node)), strict=True):
            if rows is not None:
                self.pull(v, int(rows.last[last - 1]) + 1)


def by_hand(graph: Graph, capacity: int, block: int = 1, again: int = 0) -> Plan:
    """Rows are pulled; all windows but the output's are rings of `capacity` rows, none overlaps another.

    again: rows at the end of the output that are computed once more.
    """
    (output,) = graph.outputs
    puller = _Puller(graph, block)
    for v in graph.inputs:  # every row arrives, needed or not
        puller.done[v] = 0
    rows = graph.type(output).rows
    puller.pull(output, rows)
    for v in graph.inputs:
        puller.pull(v, graph.type(v).rows)
    node = graph.producer(output)
    assert node is not None
    puller.steps += [Step(node.name, rows - again, rows)] * (again > 0)
    windows: dict[str, Window] = {}
    scratch: dict[str, tuple[int, int]] = {}
    end = 0
    for v in [*graph.inputs, *(n.outputs[0] for n in graph.nodes())]:
        t = graph.type(v)
        windows[v] = Window(end, t.row_bytes, t.rows if v == output else min(t.rows, capacity))
        end += (windows[v].bytes + 7) & ~7
    for n in graph.nodes():
        kernel = op_of(n).kernel(call_of(graph, n))
        if size := (kernel.scratch + kernel.copies + 7) & ~7:
            scratch[n.name] = (end, size)
            end += size
    names = tuple(n.name for n in graph.nodes())
    return Plan(tuple(puller.steps), windows, scratch, end, 0, False, (names,))


def apart(graph: Graph, plan: Plan, value: str) -> Plan:
    """The plan with a table that says of each row of a ring where it lies anyway, but for the first row: that
    one is behind all else."""
    w, end = plan.windows[value], -(-plan.arena // 4) * 4
    slots = (end - w.address, *(w.at(r) - w.address for r in range(1, graph.type(value).rows)))
    windows = {**plan.windows, value: replace(w, slots=slots)}
    return replace(plan, windows=windows, arena=end + w.pitch)


@dataclass(frozen=True)
class Model:
    """A streamed model, its library, one inference's inputs and outputs."""

    graph: Graph
    plan: Plan
    library: Library
    files: dict[str, str | bytes]
    inputs: bytes
    outputs: bytes


PLANS: dict[str, tuple[str, Callable[[Graph], Plan]]] = {
    "one row": (CONVS, lambda g: by_hand(g, 3)),
    "apart": (CONVS, lambda g: apart(g, by_hand(g, 3), g.nodes()[0].outputs[0])),
    "blocks": (CONVS, lambda g: by_hand(g, 6, block=2)),
    "again": (CONVS, lambda g: by_hand(g, 5, again=1)),
    "two inputs": (PAIR, lambda g: by_hand(g, 3)),
    "two inputs in blocks": (PAIR, lambda g: by_hand(g, 5, block=2)),
}


@cache
def model(name: str) -> Model:
    """The model of a plan of PLANS."""
    text, make = PLANS[name]
    graph = parse(text, infer=infer_types)
    plan = make(graph)
    library = generate(graph, plan, load_target("stm32f746"))
    proof = prove.prepare(graph, prove.draw_inputs(graph, 1), lambda _done, _total: None)
    outputs = b"".join(np.ascontiguousarray(proof.outputs[0][v]).tobytes() for v in graph.outputs)
    files = {**library.files, **build_tests(graph, plan, library, proof.activations)}
    return Model(graph, plan, library, files, prove.pack_inputs(library, proof.inputs[0]), outputs)


def sources(name: str, folder: Path) -> Path:
    """The sources of a model, written below a folder; returns its src/."""
    write_files(folder, model(name).files)
    return folder / "src"
