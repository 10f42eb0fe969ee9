"""How much noise the outputs have when the weights of one layer alone are int8."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgec.ir import DType, Graph, Node
from edgec.ops.base import call_of, op_of
from edgec.quant import constants
from edgec.quant.data import Samples
from edgec.quant.formats import to_reals
from edgec.quant.snr import float_outputs


def layers(graph: Graph) -> list[Node]:
    """The nodes of a float graph whose weights get a scale per channel."""
    return [node for node in graph.nodes() if len(node.inputs) > 1 and _axis(graph, node) is not None]


def noise(graph: Graph, name: str, samples: Samples, output: int, want: Sequence[np.ndarray]) -> float:
    """The mean square of what a layer's weights in int8 change of an output.

    samples: in the axis order of the graph's inputs. want: the output of the float graph, sample by sample.
    """
    rounded = graph.copy()
    node = rounded.node(name)
    axis, weights = _axis(graph, node), graph.data(node.inputs[1])
    assert axis is not None and weights is not None
    q, quant = constants.per_channel(weights, axis, None, 1.0, 1.0, 0)
    held = to_reals(q, graph.type(node.inputs[1]).with_(quant=quant, dtype=DType.I8))
    rounded.set_operand(node, 1, rounded.add_constant(node.inputs[1], held))
    got = float_outputs(rounded, samples)
    value = rounded.outputs[output]
    return float(
        np.mean([np.square(y[value].astype(np.float64) - x).mean() for x, y in zip(want, got, strict=True)])
    )


def _axis(graph: Graph, node: Node) -> int | None:
    """The axis of the output channels in a node's float weights; None for a node without."""
    kind, _, axis = op_of(node).quantization(call_of(graph, node)).constants.get(1, "").partition(":")
    weights = graph.data(node.inputs[1])
    return int(axis) if kind == "channel" and weights is not None and weights.dtype == np.float32 else None
