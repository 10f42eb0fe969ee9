"""Weights in fewer than 8 bits: less flash as linked, every byte equal to the reference."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from edgec.diagnostics import Diagnostic  # noqa: E402
from edgec.options import BuildOptions  # noqa: E402
from edgec.report import files  # noqa: E402

from .conftest import Builder  # noqa: E402

KB = 1024


@pytest.mark.parametrize("form", ["int4", "codebook3/16"])
@pytest.mark.parametrize("model", ["tiny_vit", "separable"])
def test_weights_take_less_flash(built: Builder, model: str, form: str) -> None:
    path = f"tests.e2e.models:{model}"
    plain = files.load(built(path, "stm32f746", budget=100 * KB))
    made = files.load(built(path, "stm32f746", budget=100 * KB, weights=form))
    assert all(c["passed"] for c in made["checks"])
    saved = layers = 0
    for x, y in zip(plain["layers"], made["layers"], strict=True):
        if y.get("weights", {}).get("form") == form:
            assert x["weights"]["form"] == "int8"
            saved, layers = saved + x["weights"]["bytes"] - y["weights"]["bytes"], layers + 1
    assert saved > 0
    parameters = 16 * layers
    assert abs(plain["flash"]["weights"] - made["flash"]["weights"] - saved) < 64 + parameters, "as linked"


def test_a_form_that_there_is_not() -> None:
    with pytest.raises(Diagnostic) as raised:
        BuildOptions("m", "stm32f746", None, weights="int3")  # type: ignore[arg-type]
    assert raised.value.code == "E101" and "int3" in str(raised.value)
