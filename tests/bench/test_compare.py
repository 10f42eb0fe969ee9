"""The comparison of figures: what counts as worse, better, new and gone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from compare import compare, dump, load, merged
from measure import SCHEMA

from bench import expected


def doc(figures: dict[str, dict[str, int]], failed: dict[str, str] | None = None, **row: Any) -> Any:
    """A document of one row. figures, failed: by build."""
    made = {"model": "m", "target": "t", "core": "c", "builds": figures, "ratios": {}} | row
    if failed:
        made["failed"] = failed
    return {"schema": SCHEMA, "tools": {"ziglang": "1"}, "rows": [made]}


def test_the_same_is_no_change() -> None:
    found = compare(doc({"speed": {"cycles": 1000}}), doc({"speed": {"cycles": 1000}}), whole=True)
    assert not found.failed and found.same == 1
    assert found.text() == "0 worse, 0 gone, 0 better, 0 new, 0 moved by up to 1%, 1 the same"


@pytest.mark.parametrize(
    ("value", "kind"), [(1011, "worse"), (1010, "small"), (1001, "small"), (990, "small"), (989, "better")]
)
def test_a_hundredth_is_the_border(value: int, kind: str) -> None:
    found = compare(doc({"speed": {"arena": value}}), doc({"speed": {"arena": 1000}}), whole=True)
    counts = {"worse": len(found.worse), "better": len(found.better), "small": found.small}
    assert counts == {"worse": 0, "better": 0, "small": 0} | {kind: 1}
    assert found.failed == (kind == "worse")


def test_lines_name_the_figure_and_the_change() -> None:
    found = compare(doc({"speed": {"cycles": 1500}}), doc({"speed": {"cycles": 1000}}), whole=True)
    assert found.worse == ["m t speed cycles: 1,000 -> 1,500, +50.0%"]


def test_something_where_nothing_was_needed_is_worse() -> None:
    assert compare(doc({"speed": {"arena": 4}}), doc({"speed": {"arena": 0}}), whole=True).failed


def test_new_figures_fail_nothing() -> None:
    now = doc({"speed": {"cycles": 1, "arena": 2}, "memory": {"arena": 3}})
    found = compare(now, doc({"speed": {"arena": 2}}), whole=True)
    assert found.new == ["m t speed cycles: 1", "m t memory arena: 3"] and not found.failed


def test_a_figure_that_disappeared_is_worse() -> None:
    before = doc({"speed": {"cycles": 1, "arena": 2}})
    found = compare(doc({"speed": {"arena": 2}}), before, whole=False)
    assert found.gone == ["m t speed cycles: 1 before"] and found.failed


def test_a_build_that_fails_now_is_worse_and_says_why() -> None:
    now, before = doc({}, {"speed": "E302 does not fit"}), doc({"speed": {"cycles": 1}})
    found = compare(now, before, whole=False)
    assert found.gone == ["m t speed: E302 does not fit"] and found.failed


def test_a_build_that_still_fails_is_no_change() -> None:
    now = doc({}, {"speed": "E302 does not fit, short 2 B"})
    assert not compare(now, doc({}, {"speed": "E302 does not fit"}), whole=True).failed


def test_a_build_that_no_longer_fails_is_new() -> None:
    found = compare(doc({"speed": {"cycles": 1}}), doc({}, {"speed": "E302"}), whole=True)
    assert found.new and not found.failed


@pytest.mark.parametrize("whole", [True, False])
def test_what_was_not_asked_for_is_missed_only_of_the_whole(whole: bool) -> None:
    before = doc({"speed": {"cycles": 1}, "memory": {"arena": 3}})
    assert compare(doc({"speed": {"cycles": 1}}), before, whole=whole).failed == whole


def test_other_tools_are_named() -> None:
    now = doc({}) | {"tools": {"ziglang": "2"}}
    assert compare(now, doc({}), whole=True).tools == ["ziglang 2, the committed figures are from 1"]


def test_another_cycle_model_is_named() -> None:
    found = compare(doc({}, cycles_model="v2"), doc({}, cycles_model="v1"), whole=True)
    assert found.tools == ["cycles of t: v2; the committed ones: v1"]
    assert not compare(doc({}, cycles_model="v1"), doc({}), whole=True).tools


def test_merging_keeps_what_was_not_measured() -> None:
    before = doc({"speed": {"macs": 8, "cycles": 4}, "memory": {"arena": 3}}, cycles_model="v1")
    before["rows"].append(before["rows"][0] | {"model": "old"})
    now = doc({"memory": {"arena": 2}}, {"streamed": "E301"})
    now["rows"].append(now["rows"][0] | {"model": "n"})
    made = merged(now, before, ["n", "m"])
    assert [(r["model"], sorted(r["builds"])) for r in made["rows"]] == [
        ("n", ["memory"]),
        ("m", ["memory", "speed"]),
    ]
    row = made["rows"][1]
    assert row["builds"]["memory"] == {"arena": 2} and row["failed"] == {"streamed": "E301"}
    assert row["cycles_model"] == "v1" and row["ratios"] == {"macs_per_cycle": 2.0}


def test_merging_forgets_failures_that_are_over() -> None:
    made = merged(doc({"speed": {"cycles": 1}}), doc({}, {"speed": "E302"}), ["m"])
    assert "failed" not in made["rows"][0]
    again = merged(doc({}, {"speed": "E302"}), made, ["m"])
    assert again["rows"][0]["failed"] and not again["rows"][0]["builds"]


def test_a_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    made = doc({"speed": {"cycles": 1}})
    (tmp_path / "a.json").write_text(dump(made))
    assert load(tmp_path / "a.json") == made


@pytest.mark.parametrize("text", ["", "[]", "{}", json.dumps({"schema": "another/1"})])
def test_other_files_are_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(SystemExit, match=r"a\.json"):
        load(tmp_path / "a.json")


def test_large_models_are_missed_only_where_they_are_asked_for() -> None:
    committed = doc({"speed": {"cycles": 1}}, model="deit_tiny")
    committed["rows"] += doc({"speed": {"cycles": 1}}, model="kws")["rows"]
    for large, models in ((True, ["deit_tiny", "kws"]), (False, ["kws"])):
        assert [row["model"] for row in expected(committed, large)["rows"]] == models
