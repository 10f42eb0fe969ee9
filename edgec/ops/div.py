"""Quotient of two tensors, before passes make a product of it."""

from __future__ import annotations

import numpy as np

from edgec.ops.base import Call
from edgec.ops.binary import Binary


class Div(Binary):
    """a / b with numpy broadcasting. Float only: passes leave products and reciprocals."""

    name = "div"

    def float_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore", invalid="ignore"):
            return (xs[0] / xs[1]).astype(np.float32)
