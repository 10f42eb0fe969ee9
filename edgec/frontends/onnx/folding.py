"""Evaluates nodes of constants with onnx's own reference."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgec.diagnostics import Diagnostic
from edgec.frontends.onnx.builder import Unsupported

if TYPE_CHECKING:
    import onnx

_LIMIT = 1 << 26
"""Elements a constant may have; more is a damaged file or a mistake."""
_LOOP_LIMIT = 1 << 16
"""The same where onnx's reference loops over elements in Python."""
_VECTORIZED = {
    "Abs", "Add", "And", "Cast", "CastLike", "Ceil", "Clip", "Concat", "Constant", "ConstantOfShape",
    "Cos", "Div", "Equal", "Exp", "Expand", "Flatten", "Floor", "Gather", "Gemm", "Greater",
    "GreaterOrEqual", "Identity", "IsInf", "IsNaN", "Less", "LessOrEqual", "Log", "MatMul", "Max", "Min",
    "Mod", "Mul", "Neg", "Not", "Or", "Pad", "Pow", "QuantizeLinear", "Range", "Reciprocal", "ReduceMax",
    "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum", "Reshape", "Shape", "Sigmoid", "Sin", "Size",
    "Slice", "Softmax", "Split", "Sqrt", "Squeeze", "Sub", "Tanh", "Tile", "Transpose", "Trilu",
    "Unsqueeze", "Where",
}  # fmt: skip
_RANDOM = {
    "RandomNormal",
    "RandomUniform",
    "RandomNormalLike",
    "RandomUniformLike",
    "Bernoulli",
    "Multinomial",
}


def evaluate(node: onnx.NodeProto, inputs: list[np.ndarray | None], opset: int) -> list[np.ndarray]:
    """The node's results. Raises Unsupported for random numbers, huge results and unknown ops."""
    from onnx.reference import ReferenceEvaluator

    if node.op_type in _RANDOM:
        raise Unsupported("random numbers at inference")
    if any(a.HasField("g") or a.graphs for a in node.attribute):
        raise Unsupported("a subgraph")
    most = max([_size(node.op_type, inputs), *(float(x.size) for x in inputs if x is not None)])
    if most > (_LIMIT if node.op_type in _VECTORIZED else _LOOP_LIMIT):
        raise Unsupported("a constant beyond any reason")
    names = list(node.input)
    try:
        if node.op_type == "GatherElements":  # numpy.choose, which the reference takes, can spin for hours
            return [_gather_elements(node, inputs)]
        run = ReferenceEvaluator(node, opsets={"": opset})
        feeds = {n: x for n, x in zip(names, inputs, strict=True) if x is not None}
        with np.errstate(all="ignore"):
            results = run.run(None, feeds)
    except NotImplementedError as e:
        raise Unsupported("") from e
    except Exception as e:  # operands that do not fit; the reference throws what it likes
        where = node.name or node.op_type
        reason = (str(e).strip() or type(e).__name__).splitlines()[0][:200]
        raise Diagnostic("E206", f"{node.op_type} of constants: {reason}", where=where) from e
    if not all(isinstance(r, np.ndarray | np.generic) for r in results):
        raise Unsupported("a result that is not a tensor")
    return [np.asarray(r) for r in results]


def _gather_elements(node: onnx.NodeProto, inputs: list[np.ndarray | None]) -> np.ndarray:
    data, index = inputs
    assert data is not None and index is not None
    axis = next((a.i for a in node.attribute if a.name == "axis"), 0) % data.ndim
    kept = tuple(slice(None) if k == axis else slice(0, n) for k, n in enumerate(index.shape))
    size = data.shape[axis]
    if ((index < -size) | (index >= size)).any():
        raise ValueError(f"an index beyond an axis of {size}")
    return np.take_along_axis(data[kept], index, axis)


def _size(op: str, inputs: list[np.ndarray | None]) -> float:
    """A bound of the elements of the result, for ops whose operands' values decide it."""
    if not inputs or inputs[0] is None:
        return 0.0
    given = [x for x in inputs if x is not None]
    if op == "ConstantOfShape":
        return float(np.prod(given[0], dtype=np.float64))
    if op == "Expand":
        return float(np.prod(given[-1], dtype=np.float64)) * given[0].size
    if op == "Tile":
        return float(np.prod(given[-1], dtype=np.float64)) * given[0].size
    if op == "Range" and len(given) == 3:
        start, limit, delta = (float(x.ravel()[0]) for x in given)
        return abs((limit - start) / delta) if delta else float("inf")
    if op == "Pad":
        return float(np.prod([n + 2.0 * np.abs(given[1]).max(initial=0) for n in given[0].shape]))
    if op in ("Resize", "OneHot"):
        last = (
            float(np.prod(np.abs(given[-1].astype(np.float64))))
            if op == "Resize"
            else given[1].max(initial=1)
        )
        return float(last) * given[0].size
    if op == "MatMul" and given[0].ndim:
        return float(given[0].size * given[1].size / max(given[0].shape[-1], 1) ** 2)
    try:
        return float(np.prod(np.broadcast_shapes(*(x.shape for x in given)), dtype=np.float64))
    except ValueError:
        return 0.0
