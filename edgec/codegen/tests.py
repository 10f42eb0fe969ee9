"""The tests that come with every build: the golden tensors of one inference, to compare with every step."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from itertools import accumulate

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
    """A tensor: its golden bytes (a file of tests/vectors) and its window in the arena."""

    name: str
    file: str
    address: int
    pitch: int
    capacity: int
    rows: int
    row_bytes: int
    element: int
    slots: tuple[int, ...]


@dataclass(frozen=True)
class TestLayer:
    """A layer, in the library's order, with the results that have a row for every row it computes."""

    name: str
    results: tuple[TestTensor, ...]


@dataclass(frozen=True)
class TestCases:
    """What is compared: the rows of a layer after each of its steps, the outputs of a whole inference."""

    inputs: tuple[TestTensor, ...]
    layers: tuple[TestLayer, ...]
    outputs: tuple[TestTensor, ...]

    @property
    def tensors(self) -> tuple[TestTensor, ...]:
        """All of them: inputs, results layer by layer, outputs."""
        return (*self.inputs, *(t for x in self.layers for t in x.results), *self.outputs)


def test_files(
    graph: Graph, plan: Plan, library: Library, golden: Mapping[str, np.ndarray]
) -> dict[str, str | bytes]:
    """tests/ and CMakeLists.txt of a build.

    golden: every activation of one inference, by value name, as the integer reference
    computes it.
    """
    names = {v: f"{k:03d}_{identifier(v)}.bin" for k, v in enumerate(plan.windows)}

    def tensors(values: Iterable[str]) -> tuple[TestTensor, ...]:
        return tuple(
            TestTensor(
                *(_quoted(v), names[v], w.address, w.pitch, w.capacity),
                *(t.rows, t.row_bytes, t.dtype.bytes, w.slots),
            )
            for v, w, t in ((v, plan.windows[v], graph.type(v)) for v in values)
        )

    cases = TestCases(
        tensors(p.value for p in library.inputs),
        tuple(
            TestLayer(
                _quoted(x.symbol),
                tensors(
                    v
                    for v, t in zip(x.node.outputs, x.call.outs, strict=True)
                    if t.rows == x.call.outs[0].rows
                ),
            )
            for x in library.layers
        ),
        tensors(p.value for p in library.outputs),
    )
    used = {t.file for t in cases.tensors}
    values = {
        "model": graph.name,
        "version": __version__,
        "cases": cases,
        "spans": _spans(cases),
        "sources": sorted(f for f in library.files if f.startswith("src/kernels/") and f.endswith(".c")),
        "threads": "src/threads.c" in library.files,
    }
    files: dict[str, str | bytes] = {
        "CMakeLists.txt": render("CMakeLists.txt.j2", values),
        "tests/cases.h": render("cases.h.j2", values),
        "tests/cases.json": json.dumps(asdict(cases), indent=1) + "\n",
        "tests/run_tests.c": (resource_dir("firmware") / "tests" / "run_tests.c").read_text(),
    }
    for value, name in names.items():
        if name in used:
            files[f"tests/vectors/{name}"] = np.ascontiguousarray(golden[value]).tobytes()
    return files


def _spans(cases: TestCases) -> list[tuple[int, int, TestLayer]]:
    """Which of the tensors are the results of each layer."""
    ends = list(accumulate((len(x.results) for x in cases.layers), initial=len(cases.inputs)))
    return list(zip(ends[:-1], ends[1:], cases.layers, strict=True))


def _quoted(text: str) -> str:
    return text.replace("\\", "/").replace('"', "'")
