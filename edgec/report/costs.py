"""What a run counted, put into a report."""

from __future__ import annotations

from edgec.report.schema import Report
from edgec.sim.runner import RunResult
from edgec.sim.timing import describe
from edgec.target import Target

NO_CYCLES = "not estimated for Cortex-A: instructions and bytes only"
"""What a report says where there is no model of cycles."""


def put_costs(report: Report, result: RunResult, target: Target) -> None:
    """Instructions and cycles of a run, in all and by layer. What was not counted is absent, never zero."""
    report.pop("instructions", None)
    report.pop("cycles", None)
    report.pop("cycles_model", None)
    if result.instructions is not None:
        report["instructions"] = result.instructions
    if result.cycles is not None:
        report["cycles"], report["cycles_model"] = result.cycles, describe(target)
    elif result.instructions is not None and target.kind == "linux":
        report["cycles_model"] = NO_CYCLES
    for layer, cost in zip(report["layers"], result.per_layer or (), strict=False):
        layer["instructions"] = cost.instructions
        layer.pop("cycles", None)
        if cost.cycles is not None:
            layer["cycles"] = cost.cycles
