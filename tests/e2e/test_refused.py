"""Graphs that no kernel computes end in one clear error."""

from __future__ import annotations

import pytest

from edgec.diagnostics import Diagnostic
from edgec.ir.parse import parse
from edgec.ops.base import infer_types
from edgec.pipeline import bind

TEXT = """
graph g
input %x: i8[2, 3, 2, 3, 2, 3, 2] q(0.1)
%a = mean(%x) {axes=(0, 2, 4, 6), keepdims=false} : i8 q(0.1) @ pool.first
%b = sum(%x) {axes=(1, 3, 5), keepdims=false} : i8 q(0.1) @ pool.fine
%c = sum(%x) {axes=(0, 2, 4, 6), keepdims=false} : i8 q(0.1) @ pool.second
output %a, %b, %c
"""


def test_all_of_them_are_listed() -> None:
    with pytest.raises(Diagnostic, match="E206") as raised:
        bind(parse(TEXT, infer=infer_types))
    text = raised.value.render()
    assert "pool.first (mean)" in text
    assert "pool.second" in text
    assert "pool.fine" not in text
