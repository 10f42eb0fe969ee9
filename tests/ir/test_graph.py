"""The graph as passes and frontends fill it."""

from __future__ import annotations

import numpy as np

from edgec.ir import Graph, TensorType


def test_a_bare_number_is_kept_as_an_array() -> None:
    g = Graph()
    name = g.add_constant("c", np.float32(3) * np.array(2, np.float32))  # numpy's result is no array
    assert isinstance(g.data(name), np.ndarray) and g.type(name).shape == ()


def test_nodes_put_before_others_keep_their_places() -> None:
    g = Graph()
    x = g.add_input("x", TensorType((1, 4)))
    first, last = (g.add("neg", [x], [TensorType((1, 4))], name=n) for n in ("first", "last"))
    for name, before in (("a", last), ("b", last), ("c", last)):
        g.add("neg", [x], [TensorType((1, 4))], name=name, before=before)
    g.add("neg", [x], [TensorType((1, 4))], name="d", before=g.node("b"))
    g.add("neg", [x], [TensorType((1, 4))], name="e", before=first)
    assert [n.name for n in g.nodes()] == ["e", "first", "a", "d", "b", "c", "last"]
