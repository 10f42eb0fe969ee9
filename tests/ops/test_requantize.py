"""requantize: kernel against reference for every pair of widths."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from edgec.ir import DType, Quant, TensorType
from edgec.ops.base import Call, registry
from tests.kernels import check_call, lengths, quants


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_kernel(data: st.DataObject) -> None:
    draw = data.draw
    shape = (*draw(st.lists(st.integers(1, 6), max_size=3)), draw(lengths(6)))
    types = [draw(st.sampled_from([DType.I8, DType.I16])) for _ in range(2)]
    formats = [draw(quants) for _ in range(2)]
    x, y = (Quant.of(q.s / 200) if t == DType.I16 else q for t, q in zip(types, formats, strict=True))
    check_call("requantize", [TensorType(shape, types[0], x)], out_quant=y, out_dtype=types[1])


def test_the_reals_stay() -> None:
    x = TensorType((1, 256), DType.I8, Quant.of(0.1, 5))
    y = TensorType((1, 256), DType.I16, Quant.of(0.001))
    q = np.arange(-128, 128, dtype=np.int8)[None]
    out = registry()["requantize"].integer_reference(Call("r", "", {}, (x,), (y,), (None,)), q)
    assert np.array_equal(out, 100 * (q.astype(int) - 5))
