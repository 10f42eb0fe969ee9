"""group_norm: the kernel against the reference, the reference against float."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgec.ir import DType, TensorType
from edgec.ops.base import Call, OpError, registry
from tests.closeness import snr
from tests.kernels import check_call, lengths, quants


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_kernel(data: st.DataObject) -> None:
    draw = data.draw
    groups, depth = draw(st.integers(1, 4)), draw(lengths(9))
    c = groups * depth
    shape = draw(st.sampled_from([(1, 3, 2, c), (2, 2, 3, c), (1, 1, 1, c), (2, 4, c), (2, c)]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    gamma = (rng.normal(1, 0.5, c) * draw(st.sampled_from([1e-3, 1]))).astype(np.float32)
    beta = (rng.normal(0, 1, c) * draw(st.sampled_from([0, 1, 100]))).astype(np.float32)
    n = draw(st.integers(1, 3))
    ins = [TensorType(shape, DType.I8, draw(quants)), TensorType((c,)), TensorType((c,))][:n]
    check_call(
        "group_norm",
        ins,
        {"epsilon": draw(st.sampled_from([0.0, 1e-5])), "groups": groups},
        consts={k: v for k, v in {1: gamma, 2: beta}.items() if k < n},
        out_quant=draw(quants),
        seed=draw(st.integers(0, 99)),
    )


@pytest.mark.parametrize("groups", [1, 8, 32])
def test_close_to_float(groups: int) -> None:
    rng = np.random.default_rng(groups)
    x = (rng.normal(0, 1, (2, 14, 14, 32)) * rng.uniform(0.3, 2, 32) + 0.5).astype(np.float32)
    gamma, beta = (rng.normal(m, 0.3, 32).astype(np.float32) for m in (1, 0))
    consts = {1: (gamma, TensorType((32,)), gamma), 2: (beta, TensorType((32,)), beta)}
    assert snr("group_norm", {0: x}, {"groups": groups, "epsilon": 1e-5}, consts=consts) > 36


def test_groups_must_divide_the_channels() -> None:
    with pytest.raises(OpError):
        x = TensorType((1, 2, 2, 6))
        registry()["group_norm"].infer(Call("g", "", {"groups": 4, "epsilon": 0.0}, (x,), (), (None,)))
