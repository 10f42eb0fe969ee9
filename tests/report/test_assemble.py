"""What the report says of layers: rows that are computed again are counted again."""

from __future__ import annotations

from dataclasses import replace

from edgec.codegen.library import generate
from edgec.ir.parse import parse
from edgec.ops.base import infer_types, op_of
from edgec.report.assemble import layers
from edgec.schedule import Step, make_plan
from edgec.schedule.usage import Usage
from edgec.target import load_target
from tests.conftest import ROOT


def test_rows_computed_again_count_again() -> None:
    graph = parse((ROOT / "tests" / "golden" / "cnn.ir").read_text(encoding="utf-8"), infer=infer_types)
    plan = make_plan(graph)
    library, usage = generate(graph, plan, load_target("host")), Usage.of(graph, plan)
    once = layers(library, plan, usage)
    assert [x["macs"] for x in once] == [op_of(x.node).macs(x.call) for x in library.layers]
    first = library.layers[0]
    rows, macs = first.call.outs[0].rows, once[0]["macs"]
    again = replace(plan, steps=(Step(first.node.name, 0, 1), *plan.steps))
    assert rows > 1 and macs
    assert [x["macs"] for x in layers(library, again, usage)] == [
        macs * (rows + 1) // rows,
        *(x["macs"] for x in once[1:]),
    ]
