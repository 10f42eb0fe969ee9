"""share_weights: who is marked; and the passes before it leave weights in common that were in common."""

from __future__ import annotations

import numpy as np
import pytest

from edgec.ir import DType, Graph, Quant, TensorType
from edgec.ops.base import add_op, call_of, op_of
from edgec.ops.dsp import APART
from edgec.passes.merge_equal import MergeEqual
from edgec.passes.remove_dead_channels import RemoveDeadChannels
from edgec.passes.share_weights import ShareWeights
from edgec.quant.data import Samples
from edgec.quant.equalize import equalized
from tests.passes.common import graph_of, optimised


def layers(*names: str, form: str = "") -> Graph:
    """Linear layers behind each other, each with the weights that its letter stands for."""
    g, rng = Graph(), np.random.default_rng(0)
    g.features = frozenset({"dsp", "dual"})
    value = g.add_input("x", TensorType((1, 6, 24), DType.I8, Quant.of(0.1, 3)))
    weights = {
        n: g.add_constant(n, 16 * rng.integers(-7, 8, (24, 24)).astype(np.int8), Quant.of(0.01)) for n in "ab"
    }
    for k, name in enumerate(names):
        b = g.add_constant("bias", rng.integers(-999, 999, 24).astype(np.int32))
        attrs = {"form": form} if form and name == "b" else {}
        (value,) = add_op(g, "linear", [value, weights[name], b], attrs, path=f"{k}", name=f"l{k}")
        g.set_type(value, g.type(value).with_(dtype=DType.I8, quant=Quant.of(0.3 + k / 9, k)))
    g.outputs = [value]
    return g


def test_layers_with_common_weights_have_one_table_of_them() -> None:
    g = layers("a", "b", "a", "a")
    changes = ShareWeights().run(g)
    assert changes.figures == {"bytes": 24 * 24, "layers": 3}
    assert changes.made == [("2", "has the weights of 0"), ("3", "has the weights of 0")]
    kernels = [op_of(n).kernel(call_of(g, n)) for n in g]
    assert {k.function for k in kernels} == {"ec_linear_s8_apart_dsp"}, "an image has one kind"
    tables = [k.fields["table"].value for k in kernels]
    assert [np.array_equal(tables[0], t) for t in tables] == [True, False, True, True]
    ends = [k.fields["ends"].value.tobytes() for k in kernels]  # type: ignore[union-attr]
    assert len(set(ends)) == 4 and all(k.cut is None for k in kernels)


def test_layers_with_weights_of_their_own_stay() -> None:
    for g in (layers("a", "b"), layers("a", "b", form="int4")):
        assert ShareWeights().run(g).figures["layers"] == 0
        assert not any(n.attrs.get(APART) for n in g)


def test_forms_of_their_own_stay_as_well() -> None:
    g = layers("a", "b", "a", form="int4")
    ShareWeights().run(g)
    functions = [op_of(n).kernel(call_of(g, n)).function for n in g]
    assert functions == ["ec_linear_s8_apart_dsp", "ec_linear_s8_int4_dsp", "ec_linear_s8_apart_dsp"]


@pytest.mark.parametrize("both", [False, True])
def test_dead_channels_go_from_all_or_none(both: bool) -> None:
    """Channel 1 of %a is constant, that of %b only where `both`."""
    row = "0, 0" if both else "9, -5"
    g = graph_of(f"""
        input %x: i8[1, 2] q(0.1, 3)
        const %v: i8[3, 2] q(0.5) = [[50, 7], [0, 0], [-30, 20]]
        const %u: i8[3, 2] q(0.5) = [[5, 70], [{row}], [30, -20]]
        const %w: i8[4, 3] q(0.5) = [[11, 5, -7], [1, 2, 3], [-4, 5, 6], [70, -8, 9]]
        const %p: i32[3] = [10, 20, 30]
        const %q: i32[4] = [1, 2, 3, 4]
        const %r: i32[4] = [4, 3, 2, 1]
        %a = linear(%x, %v, %p) {{activation=""}} : i8 q(0.9, 1)
        %b = linear(%x, %u, %p) {{activation=""}} : i8 q(0.8, 2)
        %y = linear(%a, %w, %q) {{activation=""}} : i8 q(1.5, 3)
        %z = linear(%b, %w, %r) {{activation=""}} : i8 q(1.7, 4)
        output %y
        output %z
    """)
    made = optimised(g, RemoveDeadChannels(), MergeEqual())
    y, z = (made.producer(v) for v in made.outputs)
    assert y is not None and z is not None and y.inputs[1] == z.inputs[1]
    assert made.type(y.inputs[1]).shape == (4, 2 if both else 3)


def test_equalizing_leaves_common_weights_alone() -> None:
    rng, g = np.random.default_rng(1), Graph()
    value = g.add_input("x", TensorType((1, 6, 8)))
    common = g.add_constant("common", rng.standard_normal((8, 8)).astype(np.float32))
    for k in range(4):
        own = g.add_constant("own", rng.standard_normal((8, 8)).astype(np.float32))
        w = common if k in (0, 3) else own
        (value,) = add_op(g, "linear", [value, w], path=f"{k}", name=f"l{k}")
    g.outputs = [value]
    even = equalized(g, Samples({"x": rng.standard_normal((16, 6, 8)).astype(np.float32)}, "test"))
    assert even is not None
    first, second, third, last = even.nodes()
    assert first.inputs[1] == last.inputs[1] == "common"
    assert second.inputs[1] != g.node("l1").inputs[1] and third.inputs[1] != g.node("l2").inputs[1]
