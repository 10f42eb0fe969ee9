"""From a file to a graph: inputs, one converter after the other, outputs, and what went wrong."""

from __future__ import annotations

from pathlib import Path

from edgec.diagnostics import Diagnostic
from edgec.frontends.tflite import convs, elementwise, folding, shapes  # noqa: F401 (they register converters)
from edgec.frontends.tflite.builder import CONVERTERS, DTYPES, Layer, State, Unsupported, check_kernel
from edgec.frontends.tflite.folding import fold
from edgec.frontends.tflite.read import Damaged, Model, Operator, Tensor, damaged, read
from edgec.ir import DType, Graph, TensorType
from edgec.ops.base import OpError

_REMEDIES = {
    "UINT8": "convert with inference_input_type and representative data for int8 (uint8 is the older scheme)",
    "INT16": "convert with int8 activations (OpsSet.TFLITE_BUILTINS_INT8)",
    "RESOURCE": "export without variables: pass the state in and out as tensors",
}


def load_tflite(path: Path) -> Graph:
    """The graph of a .tflite file, int8 or float32; constants of a float file stay float32.

    Quantized tensors keep the file's scales (float32, widened) and zero points. Where float
    inputs are quantized first, or outputs dequantized last, the graph begins and ends with the
    integers. A node's path is the name of the tensor it computes, up to the first semicolon.

    Raises Diagnostic: E201 damaged; E202 unsupported operators, all of them listed; E203 dynamic
    shapes; E204 NaN or infinite weights; E205 no such file; E206 operands that do not fit.
    """
    model = read(path)
    _refuse_dynamic(path, model)
    try:
        return _Loader(path, model).graph()
    except Damaged as e:
        raise damaged(path, str(e)) from e


class _Loader:
    def __init__(self, path: Path, model: Model) -> None:
        self.path, self.model = path, model
        self.state = State(model, Graph(path.stem))
        self.problems: list[tuple[str, str, str]] = []
        self.remedies: list[str] = []
        self.lost: set[int] = set()
        """Tensors that an unsupported operator would have computed."""

    def graph(self) -> Graph:
        """The whole graph; raises what load_tflite raises."""
        state, graph = self.state, self.state.graph
        for i in self.model.inputs:
            self._input(self.model.tensors[i])
        for op in self.model.operators:
            if not all(i in state.values for i in op.outputs):
                self._operator(op)
        self._refuse_mixed()
        if self.problems:
            raise self._unsupported()
        for i in self.model.outputs:
            if i not in state.values:
                raise Diagnostic("E202", "an output depends on no input", where=self.model.tensors[i].name)
            graph.outputs.append(state.values[i])
        return graph

    def _input(self, t: Tensor) -> None:
        """Declare a graph input; a quantize operator behind it becomes part of it."""
        type = self._type(t)
        users = [op for op in self.model.operators if t.index in op.inputs]
        targets = [self.model.tensors[op.outputs[0]] for op in users if op.code == "QUANTIZE" and op.outputs]
        same = targets and len(targets) == len(users) and all(x.quant == targets[0].quant for x in targets)
        skip = t.dtype in ("FLOAT32", "UINT8") and same and all(x.dtype == "INT8" for x in targets)
        if skip:
            type = self._type(targets[0]).with_(shape=t.shape)
        elif t.dtype not in DTYPES or t.dtype == "INT16":
            self._problem("input", t.name, Unsupported(f"{t.dtype} values"), t.dtype)
        if type.dtype in (DType.I8, DType.I16) and type.quant is None:
            raise Damaged(f"input {t.name} is {t.dtype} without quantization")
        value = self.state.graph.add_input(self.state.graph.unique(t.name), type)
        for x in [t, *(targets if skip else [])]:
            self.state.values[x.index] = value

    def _type(self, t: Tensor) -> TensorType:
        layout = "NHWC" if len(t.shape) == 4 else ""
        return TensorType(t.shape, DTYPES.get(t.dtype, DType.F32), t.quant, layout)

    def _operator(self, op: Operator) -> None:
        try:
            layer = Layer(self.state, op)
            if fold(layer):
                return
            self._check_types(layer)
            if op.custom or op.code not in CONVERTERS:
                raise Unsupported("custom operator" if op.custom else "")
            if any(i in self.lost for i in op.inputs):
                self.lost.update(op.outputs)
                return
            if all(i in self.state.known for i in op.inputs if i >= 0):
                raise Unsupported("all its operands are constants")
            results = CONVERTERS[op.code](layer)
            self._finish(layer, [results] if isinstance(results, str) else list(results or ()))
        except Unsupported as e:
            self._problem(op.code, self._where(op), e)
            self.lost.update(op.outputs)
        except OpError as e:
            raise Diagnostic("E206", f"{op.code}: {e}", where=self._where(op)) from e
        except (ArithmeticError, LookupError, TypeError, ValueError) as e:
            # Numbers that no converter of such a file would write: a converter trips over them.
            raise Damaged(f"operator {op.index} ({op.code}) has impossible parameters") from e

    def _where(self, op: Operator) -> str:
        names = [self.model.tensors[i].name for i in op.outputs]
        return names[0] if names else f"operator {op.index}"

    def _check_types(self, layer: Layer) -> None:
        """All that runs on the device is int8 or float32, or an integer beside the data."""
        for t in [x for x in layer.tensors if x is not None] + layer.results:
            if not t.plain:
                kind = "RESOURCE" if t.dtype in ("RESOURCE", "VARIANT") else t.dtype
                raise _of_type(kind, "a variable" if kind == "RESOURCE" else f"a sparse or {t.dtype} tensor")
            run_time = t.index not in self.state.known
            if run_time and t.dtype in ("UINT8", "INT16", "FLOAT16", "FLOAT64", "UINT16", "UINT32"):
                edge = layer.op.code in ("QUANTIZE", "DEQUANTIZE")
                if not (edge and t.dtype == "UINT8" and t.index in self.model.outputs):
                    raise _of_type(t.dtype, f"{t.dtype} activations")
            if t.dtype == "INT8" and t.quant is None:
                raise Damaged(f"tensor {t.name} is INT8 without quantization")
            made, edge = layer.results[0].dtype, layer.op.code in ("QUANTIZE", "DEQUANTIZE")
            pair = (t.dtype if run_time or made == "INT8" else made, made)
            if pair in (("FLOAT32", "INT8"), ("FLOAT16", "INT8"), ("INT8", "FLOAT32")) and not edge:
                raise Unsupported(f"{t.dtype} operands with a result of {made}")

    def _finish(self, layer: Layer, results: list[str]) -> None:
        if len(results) != len(layer.results):
            raise Damaged(f"operator {layer.op.index} ({layer.op.code}) has {len(layer.results)} results")
        graph = self.state.graph
        for t, value in zip(layer.results, results, strict=True):
            found = graph.type(value)
            if found.shape != t.shape and not any(n < 0 for n in (*t.signature, *t.shape)):
                raise Damaged(f"{layer.op.code} gives tensor {t.name} of {t.shape} the shape {found.shape}")
            wanted, edge = DTYPES.get(t.dtype), layer.op.code in ("QUANTIZE", "DEQUANTIZE")
            if wanted == DType.I8 and found.dtype == DType.I8 and graph.producer(value) is not None:
                graph.set_type(value, found.with_(quant=t.quant))
            elif wanted in (DType.I8, DType.F32) and found.dtype != wanted and not edge:
                raise Unsupported(f"{found.dtype} operands with a result of {t.dtype}")
            check_kernel(graph, value)
            self.state.values[t.index] = value

    # -- diagnostics --------------------------------------------------------

    def _problem(self, code: str, where: str, e: Unsupported, dtype: str = "") -> None:
        self.problems.append((where, code, str(e)))
        dtype = dtype or getattr(e, "dtype", "")
        if dtype in _REMEDIES and _REMEDIES[dtype] not in self.remedies:
            self.remedies.append(_REMEDIES[dtype])

    def _refuse_mixed(self) -> None:
        """Integer and float computation in one graph: there is no float on the device."""
        nodes = self.state.graph.nodes()
        if not any(n.op in ("quantize", "dequantize") for n in nodes):
            return
        is_float = [n for n in nodes if self.state.graph.type(n.outputs[0]).dtype == DType.F32]
        found = [n for n in is_float if n.op != "dequantize"] or is_float or nodes
        self.problems += [(n.path, n.op, "float among integer operators") for n in found]
        self.remedies.append("convert with full integer quantization (representative dataset, int8 only)")

    def _unsupported(self) -> Diagnostic:
        unique = dict.fromkeys(self.problems)
        facts = [("op", f"{op} in {layer}" + (f": {why}" if why else "")) for layer, op, why in unique]
        return Diagnostic(
            "E202", "unsupported operators", where=str(self.path), facts=facts, remedies=self.remedies
        )


def _of_type(dtype: str, message: str) -> Unsupported:
    e = Unsupported(message)
    e.dtype = dtype  # type: ignore[attr-defined]
    return e


def _refuse_dynamic(path: Path, model: Model) -> None:
    """E203 where an axis of an input, other than the batch, has no fixed size."""
    inputs = [model.tensors[i] for i in model.inputs]
    dynamic = [t for t in inputs if any(n < 0 for n in (*t.signature[1:], *t.shape))]
    if dynamic:
        names = list(dict.fromkeys(t.name for t in dynamic))
        raise Diagnostic(
            "E203",
            "dynamic shapes",
            where=str(path),
            facts=[("tensor", name) for name in names[:8]],
            remedies=["convert with a fixed input shape: tf.TensorSpec without None"],
        )
    if any(0 in t.shape for t in inputs):
        raise damaged(path, "an input has no elements")
