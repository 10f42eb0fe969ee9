"""The closing table and the profile, in their plain form, against golden files."""

import os
from copy import deepcopy
from pathlib import Path

import pytest
from rich.console import Console

from edgec.report import table
from edgec.report.schema import Report, missing_keys
from tests.report.sample import REPORT

GOLDEN = Path(__file__).parent


def bare() -> Report:
    """A report of a build that nothing ran: measured figures are absent."""
    report = deepcopy(REPORT)
    for key in ("instructions", "cycles", "cycles_model", "copies", "accuracy", "notes", "warnings"):
        del report[key]  # type: ignore[misc]
    for key in ("cycles_estimate", "constant_reads", "constant_reads_unstreamed"):
        del report[key]  # type: ignore[misc]
    for layer in report["layers"]:
        for key in ("instructions", "cycles", "snr_db", "rows", "window"):
            layer.pop(key, None)  # type: ignore[misc]
    del report["regions"]
    for key in ("gap", "peak", "peak_step", "peak_layer"):
        del report["sram"][key]  # type: ignore[misc]
    report["checks"] = []
    return report


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("closing.txt", table.closing(REPORT)),
        ("closing-bare.txt", table.closing(bare())),
        ("profile.txt", table.profile(REPORT)),
        ("profile-bare.txt", table.profile(bare())),
    ],
)
def test_golden(name: str, lines: list[table.Line]) -> None:
    text = table.plain(lines) + "\n"
    if os.environ.get("EDGEC_GOLDEN") == "write":
        (GOLDEN / name).write_text(text, encoding="utf-8")
    assert text == (GOLDEN / name).read_text(encoding="utf-8")


def test_colour_changes_no_character() -> None:
    lines = table.closing(REPORT)
    console = Console(width=200, force_terminal=True)
    with console.capture() as capture:
        console.print(table.styled(lines), soft_wrap=True)
    assert "\x1b[" in capture.get()
    assert [line.rstrip() for line in table.styled(lines).plain.splitlines()] == [x.plain for x in lines]


def test_missing_keys_are_named() -> None:
    report = deepcopy(REPORT)
    assert missing_keys(report) == []
    del report["sram"]["arena"], report["layers"][1]["op"], report["macs"]
    assert missing_keys(report) == ["macs", "sram.arena", "layers[1].op"]


def test_windows_and_regions_are_checked_too() -> None:
    report = deepcopy(REPORT)
    del report["regions"][1]["rows"]  # type: ignore[misc]
    assert missing_keys(report) == ["regions[1].rows"]


def test_long_names_are_cut() -> None:
    report = deepcopy(REPORT)
    del report["regions"]
    report["layers"][0]["name"] = "stage/block/conv/Conv2D;stage/block/conv/BiasAdd"
    report["layers"][1]["name"] = "features." * 20 + "attn"
    text = table.plain(table.profile(report)).splitlines()
    assert text[1].startswith("stage/block/conv/Conv2D  ")
    assert text[2].startswith("...")
    assert text[2].split()[0].endswith("features.attn")
    assert len(text[2].split()[0]) == table.NAME
