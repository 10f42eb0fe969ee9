"""Walks a checked ONNX graph: evaluates what is constant, converts the rest."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgec.diagnostics import Diagnostic
from edgec.frontends.onnx.builder import CONVERTERS, Act, Const, NumpyBuilder, Unsupported
from edgec.frontends.onnx.folding import evaluate
from edgec.ir import Graph, TensorType

if TYPE_CHECKING:
    import onnx

_POISON = object()
"""The result of a node that could not be converted."""


def lower(model: onnx.ModelProto, path: Path) -> Graph:
    """The float graph of a model that `read_model` returned.

    Raises Diagnostic E202 with every unsupported node, E204 for weights that are not finite,
    E206 where operands do not fit, E201 where a constant cannot be read.
    """
    from edgec.frontends.onnx import (  # noqa: F401  (they register converters)
        elementwise,
        norms,
        products,
        quantized,
        reductions,
        shapes,
        spatial,
    )

    return _Lowering(model, path).run()


class _Lowering:
    def __init__(self, model: onnx.ModelProto, path: Path) -> None:
        self.model, self.file = model, path
        self.opset = next(o.version for o in model.opset_import if o.domain in ("", "ai.onnx"))
        self.builder = NumpyBuilder(Graph(re.sub(r"\W+", "_", path.stem) or "model"))
        self.env: dict[str, Any] = {"": None}
        self.problems: list[tuple[str, str, str]] = []
        """(layer, op, why) of what cannot be converted."""

    def run(self) -> Graph:
        graph = self.builder.graph
        for tensor in self.model.graph.initializer:
            self.env[tensor.name] = self._constant(tensor, tensor.name)
        self._inputs()
        for node in self.model.graph.node:
            self._node(node)
        outputs = [self.env.get(o.name) for o in self.model.graph.output]
        if self.problems:
            raise self._unsupported()
        graph.outputs = [y.name for y in outputs if isinstance(y, Act)]
        if not graph.outputs:
            raise Diagnostic("E202", "no output depends on an input", where=str(self.file))
        graph.prune()
        self._name_layouts()
        return graph

    def _inputs(self) -> None:
        """Graph inputs are float; integers only where a cast or dequantize reads them."""
        import onnx

        users: dict[str, set[str]] = {}
        for node in self.model.graph.node:
            for name in node.input:
                users.setdefault(name, set()).add(node.op_type)
        for value in self.model.graph.input:
            if value.name in self.env:
                continue
            if not value.type.HasField("tensor_type"):
                self.problems.append((value.name, "input", "is not a tensor"))
                self.env[value.name] = _POISON
                continue
            kind = value.type.tensor_type.elem_type
            shape = tuple(d.dim_value for d in value.type.tensor_type.shape.dim)
            is_float = kind in (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.DOUBLE)
            if not is_float and not users.get(value.name, set()) <= {"Cast", "DequantizeLinear"}:
                name = onnx.TensorProto.DataType.Name(kind).lower()
                self.problems.append((value.name, "input", f"holds {name}; inputs must be float"))
                self.env[value.name] = _POISON
                continue
            name = self.builder.graph.add_input(value.name, TensorType(shape))
            self.env[value.name] = Act(name, shape)

    def _constant(self, tensor: Any, origin: str) -> Const:
        from onnx import numpy_helper

        try:
            data = numpy_helper.to_array(tensor)
        except Exception as e:  # sizes that do not match, types that do not exist
            raise Diagnostic(
                "E201",
                "a tensor cannot be read",
                where=str(self.file),
                facts=[("tensor", origin), ("error", str(e).splitlines()[0][:200] if str(e) else "no data")],
                remedies=["export the model again"],
            ) from e
        if data.dtype.kind == "f" and np.isnan(data).any():
            raise Diagnostic(
                "E204",
                "NaN or infinite weights",
                where=str(self.file),
                facts=[("weight", origin)],
                remedies=["the training diverged, or the checkpoint is damaged: train or load again"],
            )
        return self.builder.tensor(data, origin)

    # -- nodes ------------------------------------------------------------

    def _node(self, node: onnx.NodeProto) -> None:
        inputs = [self.env.get(name, _POISON) for name in node.input]
        self.builder.path, self.builder.label = module_path(node), _identifier(node)
        try:
            results = self._convert(node, inputs)
        except Unsupported as e:
            self.problems.append((self.builder.path, node.op_type, str(e)))
            results = [_POISON] * len(node.output)
        for name, result in zip(node.output, results, strict=False):
            if name:
                self.env[name] = result

    def _convert(self, node: onnx.NodeProto, inputs: list[Any]) -> list[Any]:
        is_default = node.domain in ("", "ai.onnx")
        if is_default and node.op_type in ("Shape", "Size") and isinstance(inputs[0], Act):
            return [self._shape_of(node, inputs[0].shape)]
        known = all(x is None or isinstance(x, Const) for x in inputs)
        if is_default and known and node.op_type != "DequantizeLinear":
            arrays = [None if x is None else np.asarray(x.data) for x in inputs]
            origin = inputs[0].origin if inputs and inputs[0] is not None else _identifier(node)
            return [self.builder.tensor(y, origin) for y in evaluate(node, arrays, self.opset)]
        if not is_default or node.op_type not in CONVERTERS:
            raise Unsupported("" if is_default else f"domain {node.domain}")
        if any(x is _POISON for x in inputs):
            return [_POISON] * len(node.output)
        result = CONVERTERS[node.op_type](self.builder, _Attributes(node), *inputs)
        return result if isinstance(result, list) else [result]

    def _shape_of(self, node: onnx.NodeProto, shape: tuple[int, ...]) -> Const:
        attrs = _Attributes(node)
        if node.op_type == "Size":
            return self.builder.tensor(np.array(int(np.prod(shape)), np.int64), "size")
        part = shape[attrs.get("start", 0) : attrs.get("end", len(shape))]
        return self.builder.tensor(np.array(part, np.int64), "shape")

    def _unsupported(self) -> Diagnostic:
        unique = list(dict.fromkeys(self.problems))
        return Diagnostic(
            "E202",
            "unsupported operators",
            where=str(self.file),
            facts=[("op", f"{op} in {layer}" + (f": {why}" if why else "")) for layer, op, why in unique],
        )

    def _name_layouts(self) -> None:
        """Inputs that go straight into a channels-last op have named axes."""
        graph = self.builder.graph
        for name in graph.inputs:
            type = graph.type(name)
            letters = {4: ("NCHW", (0, 2, 3, 1)), 3: ("NCL", (0, 2, 1))}.get(len(type.shape))
            users = [node for node, _ in graph.consumers(name)]
            if letters and users and all(u.attrs.get("perm") == letters[1] for u in users):
                graph.set_type(name, type.with_(layout=letters[0]))


class _Attributes(dict[str, Any]):
    """A node's attributes as Python values."""

    def __init__(self, node: onnx.NodeProto) -> None:
        from onnx import helper

        for attribute in node.attribute:
            value = helper.get_attribute_value(attribute)
            self[attribute.name] = value.decode() if isinstance(value, bytes) else value


def module_path(node: onnx.NodeProto) -> str:
    """The user's module path, such as `layer1.0.conv1`, where the exporter left it.

    torch.onnx.export writes it to the metadata (dynamo) or into the node's name
    (TorchScript: /layer1/layer1.0/conv1/Conv); else the node's name itself.
    """
    meta = {p.key: p.value for p in node.metadata_props}
    try:
        scopes = ast.literal_eval(meta.get("pkg.torch.onnx.name_scopes", "[]"))
    except (ValueError, SyntaxError):
        scopes = []
    if len(scopes) > 1 and all(isinstance(s, str) for s in scopes) and scopes[-2]:
        return str(scopes[-2])
    if node.name.startswith("/") and node.name.count("/") > 1:
        path: list[str] = []
        for part in node.name.strip("/").split("/")[:-1]:
            head, _, rest = part.rpartition(".")
            path.append(rest if path and head and head.endswith(path[-1]) else part)
        return ".".join(path)
    return node.name or next((o for o in node.output if o), node.op_type)


def _identifier(node: onnx.NodeProto) -> str:
    name = node.name or next((o for o in node.output if o), "") or node.op_type
    return re.sub(r"\W+", "_", name).strip("_") or node.op_type
