"""The ONNX front end: opset 13 and later, float and QDQ."""

from __future__ import annotations

from pathlib import Path

from edgec.ir import Graph

__all__ = ["load_onnx"]


def load_onnx(path: str | Path) -> Graph:
    """Import an ONNX model as a float graph.

    Inputs and outputs keep the model's own shapes and axis order; ops that edgec has
    channels-last stand between `transpose` nodes. A batch axis without a number becomes 1.
    QuantizeLinear and DequantizeLinear stay as `quantize` and `dequantize` nodes, so that
    quantization takes the file's parameters.

    Raises Diagnostic: E201 unreadable or damaged; E202 unsupported ops, all of them listed;
    E203 dynamic shapes; E204 NaN or infinite weights; E205 no such file; E206 operands that
    do not fit their op; E401 without the onnx package.
    """
    from edgec.frontends.onnx.lower import lower
    from edgec.frontends.onnx.read import damaged, read_model

    path = Path(path)
    model = read_model(path)
    try:
        return lower(model, path)
    except (ValueError, TypeError, IndexError, KeyError, ZeroDivisionError, OverflowError, MemoryError) as e:
        raise damaged(path, "the model is damaged: its numbers do not fit together", e) from e
