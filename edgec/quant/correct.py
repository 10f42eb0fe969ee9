"""Bias correction: what rounding weights adds to a layer's results on the average is taken off its bias.

Nagel, van Baalen, Blankevoort, Welling: Data-Free Quantization Through Weight Equalization and Bias
Correction, ICCV 2019, section 4.2; the mean input is measured on calibration samples here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from edgec.ir import DType, Graph, Node
from edgec.ops.base import call_of, op_of
from edgec.quant.formats import to_reals


def weighted(graph: Graph) -> list[Node]:
    """The nodes with a float constant of weights that gets a scale per channel, and a constant bias."""
    return [node for node in graph.nodes() if len(node.inputs) > 2 and _is_weighted(graph, node)]


def _is_weighted(graph: Graph, node: Node) -> bool:
    roles = op_of(node).quantization(call_of(graph, node)).constants
    weights, bias = graph.data(node.inputs[1]), graph.data(node.inputs[2])
    if (
        not roles.get(1, "").startswith("channel:")
        or roles.get(2) != "bias"
        or weights is None
        or bias is None
    ):
        return False
    return weights.dtype == np.float32 and graph.type(node.inputs[0]).dtype == DType.F32


def corrected(graph: Graph, held: Graph, means: Mapping[str, np.ndarray]) -> Graph:
    """The float graph with other biases, for weights as the integer graph `held` has them.

    means: by value, the mean over samples of what a node of `weighted` reads.
    """
    made = graph.copy()
    for node in weighted(graph):
        name = held.node(node.name).inputs[1]
        weights, bias = graph.data(node.inputs[1]), graph.data(node.inputs[2])
        stored = held.data(name)
        assert weights is not None and bias is not None and stored is not None
        error = to_reals(stored, held.type(name)) - weights
        call = call_of(graph, node)
        linear = replace(
            call,
            attrs={k: v for k, v in call.attrs.items() if k != "activation"},
            ins=call.ins[:2],
            consts=call.consts[:2],
        )
        # Products are linear, so the mean result of the error is the error's result of the mean input.
        shift = op_of(node).float_reference(linear, means[node.inputs[0]], error)
        assert isinstance(shift, np.ndarray)
        mean = shift.reshape(-1, shift.shape[-1]).mean(axis=0)
        name = made.add_constant(node.inputs[2], (bias - mean).astype(np.float32))
        made.set_operand(made.node(node.name), 2, name)
    made.prune()
    return made
