"""The trade-offs: which are shown, what the table says of them, and that the picture has them all."""

from __future__ import annotations

import os
import xml.etree.ElementTree as xml
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from edgec.report import pareto, table
from edgec.report.schema import Report, TradeOff, missing_keys
from edgec.schedule.search import Scheme
from tests.report.sample import REPORT

SVG = "{http://www.w3.org/2000/svg}"
GOLDEN = Path(__file__).parent / "pareto.txt"


@dataclass(frozen=True, eq=False)
class Fake:
    """What a trade-off shows of a scheme."""

    arena: int
    macs: int
    moves: tuple[str, ...] = ()


SCHEMES = (
    Fake(26976, 3000),
    Fake(16496, 4565, ("running sums", "stem <&> run twice")),
    Fake(15208, 4952, ("running sums", "stem <&> run twice", "head run twice")),
    Fake(13480, 5470, ("running sums", "9 sets of layers in 90 strips of columns")),
)


BEATEN = (Fake(26976, 3001), Fake(16497, 4565), Fake(15000, 5471))
"""By one of those."""


def points(chosen: Fake) -> list[TradeOff]:
    return pareto.points(cast("tuple[Scheme, ...]", BEATEN + SCHEMES), cast(Scheme, chosen), 3000)


def with_trade_offs() -> Report:
    report = deepcopy(REPORT)
    report["pareto"] = points(SCHEMES[1])
    return report


def test_the_chosen_one_is_there_once() -> None:
    found = points(SCHEMES[1])
    assert [p["arena"] for p in found] == [26976, 16496, 15208, 13480]
    assert [p["arena"] for p in found if p["chosen"]] == [16496]
    assert found[2]["moves"] == ["running sums", "stem <&> run twice", "head run twice"]


def test_the_chosen_one_takes_the_place_of_what_it_beats() -> None:
    found = points(Fake(15208, 4565))
    assert [(p["arena"], p["chosen"]) for p in found] == [(26976, False), (15208, True), (13480, False)]


def test_a_chosen_one_that_is_beaten_is_shown() -> None:
    found = points(Fake(30000, 3000))
    assert [(p["arena"], p["chosen"]) for p in found][:2] == [(30000, True), (26976, False)]


def test_a_factor_allows_its_scheme() -> None:
    assert [p["factor"] for p in points(SCHEMES[1])] == [1.0, 1.522, 1.651, 1.824]
    assert all(p["macs"] <= p["factor"] * 3000 for p in points(SCHEMES[1]))


def test_the_table() -> None:
    text = table.plain(pareto.trade_offs(with_trade_offs())) + "\n"
    if os.environ.get("EDGEC_GOLDEN") == "write":
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8")
    assert pareto.trade_offs(REPORT) == []


def test_long_words_are_cut() -> None:
    what = pareto.words(points(Fake(9000, 9000, ("a layer run twice",) * 40)))[-1]
    assert what.endswith("...")
    assert len(what) < 100


def test_the_picture_has_every_trade_off() -> None:
    found = points(SCHEMES[1])
    svg = pareto.svg("a <model>", found)
    assert svg == pareto.svg("a <model>", found)
    tree = xml.fromstring(svg)
    titles = [t.text or "" for t in tree.iter(f"{SVG}title")]
    words = [t.text or "" for t in tree.iter(f"{SVG}text")]
    for k, (p, title) in enumerate(zip(found, titles, strict=True), 1):
        assert title.startswith(f"{p['arena']:,} B, {p['factor']:.3f} times")
        assert all(move in title for move in p["moves"])
        assert f"{k}: {p['arena']:,} B" in words
    (chosen,) = [
        g for g in tree.iter(f"{SVG}g") if g.get("class") == "c" and g.find(f"{SVG}circle") is not None
    ]
    assert "built" in "".join(chosen.itertext())
    dots = [(float(c.attrib["cx"]), float(c.attrib["cy"])) for c in tree.iter(f"{SVG}circle")]
    assert dots == sorted(dots), "more work to the right, less memory further down"


def test_labels_that_would_cover_each_other_are_numbers() -> None:
    near = [Fake(20000 - k, 3000 + k) for k in range(3)]
    found = pareto.points(cast("list[Scheme]", near), cast(Scheme, near[0]), 3000)
    words = [t.text for t in xml.fromstring(pareto.svg("m", found)).iter(f"{SVG}text")]
    assert "1: 20,000 B" in words
    assert "2: 19,999 B" in words, "below its dot"
    assert "3: 19,998 B" not in words
    assert "3" in words


def test_one_alone_can_be_drawn() -> None:
    found = pareto.points([], cast(Scheme, SCHEMES[0]), 3000)
    assert len(list(xml.fromstring(pareto.svg("m", found)).iter(f"{SVG}circle"))) == 1


def test_trade_offs_are_checked_too() -> None:
    report = with_trade_offs()
    assert missing_keys(report) == []  # type: ignore[arg-type]
    del report["pareto"][1]["arena"]  # type: ignore[misc]
    assert missing_keys(report) == ["pareto[1].arena"]  # type: ignore[arg-type]
