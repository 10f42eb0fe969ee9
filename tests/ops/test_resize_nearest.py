"""resize_nearest: the kernel against the reference."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from edgec.ir import Attr, DType, Quant, TensorType
from tests.kernels import check_call


@settings(max_examples=40, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 2), st.integers(1, 6), st.integers(1, 6), st.integers(1, 5)),
    size=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    half=st.booleans(),
    corners=st.booleans(),
    wide=st.booleans(),
)
def test_kernel(shape: tuple[int, ...], size: tuple[int, int], half: bool, corners: bool, wide: bool) -> None:
    dtype = DType.I16 if wide else DType.I8
    x = TensorType(shape, dtype, Quant.of(0.1, 3))
    attrs: dict[str, Attr] = {"size": size, "half_pixel": half, "align_corners": corners}
    check_call("resize_nearest", [x], attrs, out_dtype=dtype)


def test_doubling_repeats() -> None:
    x = TensorType((1, 2, 3, 1), DType.I8, Quant.of(0.1, 3))
    y = check_call("resize_nearest", [x], {"size": (4, 6)})
    assert (y[:, ::2] == y[:, 1::2]).all()
    assert (y[:, :, ::2] == y[:, :, 1::2]).all()
