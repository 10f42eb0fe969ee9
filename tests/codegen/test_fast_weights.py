"""weights.c with arrays that are worth a place in fast memory: marked, first, and still ordinary C."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from edgec.build import write_files
from edgec.codegen.library import Library, generate
from edgec.schedule import make_plan
from edgec.target import load_target
from tests.schedule.nets import build

GRAPH = build("mobile-0")
PLAN = make_plan(GRAPH)


def library(*fast: str) -> Library:
    return generate(GRAPH, PLAN, load_target("stm32f746"), fast)


def defined(made: Library) -> list[tuple[str, str]]:
    return re.findall(r"^(MODEL_\w+) const \w+ (\w+)\[", made.files["src/weights.c"], re.MULTILINE)


def test_marked_arrays_come_first() -> None:
    plain = library()
    symbols = [a.symbol for a in plain.arrays]
    chosen = [symbols[4], symbols[1]]
    marked = library(*chosen)
    rest = [s for s in symbols if s not in chosen]
    assert defined(marked) == [*(("MODEL_FAST", s) for s in chosen), *(("MODEL_WEIGHTS", s) for s in rest)]
    assert defined(plain) == [("MODEL_WEIGHTS", s) for s in symbols]
    assert "MODEL_FAST" not in plain.files["src/weights.c"]
    others = [{k: v for k, v in x.files.items() if k != "src/weights.c"} for x in (plain, marked)]
    assert others[0] == others[1] and plain.hash == marked.hash


def test_tables_name_every_array() -> None:
    made = library()
    assert set(made.tables.values()) == {a.symbol for a in made.arrays}
    assert made.weight_bytes == sum(a.bytes for a in made.arrays)
    layer = made.layers[0]
    assert {field for node, field in made.tables if node == layer.node.name} == {
        name for name, f in layer.kernel.fields.items() if f.is_pointer and f.value is not None
    }


@pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")
def test_a_project_may_place_them_or_not(tmp_path: Path) -> None:
    made = library(library().arrays[1].symbol)
    write_files(tmp_path, made.files)
    flags = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-c", "src/weights.c", "-o", "weights.o"]
    for define, placed in (([], False), (['-DMODEL_FAST=__attribute__((section(".quick")))'], True)):
        subprocess.run(["gcc", *flags, *define], cwd=tmp_path, check=True)
        said = subprocess.run(
            ["readelf", "-SW", "weights.o"], cwd=tmp_path, check=True, capture_output=True, text=True
        )
        assert (".quick" in said.stdout) is placed
