"""The graph as passes and frontends fill it."""

from __future__ import annotations

import numpy as np

from edgec.ir import Graph


def test_a_bare_number_is_kept_as_an_array() -> None:
    g = Graph()
    name = g.add_constant("c", np.float32(3) * np.array(2, np.float32))  # numpy's result is no array
    assert isinstance(g.data(name), np.ndarray) and g.type(name).shape == ()
