"""How a model goes through the passes: what lowering tells, and what it keeps at hand."""

from __future__ import annotations

from pathlib import Path

from edgec.frontends import load_model
from edgec.ir import DType, Graph
from edgec.ir.verify import verify
from edgec.ops.base import infer_types
from edgec.options import BuildOptions, Silent
from edgec.pipeline import Lowered, bind, lower


def lowered(model: str) -> Lowered:
    options = BuildOptions(f"tests.e2e.models:{model}", "host", Path("unused"))
    return lower(load_model(options.model), options, Silent())


def wide(graph: Graph) -> int:
    """How many values are int16."""
    return sum(v.type.dtype == DType.I16 for v in graph.values.values())


def test_int8_streams_are_kept_at_hand() -> None:
    first = lowered("tiny_vit")
    assert wide(first.graph) and first.narrow is not None
    narrow = first.narrow()
    assert wide(narrow.graph) == 0 and narrow.narrow is None
    verify(narrow.graph, infer_types)
    bind(narrow.graph)
    (note,) = [n for n in narrow.notes if n.startswith("residual streams are int8 instead of int16")]
    assert note.count(" dB") == 2 and not any("residual" in n for n in first.notes)
    assert first.accuracy is not None and narrow.accuracy is not None
    assert narrow.accuracy["cosine"] < first.accuracy["cosine"]
    assert "in int8 instead of int16" in narrow.accuracy["calibration"]


def test_models_without_streams_have_one_form() -> None:
    assert lowered("nothing").narrow is None
