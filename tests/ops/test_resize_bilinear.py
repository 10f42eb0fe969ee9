"""resize_bilinear: the kernel against the reference, the reference against float."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgec.ir import DType, Quant, TensorType
from edgec.ops.base import Call, OpError, registry
from tests.closeness import quant_for, snr
from tests.kernels import check_call, lengths, quants

MODES = [{}, {"half_pixel": True}, {"align_corners": True}]


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_kernel(data: st.DataObject) -> None:
    draw = data.draw
    shape = (*(draw(st.integers(1, n)) for n in (2, 6, 6)), draw(lengths(4)))
    size = (draw(st.integers(1, 9)), draw(st.integers(1, 9)))
    x = TensorType(shape, DType.I8, draw(quants))
    check_call(
        "resize_bilinear", [x], {"size": size, **draw(st.sampled_from(MODES))}, seed=draw(st.integers(0, 99))
    )


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", [(14, 21), (5, 3), (7, 7)])
def test_close_to_float(mode: dict[str, bool], size: tuple[int, int]) -> None:
    x = np.random.default_rng(0).uniform(-1, 1, (1, 7, 7, 16)).astype(np.float32)
    assert snr("resize_bilinear", {0: x}, {"size": size, **mode}, out_quant=quant_for(x)) > 36


@pytest.mark.parametrize("mode", MODES)
def test_the_same_size_changes_nothing(mode: dict[str, bool]) -> None:
    x = np.arange(-98, 98).reshape(1, 14, 14, 1).astype(np.int8)
    t = TensorType(x.shape, DType.I8, Quant.of(1))
    assert np.array_equal(check_call("resize_bilinear", [t], {"size": (14, 14), **mode}, values={0: x}), x)


def test_positions_beyond_the_last_pixel_take_the_last_pixel() -> None:
    """Where the rounded step is too large, positions run over the end."""
    x = np.arange(42, dtype=np.int8).reshape(1, 42, 1, 1)
    got = check_call(
        "resize_bilinear", [TensorType(x.shape, DType.I8, Quant.of(1))], {"size": (4000, 1)}, values={0: x}
    )
    assert got[0, -1, 0, 0] == 41


def test_modes_exclude_each_other() -> None:
    with pytest.raises(OpError):
        attrs = {"size": (2, 2), "half_pixel": True, "align_corners": True}
        registry()["resize_bilinear"].infer(Call("r", "", attrs, (TensorType((1, 4, 4, 1)),), (), (None,)))
