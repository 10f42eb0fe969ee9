"""Toy ops for all scheduling tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.schedule.toys import toy_registry


@pytest.fixture(autouse=True, scope="module")
def _toys() -> Iterator[None]:
    with toy_registry():
        yield
