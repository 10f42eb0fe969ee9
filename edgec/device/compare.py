"""A board's outputs compared with the integer reference's, or with those of the simulated board."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgec import replay
from edgec.diagnostics import Diagnostic
from edgec.report.schema import Port
from edgec.sim.runner import Runner


def require_golden(runner: Runner, cases: replay.Cases) -> None:
    """Run a build's own sample; Diagnostic E501 where an output differs from the integer reference."""
    if difference := replay.model(runner, cases):
        raise _differs(
            runner.name, "of the integer reference", difference.where, [("first", difference.text)]
        )


def require_same(
    name: str, have: Sequence[bytes], want: Sequence[bytes], ports: Sequence[Port], first: int = 0
) -> None:
    """Diagnostic E501 for the first output of a board that is not that of the simulated one.

    name: the board's. ports: the outputs. first: the number of the first sample.
    """
    for k, (a, b) in enumerate(zip(have, want, strict=True)):
        at = 0
        for port in ports:
            dtype = np.dtype(port["dtype"])
            count = int(np.prod(port["shape"], dtype=np.int64))
            got, right = (np.frombuffer(raw, dtype, count, at) for raw in (a, b))
            at += count * dtype.itemsize
            differ = np.flatnonzero(got != right)
            if differ.size:
                i = int(differ[0])
                facts = [
                    ("differ", f"{differ.size:,} of {count:,} elements"),
                    ("first", f"element {i} is {got[i]}, must be {right[i]}"),
                ]
                raise _differs(
                    name, "of the simulated board", f"output {port['name']}, sample {first + k}", facts
                )


def _differs(name: str, whose: str, where: str, facts: list[tuple[str, str]]) -> Diagnostic:
    return Diagnostic(
        "E501",
        f"outputs of {name} are not those {whose}",
        where=where,
        facts=facts,
        remedies=[
            "edgec flash DIR, then edgec test DIR --on serial:PORT: names the layer that differs first"
        ],
    )
