"""Ratios to the figures to beat, the table and the picture."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import chart
import pytest
import tables
from measure import document
from peers import MEMORY, OPEN_INSTRUCTIONS, PUBLISHED, best_cycles, ratios
from suite import MODELS

SVG = "{http://www.w3.org/2000/svg}"


def row(model: str, target: str, core: str, **more: Any) -> Any:
    speed = {
        "macs": 1000,
        "instructions": 15_287_071,
        "cycles": 7_680_000,
        "arena": 9,
        "code": 5,
        "weights": 6,
    }
    builds = {
        "default": {"arena": 12_345},
        "speed": speed,
        "memory": {"arena": 8000},
        "streamed": {"arena": 4000},
    }
    made = {"model": model, "target": target, "core": core, "builds": builds} | more
    return made | {"ratios": ratios(model, core, made["builds"])}


KWS = row("kws", "stm32f746", "cortex-m7")
NOT_BUILT = row(
    "small_vit", "stm32f446", "cortex-m4", builds={}, failed={"speed": "E302 <no>", "memory": "E302 <no>"}
)


def test_ratios() -> None:
    assert KWS["ratios"] == {
        "macs_per_cycle": 0.0,
        "macs_per_instruction": 0.0,
        "instructions_over_open": 2.0,
        "cycles_over_best": 2.43,  # 7.68 M over X-CUBE-AI's 3.16 M, on another board with this core
        "arena_over_best": 0.5,
        "streamed_over_best": 0.25,
    }
    assert ratios("kws", "cortex-m55", KWS["builds"]).keys() == KWS["ratios"].keys() - {"cycles_over_best"}
    assert ratios("other", "cortex-m7", {}) == {}


def test_the_best_is_of_the_same_core() -> None:
    best = best_cycles("ad", "cortex-m4")
    assert best is not None and (best.engine, best.cycles["ad"]) == ("Plumerai", 486_000)
    assert best_cycles("sww", "cortex-m7") is None


def test_the_figures_to_beat_are_of_models_of_the_table() -> None:
    assert {*OPEN_INSTRUCTIONS, *MEMORY, *(m for p in PUBLISHED for m in p.cycles)} <= set(MODELS)


def test_text() -> None:
    head, first, second, why, *_ = tables.text(document([KWS, NOT_BUILT])).splitlines()
    cells = dict(zip(head.split(), first.split(), strict=False))
    assert (cells["model"], cells["target"], cells["MACs"]) == ("kws", "stm32f746", "1,000")
    assert first.split()[-3:] == ["12,345", "8,000", "4,000"]
    assert second.split()[2:] == ["-"] * 12
    assert why == "small_vit on stm32f446: E302 <no>"


def test_only_some_builds_failed() -> None:
    part = row("kws", "stm32f746", "cortex-m7", failed={"streamed": "E301 short"})
    del part["builds"]["streamed"]
    assert "kws on stm32f746, streamed: E301 short" in tables.text(document([part]))


def test_markdown() -> None:
    lines = tables.markdown(document([KWS, row("kws", "stm32f446", "cortex-m4"), NOT_BUILT])).splitlines()
    assert len({line.count("|") for line in lines[:5]}) == 1
    assert lines[2].startswith("| keyword spotting | stm32f746 | 1,000 | 15,287,071 |")
    assert lines[3].startswith("|  | stm32f446 |")
    assert lines[-1] == "- small_vit on stm32f446: E302 <no>"


def test_the_picture() -> None:
    rows = [KWS, row("kws", "mps3-an547", "cortex-m55"), row("<x>", "host", "host"), NOT_BUILT]
    root = ElementTree.fromstring(chart.svg(document(rows)))
    words = [e.text for e in root.iter(f"{SVG}text")]
    assert {"stm32f746", "mps3-an547", "2.00", "2.43", "0.50", "0.25", "keyword"} <= set(words)
    assert "host" not in words  # there is nothing to compare it with
    width, height = map(float, root.attrib["viewBox"].split()[2:])
    bars = [group.find(f"{SVG}rect") for group in root.iter(f"{SVG}g")]
    assert len(bars) == 5
    for bar in bars:
        assert bar is not None
        x, y, w, h = (float(bar.attrib[k]) for k in ("x", "y", "width", "height"))
        assert x >= 0 and y >= 0 and x + w <= width and y + h <= height
    heights = [float(b.attrib["height"]) for b in bars if b is not None]
    assert heights[3] == pytest.approx(2 * heights[4], abs=0.2)  # 0.50 and 0.25 in one panel


def test_a_picture_of_nothing_to_compare_says_so() -> None:
    svg = chart.svg(document([row("x", "host", "host")]))
    assert "no figures of others" in "".join(ElementTree.fromstring(svg).itertext())
