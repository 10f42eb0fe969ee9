"""memory.svg and memory.txt: what they show is what the plan does; the same bytes every time; small."""

from __future__ import annotations

import re
import xml.etree.ElementTree as xml
from collections.abc import Iterator

import pytest

from edgec.ir import Graph
from edgec.report.axis import Axis
from edgec.report.memory import COLUMNS, memory_files
from edgec.schedule import Plan, Step, Window, make_plan
from edgec.schedule.usage import Usage
from tests.schedule.layers import Net
from tests.schedule.test_usage import strip
from tests.schedule.toys import tensor, toy, toy_registry

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(autouse=True, scope="module")
def _toys() -> Iterator[None]:
    with toy_registry():
        yield


def net() -> Graph:
    """Separable convolutions with a head."""
    n = Net("mobile", 1)
    x = n.conv(n.input(16, 16, 3), 8, stride=2)
    for k in range(3):
        x = n.separable(x, 8 * (k + 1))
    return n.integer(n.head(x))


def titles(svg: str) -> list[str]:
    return [t.text or "" for t in xml.fromstring(svg).iter(f"{SVG}title")]


@pytest.mark.parametrize("stream", [False, True])
def test_every_tensor_is_in_the_picture_and_in_the_text(stream: bool) -> None:
    graph = net()
    plan = make_plan(graph, stream=stream)
    files = memory_files(graph, plan)
    assert files == memory_files(graph, plan)
    shown = titles(files["memory.svg"])
    for stay in Usage.of(graph, plan).stays:
        assert any(t.startswith(f"{stay.title}\n{stay.bytes:,} B at {stay.address:,}") for t in shown)
        assert re.search(rf" {stay.address} +{stay.bytes} ", files["memory.txt"])
    assert f"{Usage.of(graph, plan).peak.bytes:,} B live in step" in files["memory.svg"]
    assert sum(t.startswith("region ") for t in shown) == len(plan.regions)


def chart(text: str) -> list[str]:
    return [line.partition("|")[2].removesuffix("|") for line in text.splitlines() if line.endswith("|")]


def test_the_chart_has_every_character_where_the_plan_has_the_tensor() -> None:
    graph, plan = strip()
    lines = chart(memory_files(graph, plan)["memory.txt"])
    assert [len(line) for line in lines] == [COLUMNS] * (plan.arena // 4)
    from_zero = lines[::-1]
    # x is a ring of one row at 0, a one of two rows at 4, b six rows of four bytes at 20, scratch at 48.
    assert set(from_zero[0]) == {"a", "."}
    assert from_zero[1] == from_zero[4]
    assert set(from_zero[1].strip(".")) == {"b"}
    ends = [line.rstrip(".")[-1] for line in from_zero[5:11]]
    begins = [line.index("c") for line in from_zero[5:11]]
    assert ends == ["c"] * 6
    assert begins == sorted(set(begins)), "a row that is written later begins further right"
    assert set(from_zero[11]) == {"."}
    assert from_zero[12].count("%") == from_zero[13].count("%") > 0


def test_the_fullest_step_is_marked() -> None:
    graph, plan = strip()
    text = memory_files(graph, plan)["memory.txt"]
    assert "most live: 48 B in step 17 (path.b, row 5)" in text
    assert "lower bound 52, gap 7.1%" in text
    (line,) = (x for x in text.splitlines() if x.startswith("fullest"))
    lines = chart(text)
    assert lines[-13][line.index("^") - line.index("  ") - 2] == "%", "the scratch is in use there"


def test_a_model_without_steps_has_a_picture() -> None:
    graph = Graph("nothing")
    graph.outputs = [graph.add_input("x", tensor(4, 4))]
    files = memory_files(graph, make_plan(graph))
    assert "before the first step" in files["memory.txt"]
    xml.fromstring(files["memory.svg"])


def test_names_are_escaped() -> None:
    graph = Graph("a<b>&c")
    x = graph.add_input("x<&>", tensor(4, 40))
    graph.outputs = [toy(graph, [x], tensor(4, 40), name='"y"<')]
    text = " ".join(titles(memory_files(graph, make_plan(graph))["memory.svg"]))
    assert "input x<&>" in text


def test_widths_follow_the_work_and_steps_their_order() -> None:
    _, plan = strip()
    axis = Axis.of(plan)
    assert axis.begins[0] == 0
    assert axis.ends[-1] == 1
    assert (axis.begins[1:] == axis.ends[:-1]).all()
    assert (axis.ends > axis.begins).all()
    (band,) = axis.bands
    assert (band.first, band.last, band.nodes) == (0, len(plan.steps), ("a", "b"))
    alone = Axis.of(Plan(plan.steps, plan.windows, plan.scratch, 56, 52, False))
    assert len(alone.bands) > 1, "without regions, a band for every run of one node"


def test_a_long_plan_has_a_small_picture() -> None:
    graph = Graph("long")
    graph.add_input("x0", tensor(150, 8))
    for k in range(100):
        toy(graph, [f"x{k}"], tensor(150, 8), (("slide", 1, 1, 3),), scratch=8, name=f"x{k + 1}")
    graph.outputs = ["x100"]
    windows = {f"x{k}": Window(24 * k, 8, 3 if k % 2 else 150) for k in range(101)}
    scratch = {f"x{k}": (4000 + 8 * k, 8) for k in range(1, 101)}
    order = sorted((2 * i + 3 * k, k, i) for k in range(1, 101) for i in range(150))
    steps = tuple(Step(f"x{k}", i, i + 1) for _, k, i in order)
    plan = Plan(steps, windows, scratch, 5000, 5000, True, (tuple(scratch),))
    files = memory_files(graph, plan)
    assert len(files["memory.svg"]) < 200_000
    xml.fromstring(files["memory.svg"])
