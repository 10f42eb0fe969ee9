"""The finest scale a result may have, so that no intermediate of its kernel overflows.

Calibration can find a result to be (almost) always zero where its operands are not: the
difference of equal things, a channel that a ReLU silenced. Its scale would then ask for a
large left shift of an accumulator that the next input may well fill.
"""

from __future__ import annotations

import numpy as np

from edgec.ir import Graph, Node

_SUM = 2.0**-29
_PRODUCT = 2.0**-14
_OTHER = 2.0**-12


def least_scale(graph: Graph, node: Node) -> float:
    """The floor for the scale of a node's results, from its operands' scales and weights."""
    scales = [q.s for v in node.inputs if not graph.is_constant(v) and (q := graph.type(v).quant) is not None]
    if not scales:
        return 0.0
    if node.op in ("conv2d", "depthwise_conv2d", "conv_transpose2d", "linear"):
        weights = graph.data(node.inputs[1])
        assert weights is not None
        axis = 3 if node.op == "depthwise_conv2d" else 0
        rest = tuple(k for k in range(weights.ndim) if k != axis)
        worst = np.abs(weights.astype(np.float64)).sum(axis=rest) * scales[0] * 255
        if len(node.inputs) > 2 and (bias := graph.data(node.inputs[2])) is not None:
            worst = worst + np.abs(bias.astype(np.float64))
        return float(worst.max(initial=0.0)) * _SUM
    if node.op in ("mul", "matmul"):
        for v in node.inputs:
            if (data := graph.data(v)) is not None:
                scales.append(float(np.abs(data).max(initial=0.0)) / 128)
        other = scales[1] if len(scales) > 1 else scales[0]
        depth = graph.type(node.inputs[0]).shape[-1] if node.op == "matmul" else 1
        return scales[0] * other * depth * _PRODUCT
    return max(scales) * _OTHER
