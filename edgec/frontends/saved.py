"""Graphs that edgec itself has saved: an integer model with its weights in their forms."""

from __future__ import annotations

from pathlib import Path

from edgec.diagnostics import Diagnostic
from edgec.ir import Graph
from edgec.ir.store import Damaged, from_bytes
from edgec.ir.verify import GraphError, verify
from edgec.ops.base import OpError, infer_types, registry


def load_saved(path: Path) -> Graph:
    """The graph in an .edgec file; raises Diagnostic E201 or E205."""
    try:
        data = path.read_bytes()
    except OSError as e:
        raise Diagnostic("E205", f"cannot read the model: {e.strerror}", where=str(path)) from e
    try:
        graph = from_bytes(data, infer_types)
        if unknown := next((n for n in graph if n.op not in registry()), None):
            raise Damaged(f"there is no op {unknown.op}")
        verify(graph, infer_types)
    except (Damaged, GraphError, OpError, AssertionError, TypeError, ValueError, IndexError) as e:
        raise Diagnostic(
            "E201",
            "unreadable or damaged .edgec",
            where=str(path),
            facts=(("error", (str(e) or type(e).__name__).splitlines()[0][:200]),),
            remedies=("save it again: tuned.save(PATH), with the installed edgec",),
        ) from e
    return graph
