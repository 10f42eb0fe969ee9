"""conv_transpose2d: the kernel against the reference, the reference against torch's definition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from edgec.ir import Attr, DType, Quant, TensorType
from edgec.ops.base import Call, OpError, registry
from tests.closeness import snr
from tests.kernels import check_call, lengths, quants


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_kernel(data: st.DataObject) -> None:
    draw = data.draw
    pair = lambda lo, hi: (draw(st.integers(lo, hi)), draw(st.integers(lo, hi)))  # noqa: E731
    groups, c, o = draw(st.integers(1, 3)), draw(lengths(6)), draw(lengths(5))
    kernel, stride, dilation = pair(1, 4), pair(1, 3), pair(1, 2)
    n, h, w = draw(st.integers(1, 2)), draw(st.integers(1, 5)), draw(st.integers(1, 5))
    attrs: dict[str, Attr] = {
        "stride": stride,
        "dilation": dilation,
        "padding": (*pair(0, 2), *pair(0, 2)),
        "output_padding": pair(0, 2),
        "groups": groups,
        "activation": draw(st.sampled_from(["", "relu", "relu6"])),
    }
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    weights = rng.integers(-127, 128, (o * groups, *kernel, c)).astype(np.int8)
    bias = rng.integers(-4000, 4000, o * groups).astype(np.int32)
    count = draw(st.sampled_from([1, o * groups]))
    scales = tuple(float(np.float32(s)) for s in rng.uniform(0.001, 0.02, count))
    ins = [
        TensorType((n, h, w, c * groups), DType.I8, draw(quants)),
        TensorType(weights.shape, DType.I8, Quant(scales, (0,) * count, 0 if count > 1 else None)),
        TensorType(bias.shape, DType.I32),
    ]
    consts = {1: weights, 2: bias}
    if draw(st.booleans()):
        ins, consts = ins[:2], {1: weights}
    try:
        registry()["conv_transpose2d"].infer(Call("c", "", attrs, tuple(ins), (), (None,) * len(ins)))
    except OpError:
        assume(False)
    check_call(
        "conv_transpose2d", ins, attrs, consts=consts, out_quant=draw(quants), seed=draw(st.integers(0, 99))
    )


@pytest.mark.parametrize("groups", [1, 2])
def test_against_torch(groups: int) -> None:
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    x = rng.normal(0, 1, (2, 5, 4, 6)).astype(np.float32)
    w = rng.normal(0, 1, (6, 4 // groups, 3, 2)).astype(np.float32)  # torch: [C, O/groups, KH, KW]
    b = rng.normal(0, 1, 4).astype(np.float32)
    want = torch.nn.functional.conv_transpose2d(
        torch.tensor(x).permute(0, 3, 1, 2), torch.tensor(w), torch.tensor(b), stride=(2, 3), padding=(1, 0),
        output_padding=(1, 2), groups=groups, dilation=(2, 1),
    ).permute(0, 2, 3, 1)  # fmt: skip
    parts = [p.transpose(1, 2, 3, 0) for p in np.split(w, groups)]  # ours: [O, KH, KW, C/groups]
    attrs: dict[str, Attr] = {
        "stride": (2, 3),
        "padding": (1, 0, 1, 0),
        "output_padding": (1, 2),
        "dilation": (2, 1),
        "groups": groups,
    }
    ours = np.concatenate(parts)
    op, ins = registry()["conv_transpose2d"], tuple(TensorType(v.shape) for v in (x, ours, b))
    call = Call("c", "", attrs, ins, (), (None, ours, b))
    assert op.infer(call)[0].shape == tuple(want.shape)
    assert np.allclose(op.float_reference(call, x, ours, b), want.numpy(), atol=1e-5)


def test_close_to_float() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(0.2, 1, (1, 9, 9, 16)).astype(np.float32)
    w = rng.integers(-127, 128, (8, 3, 3, 16)).astype(np.int8)
    t = TensorType(w.shape, DType.I8, Quant.of(0.002))
    consts = {1: (w, t, (w * np.float32(0.002)).astype(np.float32))}
    attrs: dict[str, Attr] = {"stride": (2, 2), "padding": (1, 1, 1, 1), "output_padding": (1, 1)}
    assert snr("conv_transpose2d", {0: x}, attrs, consts=consts) > 36
