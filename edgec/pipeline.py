"""The ordered list of passes, each line with its reason, and how a graph goes through them."""

from __future__ import annotations

from collections.abc import Sequence

from edgec.ir import DType, Graph
from edgec.ir.verify import verify
from edgec.ops.base import infer
from edgec.passes.base import Changes, Pass

FLOAT_PASSES: tuple[Pass, ...] = ()
INTEGER_PASSES: tuple[Pass, ...] = ()


def run_passes(graph: Graph, passes: Sequence[Pass]) -> list[tuple[str, Changes]]:
    """Run passes over a graph in place, verifying it after each; returns what each did.

    Raises GraphError, a bug in edgec, where a pass leaves a graph that does not hold.
    """
    done = []
    for p in passes:
        changes = p.run(graph)
        verify(graph, infer)
        done.append((type(p).__name__, changes))
    return done


def is_float(graph: Graph) -> bool:
    """Whether any op of the graph still computes in float."""
    return any(t.dtype == DType.F32 for n in graph for t in graph.out_types(n))
