"""From whatever names a PyTorch model to a graph."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgec.diagnostics import Diagnostic
from edgec.frontends.torch.spec import is_callable_spec, resolve_callable
from edgec.ir import Graph

if TYPE_CHECKING:
    from torch import nn
    from torch.export import ExportedProgram

Spec = "str | Path | ExportedProgram | tuple[nn.Module, tuple[Any, ...]]"


def load_torch(spec: str | Path | ExportedProgram | tuple[nn.Module, tuple[Any, ...]]) -> Graph:
    """Import a PyTorch model as a float graph.

    `spec` is the path of a `.pt2` file, a string `package.module:callable`, an
    ExportedProgram, or (module, example inputs). Graph inputs and outputs keep the model's
    own shapes and axis order (NCHW for images); ops that edgec has channels-last stand
    between `transpose` nodes. All constants are float32.

    Raises Diagnostic: E201 unreadable, or torch cannot export it; E202 unsupported ops, all
    of them listed; E203 dynamic shapes; E204 NaN or infinite weights; E205 no such model.
    """
    from edgec.frontends.torch.lower import lower
    from edgec.frontends.torch.program import decompose, require_static

    program, where = _program(spec)
    require_static(program, where)
    return lower(decompose(program, where), where)


def _program(
    spec: str | Path | ExportedProgram | tuple[nn.Module, tuple[Any, ...]],
) -> tuple[ExportedProgram, str]:
    from edgec.frontends.torch.archive import read_archive
    from edgec.frontends.torch.program import export_module

    if isinstance(spec, Path) or (isinstance(spec, str) and not is_callable_spec(spec)):
        path = Path(spec)
        if not path.is_file():
            raise Diagnostic("E205", "no such model file", where=str(spec))
        return read_archive(path), str(path)
    if isinstance(spec, str):
        model, inputs = resolve_callable(spec)
        return export_module(model, inputs, spec), spec
    if isinstance(spec, tuple):
        model, inputs = spec
        name = type(model).__name__
        return export_module(model, inputs, name), name
    return spec, "ExportedProgram"
