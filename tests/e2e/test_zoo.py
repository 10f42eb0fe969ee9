"""Every model of the zoo through every stage: bytes as the integer reference, close to float."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

from edgec.report import files
from tests.effort import some
from tests.zoo import MODELS

from .conftest import Builder


@pytest.mark.parametrize("name", some(list(MODELS), 2))
def test_zoo_model_is_proved(name: str, built: Builder) -> None:
    report = files.load(built(f"tests.e2e.zoo:{name}", "stm32f746"))
    assert {c["name"] for c in report["checks"]} >= {"plan", "bytes", "stack", "arena", "memory"}
    assert all(c["passed"] for c in report["checks"])
    assert report["accuracy"]["cosine"] >= 0.98
