"""The ordered list of passes, each line with its reason, and how a model goes through them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from edgec.ir import DType, Graph
from edgec.ir.verify import verify
from edgec.ops.base import infer_types
from edgec.options import BuildOptions, Progress
from edgec.passes.base import Changes, Pass
from edgec.prove import Inputs
from edgec.report.schema import Accuracy

FLOAT_PASSES: tuple[Pass, ...] = ()
INTEGER_PASSES: tuple[Pass, ...] = ()


@dataclass
class Lowered:
    """An integer graph ready to be scheduled, and what lowering it told.

    samples: integer inputs worth proving the build with; empty where there was no data.
    snr: signal-to-noise in dB by node name.
    """

    graph: Graph
    samples: list[Inputs] = field(default_factory=list)
    accuracy: Accuracy | None = None
    snr: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def run_passes(graph: Graph, passes: Sequence[Pass]) -> list[tuple[str, Changes]]:
    """Run passes over a graph in place, verifying it after each; returns what each did.

    Raises GraphError, a bug in edgec, where a pass leaves a graph that does not hold.
    """
    done = []
    for p in passes:
        changes = p.run(graph)
        verify(graph, infer_types)
        done.append((type(p).__name__, changes))
    return done


def is_float(graph: Graph) -> bool:
    """Whether any op of the graph still computes in float."""
    return any(t.dtype == DType.F32 for n in graph for t in graph.out_types(n))


def lower(graph: Graph, options: BuildOptions, progress: Progress) -> Lowered:
    """A frontend's graph to an integer graph: passes, and quantization where it is float.

    Raises Diagnostic E104 for bad calibration data.
    """
    if not is_float(graph):
        run_passes(graph, INTEGER_PASSES)
        return Lowered(graph)
    raise NotImplementedError
