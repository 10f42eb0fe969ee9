"""Running a graph through its ops' references: the float one, or the exact integer one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from edgec.ir import DType, Graph
from edgec.ops.base import Call, Op, call_of, op_of

Observer = Callable[[str, np.ndarray], object]


def evaluate(
    graph: Graph, inputs: Mapping[str, np.ndarray], observe: Observer | None = None
) -> dict[str, np.ndarray]:
    """The outputs by value name; `observe` sees every result as it is computed.

    Values are dropped after their last use.
    """
    values = {v: x.data for v, x in graph.values.items() if x.data is not None}
    values.update(inputs)
    nodes = graph.nodes()
    last = {v: k for k, n in enumerate(nodes) for v in n.inputs}
    for k, node in enumerate(nodes):
        results = results_of(op_of(node), call_of(graph, node), [values[v] for v in node.inputs])
        for v, x in zip(node.outputs, results, strict=True):
            values[v] = x
            if observe is not None:
                observe(v, x)
        for v in node.inputs:
            if last[v] == k and v not in graph.outputs and not graph.is_constant(v):
                values.pop(v, None)
    return {v: values[v] for v in graph.outputs}


def results_of(op: Op, call: Call, xs: Sequence[np.ndarray]) -> tuple[np.ndarray, ...]:
    """The results of a call, from all its operands.

    One that computes or reads float32 runs its float reference, any other its integer reference.
    """
    seen = (*call.outs, *(call.ins[k] for k in call.activations))
    is_float = any(t.dtype == DType.F32 for t in seen)
    results = (op.float_reference if is_float or op.is_view else op.integer_reference)(call, *xs)
    return results if isinstance(results, tuple) else (results,)
