"""The figures of an evaluation against counting one by one, its table and its picture."""

from __future__ import annotations

import json
import os
import xml.etree.ElementTree as xml
from pathlib import Path

import numpy as np
import pytest

from edgec.report import answers, confusion, table
from edgec.report.evaluation import (
    About,
    Answers,
    Evaluation,
    Sensitivity,
    against_float,
    evaluated,
    interval,
)

SVG = "{http://www.w3.org/2000/svg}"
GOLDEN = Path(__file__).parent / "evaluation.txt"
NAMES = ["cat", "dog", "a very long name of an animal", "emu", "fox", "gnu", "never <seen>"]
RNG = np.random.default_rng(5)
LABELS = np.repeat(np.arange(6), [40, 30, 20, 10, 9, 1])
REAL = RNG.normal(size=(110, 7)) + 2 * np.eye(7)[LABELS]
SCORES = np.rint(8 * REAL).astype(np.int8)
ABOUT = About("zoo", "stm32f746", "host", "zoo.parquet", "y", 400)


def evaluation() -> Evaluation:
    mine = Answers.of(SCORES, LABELS)
    result = evaluated(ABOUT, LABELS, mine, NAMES)
    result["float"] = against_float("zoo.pt2", mine, Answers.of(REAL, LABELS), 7)
    result["seed"] = 0
    noisy = Sensitivity(name="stem.conv", op="conv2d", weights=1234, snr_db=31.26, share=0.75)
    result["sensitivity"] = [
        noisy,
        Sensitivity(name="head", op="linear", weights=96, snr_db=42.0, share=0.25),
    ]
    return result


def test_figures_are_those_of_counting() -> None:
    e = evaluation()
    order = [sorted(range(7), key=lambda c, k=k: (-int(SCORES[k, c]), c)) for k in range(110)]
    said = [o[0] for o in order]
    assert e["right"] == sum(s == y for s, y in zip(said, LABELS, strict=True)) < 110
    assert e["top1"] == e["right"] / 110
    assert e.get("top5") == sum(y in o[:5] for o, y in zip(order, LABELS, strict=True)) / 110
    for c, found in enumerate(e["classes"]):
        mine = [s for s, y in zip(said, LABELS, strict=True) if y == c]
        assert (found["samples"], found["right"]) == (len(mine), mine.count(c))
        assert found.get("recall") == (mine.count(c) / len(mine) if mine else None)
    pairs = [(int(y), s) for s, y in zip(said, LABELS, strict=True) if s != y]
    assert {(f["label"], f["said"]): f["count"] for f in e["confusions"]} == {
        (NAMES[a], NAMES[b]): pairs.count((a, b)) for a, b in pairs
    }
    assert [f["count"] for f in e["confusions"]] == sorted((pairs.count(p) for p in set(pairs)), reverse=True)
    real = REAL.argmax(1)
    flips = [(int(s == y), int(r == y)) for s, r, y in zip(said, real, LABELS, strict=True)]
    f = e["float"]
    assert f["agreement"] == (np.array(said) == real).mean() < 1
    assert (f["lost"], f["won"]) == (flips.count((0, 1)), flips.count((1, 0)))
    assert e["ties"] == sum(int((row == row.max()).sum() > 1) for row in SCORES) > 0
    assert f["top1"] == (real == LABELS).mean()


def test_of_equal_outputs_the_first_counts() -> None:
    scores = np.array([[3, 3, 1], [3, 3, 1], [1, 1, 1]], np.int8)
    found = Answers.of(scores, np.array([0, 1, 2]))
    assert found.said.tolist() == [0, 0, 0]
    assert found.rank.tolist() == [0, 1, 2] and found.tied.all()


def test_the_interval_is_wilsons() -> None:
    # Newcombe 1998, Statistics in Medicine 17, table I: 81 of 263, and 0 of 20.
    assert interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert interval(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)


def test_the_table() -> None:
    e = evaluation()
    bare = evaluated(ABOUT, LABELS[:1], Answers.of(SCORES[:1], LABELS[:1]), NAMES)
    bare["planned"], bare["float_absent"] = 90, "zoo.pt2 is no longer there"
    numbered = evaluated(ABOUT, LABELS, Answers.of(SCORES, LABELS), [str(k) for k in range(7)])
    numbered["of"] = 110
    text = "\n\n".join(table.plain(answers.lines(x)) for x in (e, bare, numbered)) + "\n"
    if os.environ.get("EDGEC_GOLDEN") == "write":
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8")
    json.dumps(e)


def test_the_picture_has_every_cell() -> None:
    e = evaluation()
    svg = confusion.svg(e)
    assert svg == confusion.svg(evaluation())
    tree = xml.fromstring(svg)
    titles = {t.text for t in tree.iter(f"{SVG}title")}
    assert len(titles) == sum(c["right"] > 0 for c in e["classes"]) + len(e["confusions"])
    first = e["confusions"][0]
    assert f"{first['label']}: {first['count']} taken for {first['said']}, {first['share']:.1%}" in titles
    words = [t.text for t in tree.iter(f"{SVG}text")]
    assert words.count("never <seen>") == 2 and str(e["classes"][0]["right"]) in words


def test_many_classes_are_drawn_without_figures() -> None:
    labels = np.arange(1000) % 500
    scores = np.eye(500, dtype=np.int8)[labels]
    e = evaluated(ABOUT, labels, Answers.of(scores, labels), [str(k) for k in range(500)])
    svg = confusion.svg(e)
    tree = xml.fromstring(svg)
    assert len(list(tree.iter(f"{SVG}title"))) == 500
    assert len(list(tree.iter(f"{SVG}text"))) < 120 and len(svg) < 200_000
