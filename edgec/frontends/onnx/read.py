"""Reading an ONNX file into a checked model of opset 13 or later with everything inside."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgec.diagnostics import Diagnostic

if TYPE_CHECKING:
    import onnx

OLDEST = 13


def read_model(path: Path) -> onnx.ModelProto:
    """Parse, check, inline functions and load external data.

    Raises Diagnostic: E205 no such file, E201 for anything wrong inside, E203 for axes that
    are not fixed (the first axis of an input becomes 1), E401 without the onnx package.
    """
    try:
        import onnx
        from onnx.inliner import inline_local_functions
    except ImportError:
        raise Diagnostic(
            "E401", "the onnx package is missing, it reads .onnx files", remedies=["pip install edgec[onnx]"]
        ) from None
    if not path.is_file():
        raise Diagnostic("E205", "no such model file", where=str(path))
    try:
        model = onnx.load_model(str(path), format="protobuf", load_external_data=False)
    except Exception as e:  # whatever the parser makes of a damaged file
        raise damaged(path, "not an ONNX file, or a damaged one", e) from e
    if not model.graph.node:
        raise damaged(path, "the file holds no graph")
    _load_external(model, path)
    _fix_inputs(model, path)
    model = _current(model, path)
    try:
        model = inline_local_functions(model)
        onnx.checker.check_model(model, full_check=False)
        model = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=False)
    except Exception as e:  # the checker's own errors, and what damaged files make it throw
        raise damaged(path, "the model does not pass onnx.checker", e) from e
    return model


def damaged(path: Path, title: str, error: Exception | None = None) -> Diagnostic:
    """E201 for this file."""
    lines = [s.strip() for s in str(error).splitlines() if s.strip()] if error else []
    facts = [("error", lines[0][:200] if lines else type(error).__name__)] if error else []
    return Diagnostic("E201", title, where=str(path), facts=facts, remedies=["export the model again"])


def _load_external(model: onnx.ModelProto, path: Path) -> None:
    """Tensors that lie in files next to the model, and nowhere else."""
    from onnx.external_data_helper import load_external_data_for_tensor

    folder = path.resolve().parent
    for tensor in _tensors(model.graph):
        if tensor.data_location != tensor.EXTERNAL:
            continue
        facts = {e.key: e.value for e in tensor.external_data}
        location = facts.get("location", "")
        if isinstance(location, bytes) or "\0" in location:
            raise damaged(path, f"tensor {tensor.name}: external data in a file without a proper name")
        file = (folder / location).resolve()
        if not location or Path(location).is_absolute() or not file.is_relative_to(folder):
            raise damaged(
                path, f"tensor {tensor.name}: external data outside the model's folder: {location!r}"
            )
        if not file.is_file():
            raise Diagnostic(
                "E201",
                "external data are missing",
                where=str(path),
                facts=[("tensor", tensor.name), ("need", str(file))],
                remedies=["put the file next to the model", "export with external_data=False"],
            )
        try:
            load_external_data_for_tensor(tensor, str(folder))
        except Exception as e:  # offsets beyond the file, links, damaged numbers
            raise damaged(path, f"tensor {tensor.name}: external data cannot be read", e) from e
        tensor.data_location = tensor.DEFAULT
        del tensor.external_data[:]


def _tensors(graph: Any) -> list[Any]:
    found = list(graph.initializer)
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                found.append(attribute.t)
            found += attribute.tensors
            if attribute.HasField("g"):
                found += _tensors(attribute.g)
    return found


def _fix_inputs(model: onnx.ModelProto, path: Path) -> None:
    """Make the batch 1; refuse every other axis without a number."""
    weights = {t.name for t in model.graph.initializer}
    open_axes = []
    changed = False
    for value in model.graph.input:
        if value.name in weights or not value.type.HasField("tensor_type"):
            continue
        if not value.type.tensor_type.HasField("shape"):
            open_axes.append((value.name, "no shape at all"))
            continue
        for k, dim in enumerate(value.type.tensor_type.shape.dim):
            if dim.WhichOneof("value") == "dim_value" and dim.dim_value > 0:
                continue
            if k == 0:
                dim.dim_value = 1
                changed = True
            else:
                open_axes.append((value.name, f"axis {k} is {dim.dim_param or 'not fixed'}"))
    if open_axes:
        raise Diagnostic(
            "E203",
            "dynamic shapes",
            where=str(path),
            facts=[("input", f"{name}: {what}") for name, what in open_axes],
            remedies=[
                "export with fixed shapes",
                "python -m onnxruntime.tools.make_dynamic_shape_fixed --dim_param NAME --dim_value N IN OUT",
            ],
        )
    if changed:  # shapes that were inferred for the open batch no longer hold
        del model.graph.value_info[:]
        for value in model.graph.output:
            for dim in value.type.tensor_type.shape.dim:
                dim.Clear()


def _current(model: onnx.ModelProto, path: Path) -> onnx.ModelProto:
    """The model in opset 13 or later."""
    from onnx import version_converter

    version = next((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), 0)
    if version >= OLDEST:
        return model
    try:
        return version_converter.convert_version(model, OLDEST)
    except Exception as e:  # ops the converter does not know
        reason = (str(e).strip() or type(e).__name__).splitlines()[0][:200]
        raise Diagnostic(
            "E201",
            f"opset {version} is too old",
            where=str(path),
            facts=[("need", f"opset {OLDEST} or later"), ("error", reason)],
            remedies=[f"export with opset_version={OLDEST} or later"],
        ) from e
