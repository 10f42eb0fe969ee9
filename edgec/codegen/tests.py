"""The tests that come with every build: golden tensors, one case per layer and one for the model."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from edgec import __version__
from edgec.codegen.data import identifier
from edgec.codegen.library import Library
from edgec.codegen.render import render
from edgec.ir import Graph
from edgec.resources import resource_dir
from edgec.schedule.plan import Plan


@dataclass(frozen=True)
class TestTensor:
    """A tensor of a case: its golden bytes (a file of tests/vectors) and its place in the arena."""

    name: str
    file: str
    address: int
    bytes: int
    element: int


@dataclass(frozen=True)
class TestCase:
    """Golden operands and results of a layer; layer -1 is the whole model."""

    layer: int
    name: str
    inputs: tuple[TestTensor, ...]
    outputs: tuple[TestTensor, ...]


def test_files(
    graph: Graph, plan: Plan, library: Library, golden: Mapping[str, np.ndarray]
) -> dict[str, str | bytes]:
    """tests/ and CMakeLists.txt of a build.

    golden: every activation of one inference, by value name, as the integer reference
    computes it.
    """
    names = {v: f"{k:03d}_{identifier(v)}.bin" for k, v in enumerate(plan.windows)}

    def tensors(values: Sequence[str]) -> tuple[TestTensor, ...]:
        activations = dict.fromkeys(v for v in values if not graph.is_constant(v))
        return tuple(
            TestTensor(_quoted(v), names[v], plan.windows[v].address, t.bytes, t.dtype.bytes)
            for v, t in ((v, graph.type(v)) for v in activations)
        )

    cases = [
        TestCase(x.index, _quoted(x.symbol), tensors(x.node.inputs), tensors(x.node.outputs))
        for x in library.layers
    ]
    cases.append(TestCase(-1, "model", tensors(graph.inputs), tensors(graph.outputs)))
    used = {t.file for c in cases for t in (*c.inputs, *c.outputs)}
    values = {
        "model": graph.name,
        "version": __version__,
        "cases": cases,
        "sources": sorted(f for f in library.files if f.startswith("src/kernels/") and f.endswith(".c")),
    }
    files: dict[str, str | bytes] = {
        "CMakeLists.txt": render("CMakeLists.txt.j2", values),
        "tests/cases.h": render("cases.h.j2", values),
        "tests/cases.json": json.dumps([asdict(c) for c in cases], indent=1) + "\n",
        "tests/run_tests.c": (resource_dir("firmware") / "tests" / "run_tests.c").read_text(),
    }
    for value, name in names.items():
        if name in used:
            files[f"tests/vectors/{name}"] = np.ascontiguousarray(golden[value]).tobytes()
    return files


def _quoted(text: str) -> str:
    return text.replace("\\", "/").replace('"', "'")
