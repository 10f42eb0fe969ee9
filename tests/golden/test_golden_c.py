"""Golden C: what is generated for tiny models, compared letter by letter, then compiled and run.

EDGEC_GOLDEN=write writes the files anew; look at their diff before you commit it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from edgec import prove
from edgec.build import write_files
from edgec.codegen.library import Library, generate
from edgec.codegen.tests import test_files as build_tests
from edgec.ir import Graph
from edgec.ir.parse import parse
from edgec.ops.base import infer_types
from edgec.schedule import check_plan, make_plan
from edgec.schedule.plan import Plan
from edgec.target import load_target
from tests.codegen.streams import apart, by_hand

HERE = Path(__file__).parent
MODELS = sorted(p.stem for p in HERE.glob("*.ir"))
COMPARED = ("src/model.h", "src/model.c", "src/weights.h", "src/weights.c", "tests/cases.h", "CMakeLists.txt")


def compiled(name: str) -> tuple[Graph, Plan, Library, dict[str, str | bytes]]:
    graph = parse((HERE / f"{name}.ir").read_text(), infer=infer_types)
    plan = apart(graph, by_hand(graph, 3), "a") if name == "stream" else make_plan(graph)
    check_plan(graph, plan)
    library = generate(graph, plan, load_target("stm32f746"))
    proof = prove.prepare(graph, prove.draw_inputs(graph, 1), lambda _done, _total: None)
    return graph, plan, library, {**library.files, **build_tests(graph, plan, library, proof.activations)}


@pytest.mark.parametrize("name", MODELS)
def test_generated_text(name: str) -> None:
    files = compiled(name)[3]
    for path in COMPARED:
        golden = HERE / name / Path(path).name
        text = files[path]
        assert isinstance(text, str)
        if os.environ.get("EDGEC_GOLDEN") == "write":
            golden.parent.mkdir(exist_ok=True)
            golden.write_text(text)
        assert text == golden.read_text(), f"{golden} differs; EDGEC_GOLDEN=write writes it anew"


@pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")
@pytest.mark.parametrize("name", MODELS)
def test_golden_text_compiles_and_runs(name: str, tmp_path: Path) -> None:
    files = compiled(name)[3]
    write_files(tmp_path, files)
    for path in COMPARED:  # what is committed, not what was just made
        shutil.copy(HERE / name / Path(path).name, tmp_path / path)
    sources = [str(p) for p in sorted(tmp_path.rglob("*.c"))]
    flags = ["-std=c11", "-O1", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-fsanitize=address,undefined"]
    program = tmp_path / "run_tests"
    subprocess.run(
        ["gcc", *flags, f"-I{tmp_path}/src", f"-I{tmp_path}/src/kernels", *sources, "-o", str(program)],
        check=True,
    )
    done = subprocess.run([str(program), str(tmp_path / "tests" / "vectors")], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("ok ") == len(compiled(name)[2].layers) + 1


def test_vectors_are_the_references_bytes() -> None:
    graph, _, _, files = compiled("cnn")
    (out,) = graph.outputs
    proof = prove.prepare(graph, prove.draw_inputs(graph, 1), lambda _done, _total: None)
    stored = [v for k, v in files.items() if k.endswith(f"_{out}.bin")]
    assert stored == [np.ascontiguousarray(proof.outputs[0][out]).tobytes()]
