"""What a build is asked for, and how it tells of its progress."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from edgec.diagnostics import Diagnostic
from edgec.ops.forms import INT8, Form

InputMode = Literal["whole", "stream"]
Goal = Literal["memory", "speed"]
Rounding = Literal["nearest", "learned"]
RANKS = (0.40, 0.95)
"""The smallest and the largest part of a rank to keep: less leaves little, more saves nothing."""


@dataclass(frozen=True)
class BuildOptions:
    """What `edgec build` was asked for.

    model: a file, a directory, or "package.module:callable". target: a name of targets/.
    budget, flash_budget: bytes, None for what the board has; flash is the program's where there is an
    operating system. calib: calibration data, None
    where the model needs none or drawn inputs must do. out: the output directory. The
    pipeline builds in `out` itself, which then does not exist; the command line hands it a
    temporary one. optimize: None prefers speed where there is a budget and memory where there is none;
    "speed" also has constants copied to the SRAM that is left.
    regions: whether several ops may run under one row loop. max_overhead: how many times the model's own
    multiply-accumulates may be spent where that saves memory. pareto: whether to list what memory costs.
    keep_dead: whether channels stay that can be left out without changing an output. tune: whether kernels
    are chosen by what they take on the simulated board. tune_on: where that is measured, "sim", or
    "serial:PORT" for a board. jobs: measurements at a time, None for one a core. rank: layers are stored as
    two factors of this part of their rank where that is smaller, None for as they are. weights: the form of
    weights (edgec/ops/forms.py) of all layers that may have another one than int8. rounding: how float
    weights become those of a form; None for learned from samples below 8 bits where there are enough. verify:
    run the image against the reference before reporting success. Raises Diagnostic E101 where options make no
    sense or contradict each other.
    """

    model: str
    target: str
    out: Path
    budget: int | None = None
    flash_budget: int | None = None
    calib: Path | None = None
    input_mode: InputMode = "whole"
    optimize: Goal | None = None
    regions: bool = True
    max_overhead: float = 1.0
    pareto: bool = False
    keep_dead: bool = False
    tune: bool = False
    tune_on: str = "sim"
    jobs: int | None = None
    rank: float | None = None
    weights: str = INT8
    rounding: Rounding | None = None
    max_drop: float | None = None
    verify: bool = True

    @property
    def is_smallest(self) -> bool:
        """Whether a build is to be as small as it can be: cycles are spent where that saves memory."""
        return self.optimize == "memory" or (self.optimize is None and self.budget is None)

    def __post_init__(self) -> None:
        if not 1.0 <= self.max_overhead < math.inf:
            raise Diagnostic(
                "E101",
                f"--max-overhead must be a number from 1.0 on: {self.max_overhead:g}",
                where="--max-overhead",
                facts=[("means", "how many times the model's own multiply-accumulates may be spent")],
                remedies=[
                    "--max-overhead 1.3 to spend up to 30 % more on less memory",
                    "leave --max-overhead out to spend none",
                ],
            )
        if self.jobs is not None and self.jobs < 1:
            raise Diagnostic(
                "E101",
                f"--jobs must be 1 or more: {self.jobs}",
                where="--jobs",
                remedies=["leave --jobs out: one measurement for each core of this machine"],
            )
        if self.tune_on != "sim" and not self.tune:
            raise Diagnostic(
                "E101",
                "--tune-on says where --tune measures",
                where="--tune-on",
                remedies=["--tune as well", "leave --tune-on out"],
            )
        if self.max_drop is not None and not 0 <= self.max_drop <= 100:
            raise Diagnostic(
                "E101",
                f"--max-drop must be a number of points from 0 to 100: {self.max_drop:g}",
                where="--max-drop",
                facts=[("means", "how much of its top-1 the model may lose where flash is short")],
                remedies=["--max-drop 1 for one point at most"],
            )
        if self.max_drop is not None and self.weights != INT8:
            raise Diagnostic(
                "E101",
                f"--max-drop contradicts --weights {self.weights}",
                where="--max-drop",
                facts=[("reason", "it has the forms of weights chosen layer by layer")],
                remedies=["leave one of them out"],
            )
        if self.rank is not None and not RANKS[0] <= self.rank <= RANKS[1]:
            raise Diagnostic(
                "E101",
                f"--rank must be a number from {RANKS[0]:.2f} to {RANKS[1]:.2f}: {self.rank:g}",
                where="--rank",
                facts=[("means", "the part of a layer's rank that its two factors keep")],
                remedies=["--rank 0.6 for a start, and edgec eval to see what it costs", "leave --rank out"],
            )
        try:
            Form.parse(self.weights)
        except ValueError as error:
            raise Diagnostic(
                "E101",
                str(error),
                where="--weights",
                facts=[
                    (
                        "known",
                        "int8, int4, codebook2 to codebook6; all but int8 also with /16, /32, /64, /128, "
                        "and all with +huffman behind",
                    )
                ],
                remedies=["leave --weights out for int8"],
            ) from error
        wants = "--pareto" if self.pareto else f"--max-overhead {self.max_overhead:g}"
        if not self.regions and (self.pareto or self.max_overhead > 1.0):
            raise Diagnostic(
                "E101",
                f"{wants} contradicts --no-regions",
                where="--no-regions",
                facts=[("reason", "less memory for more work is found among row loops over several layers")],
                remedies=["leave --no-regions out", f"leave {wants} out"],
            )


class Progress(Protocol):
    """Where a long task says how far it is."""

    def stage(self, name: str) -> None:
        """A new stage begins; the one before is done."""

    def step(self, done: int, total: int) -> None:
        """Within the stage, `done` of `total` are done."""

    def status(self, text: str) -> None:
        """Where the stage stands, where it cannot be said how much is left; gone when the stage is."""

    def note(self, text: str) -> None:
        """Something worth a line, good news or plain fact."""

    def warn(self, text: str) -> None:
        """Something the user should know or mend; it also belongs in the report."""


class Silent:
    """A Progress that says nothing: for tests, and for builds inside other tasks."""

    def stage(self, name: str) -> None:
        """Nothing."""

    def step(self, done: int, total: int) -> None:
        """Nothing."""

    def status(self, text: str) -> None:
        """Nothing."""

    def note(self, text: str) -> None:
        """Nothing."""

    def warn(self, text: str) -> None:
        """Nothing."""
