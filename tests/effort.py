"""What is tested every time, and what is tested besides where EDGEC_SLOW is set."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TypeVar

import pytest

T = TypeVar("T")

SLOW = "EDGEC_SLOW" in os.environ
slow = pytest.mark.skipif(not SLOW, reason="takes minutes: EDGEC_SLOW=1 runs it")


def some(cases: Sequence[T], of: int) -> list[T]:
    """One case of so many; all where EDGEC_SLOW is set."""
    return list(cases if SLOW else cases[::of])
