"""Flash: constants in fewer bytes where it is short, and where a build is to be small."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from edgec.diagnostics import Diagnostic  # noqa: E402
from edgec.report import files  # noqa: E402

from .conftest import Builder  # noqa: E402

KB = 1024
MODEL = "tests.e2e.models:separable"


def test_a_flash_budget_decides_the_form_of_weights(built: Builder) -> None:
    fast = files.load(built(MODEL, "stm32f746", budget=100 * KB))
    limit = fast["flash"]["total"] - 1
    small = files.load(built(MODEL, "stm32f746", budget=100 * KB, flash_budget=limit))
    assert small["flash"]["weights"] < fast["flash"]["weights"]
    assert small["flash"]["total"] <= limit
    assert small["cycles"] > fast["cycles"]
    assert all(c["passed"] for c in small["checks"])
    with pytest.raises(Diagnostic) as raised:
        built(MODEL, "stm32f746", budget=100 * KB, flash_budget=small["flash"]["total"] - 1)
    assert raised.value.code == "E302"


def test_a_small_build_has_small_tables(built: Builder) -> None:
    plain, memory, speed = (
        files.load(built(MODEL, "stm32f446", optimize=o, verify=False)) for o in (None, "memory", "speed")
    )
    assert plain["flash"]["weights"] == memory["flash"]["weights"] < speed["flash"]["weights"]
