"""Coded weights of a vector that shares them with no other: two at a time are looked up by their codes.

To take them apart (edgec/ops/coded.py) would cost more than their products. firmware/kernels/ec_lookup.h says
how they are stored.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from edgec.ops import dsp
from edgec.ops.base import Call
from edgec.ops.codes import encoded, units_of
from edgec.ops.forms import ATTRIBUTE, OUTPUTS, Form, form_of
from edgec.ops.kernel import Kernel, i32, table

_RUN = 8
"""Inputs whose codes lie together, a whole number of bytes."""
_MOST = 5
"""Bits of a code at most: a table of pairs takes 4 KB then."""
_WORTH = 8192
"""Weights at least: of fewer the code takes more flash than the cycles are worth."""
_FILL = 4
"""Times the words of a table: weights that share it at least."""
_ORDER = (0, 2, 1, 3, 4, 6, 5, 7)
"""The inputs of a run in the order of their halfwords."""


def linear(call: Call, kernel: Callable[[Call], Kernel]) -> Kernel | None:
    """The kernel for the DSP extension for a linear layer with rows of one vector.

    kernel: gives the one for int8. None for other processors, for weights that are few or that no such form
    holds, and where the one for int8 cannot take the layer.
    """
    form, weights = form_of(call.attrs), call.const(1)
    if form is None or not suits(form, weights.size, call.features):
        return None
    (outputs, inputs), words = weights.shape, _words(form.bits)
    if min(form.share or outputs, outputs) * inputs < _FILL * words:
        return None
    inner = kernel(
        replace(call, attrs={k: v for k, v in call.attrs.items() if k not in (ATTRIBUTE, dsp.APART)})
    )
    if inner.feature != "dsp":
        return None
    found = encoded(form, _units(weights), OUTPUTS, weights)
    if found is None:
        return None
    padded = found.shape[2] // OUTPUTS
    fields = {
        "codes": table(found.codes, "uint8_t"),
        "book": table(found.books, "int8_t"),
        "scales": table(found.scales, "uint8_t"),
        "ends": table(units_of(inner).ends, "uint32_t"),
        "bits": i32(found.bits),
        "bytes": i32(found.bytes),
        "entries": i32(found.books.shape[1]),
        "share": i32(form.share // OUTPUTS or found.shape[0]),
        "padded": i32(padded),
        "parts": i32(1 if found.scales is None else found.scales.shape[1]),
    }
    layer = {name: inner.fields[name] for name in ("inputs", "outputs", "lo", "hi", "offset")}
    return Kernel(
        f"{inner.function}_lookup",
        layer | {f"lookup.{name}": field for name, field in fields.items()},
        scratch=4 * words + 2 * padded,
        needs=("ec_dsp_layer", "ec_lookup"),
        feature="dsp",
        form=form.name,
        looked_up=True,
    )


def suits(form: Form, weights: int, features: frozenset[str]) -> bool:
    """Whether so many weights in a form are worth a kernel of their own."""
    return form.bits <= _MOST and not form.huffman and weights >= _WORTH and dsp.is_dsp(features)


def _words(bits: int) -> int:
    """Words of a table."""
    return 512 if bits == 2 else 1 << 2 * bits


def _units(weights: np.ndarray) -> np.ndarray:
    """Weights [outputs, inputs] as ec_lookup.h has them: [units, 1, weights of a unit].

    What fills up units and runs is like what is beside it: a book need not hold it.
    """
    outputs, inputs = weights.shape
    full = np.pad(weights, ((0, -outputs % OUTPUTS), (0, -inputs % _RUN)), mode="edge")
    runs = full.reshape(-1, OUTPUTS, full.shape[1] // _RUN, _RUN)[..., _ORDER]
    return runs.transpose(0, 2, 1, 3).reshape(len(runs), 1, -1)
