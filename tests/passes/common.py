"""What the tests of passes share: IR text in, IR text out, and the function unchanged."""

from __future__ import annotations

import textwrap

import numpy as np

from edgec.ir import DType, Graph
from edgec.ir.parse import parse
from edgec.ir.text import to_text
from edgec.ir.verify import verify
from edgec.ops.base import infer_types
from edgec.ops.interpret import evaluate
from edgec.passes.base import Pass


def graph_of(text: str) -> Graph:
    """The graph of a text; nodes without a path get their names as paths."""
    graph = parse(textwrap.dedent(text), infer=infer_types)
    for node in graph.nodes():
        node.path = node.path or node.name
    return graph


def optimised(graph: Graph, *passes: Pass, rtol: float = 1e-4) -> Graph:
    """A copy after the passes, verified after each and equal in what it computes."""
    result = graph.copy()
    for p in passes:
        p.run(result)
        verify(result, infer_types)
        same_function(graph, result, rtol)
    return result


def same_function(before: Graph, after: Graph, rtol: float = 1e-4) -> None:
    """Both graphs compute the same from drawn inputs (exactly the same, of integers)."""
    rng = np.random.default_rng(0)
    a, b = {}, {}
    assert before.inputs == after.inputs
    for name in before.inputs:
        type = before.type(name)
        if type.dtype == DType.F32:
            x = rng.normal(size=type.shape).astype(np.float32)
        else:
            x = rng.integers(*type.dtype.limits, type.shape, endpoint=True).astype(type.dtype.numpy)
        a[name] = x
        turned = name in after.input_perms and name not in before.input_perms
        b[name] = x.transpose(after.input_perms[name]) if turned else x
    ys, zs = evaluate(before, a), evaluate(after, b)
    for y, z in ((ys[v], zs[w]) for v, w in zip(before.outputs, after.outputs, strict=True)):
        assert y.shape == z.shape
        if y.dtype == np.float32:
            np.testing.assert_allclose(z, y, rtol=rtol, atol=rtol * (1 + float(np.abs(y).max(initial=0))))
        else:
            np.testing.assert_array_equal(z, y)


def lines(graph: Graph) -> list[str]:
    """The graph's inputs, nodes and outputs as text, without types of nodes and without paths."""
    text = to_text(graph, constants="elide").splitlines()
    return [s.split(" : ")[0] for s in text if not s.startswith(("graph", "const"))]


def ops(graph: Graph) -> list[str]:
    """The names of the ops in order."""
    return [node.op for node in graph.nodes()]
