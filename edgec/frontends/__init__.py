"""Front ends: the only place where foreign formats are read."""

from __future__ import annotations

import difflib
from pathlib import Path

from edgec.diagnostics import Diagnostic
from edgec.ir import Graph

SUFFIXES = (".tflite", ".pt2", ".onnx", ".keras", ".h5", ".edgec")


def load_model(spec: str) -> Graph:
    """The graph of a model file, or of `package.module:callable`.

    Raises Diagnostic E205 where there is no such model, E201 to E204 and E206 where it
    cannot be compiled.
    """
    path = Path(spec)
    if not path.exists():
        from edgec.frontends.torch import is_callable_spec, load_torch

        if is_callable_spec(spec):
            return load_torch(spec)
        raise _no_such_file(path)
    if path.is_dir():
        raise Diagnostic(
            "E205", "a directory is not a model", where=spec, remedies=[f"name a file: {', '.join(SUFFIXES)}"]
        )
    match path.suffix.lower():
        case ".tflite":
            from edgec.frontends.tflite import load_tflite

            return load_tflite(path)
        case ".pt2":
            from edgec.frontends.torch import load_torch

            return load_torch(spec)
        case ".onnx":
            from edgec.frontends.onnx import load_onnx

            return load_onnx(path)
        case ".keras" | ".h5":
            from edgec.frontends.keras import load_keras

            return load_keras(path)
        case ".edgec":
            from edgec.frontends.saved import load_saved

            return load_saved(path)
        case ".pt" | ".pth":
            raise Diagnostic(
                "E205",
                "a .pt or .pth file holds weights or a pickle, not a program",
                where=spec,
                remedies=["torch.export.save(torch.export.export(model, (x,)), 'model.pt2')"],
            )
    raise Diagnostic(
        "E205",
        f"unknown kind of model: {path.suffix or 'no suffix'}",
        where=spec,
        facts=[("known", ", ".join(SUFFIXES) + ", package.module:callable")],
    )


def _no_such_file(path: Path) -> Diagnostic:
    names = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
    near = difflib.get_close_matches(path.name, [n for n in names if n.endswith(SUFFIXES)], n=3)
    remedies = [str(path.parent / n) for n in near] or ["check the path"]
    return Diagnostic("E205", "no such model", where=str(path), remedies=remedies)
