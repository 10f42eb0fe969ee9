"""What a run counted goes into a report; what it did not is absent."""

from __future__ import annotations

import copy

from edgec.report.costs import put_costs
from edgec.report.schema import Report
from edgec.sim.runner import Cost, RunResult
from edgec.sim.timing import describe
from edgec.target import load_target

from .sample import REPORT

BOARD = load_target("stm32f746")


def layers(cycles: int | None) -> tuple[Cost, ...]:
    return tuple(Cost(10 + k, cycles) for k in range(len(REPORT["layers"])))


def test_counts_and_the_model_of_the_cycles() -> None:
    report: Report = copy.deepcopy(REPORT)
    put_costs(report, RunResult(b"", 100, 90, layers(7)), BOARD)
    assert (report["instructions"], report["cycles"]) == (100, 90)
    assert report["cycles_model"] == describe(BOARD)
    assert [(x["instructions"], x["cycles"]) for x in report["layers"]] == [
        (10 + k, 7) for k in range(len(report["layers"]))
    ]


def test_what_was_not_counted_is_absent() -> None:
    report: Report = copy.deepcopy(REPORT)
    put_costs(report, RunResult(b"", 100, None, layers(None)), BOARD)
    assert report["instructions"] == 100
    assert "cycles" not in report and "cycles_model" not in report
    assert not any("cycles" in x for x in report["layers"])
