"""Sizes as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgec.diagnostics import Diagnostic
from edgec.sizes import parse_size, show_size


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("320KB", 327680),
        ("1MB", 1048576),
        ("4096", 4096),
        (" 64 kb ", 65536),
        ("1.5KB", 1536),
        ("0.5mb", 524288),
        ("12B", 12),
        ("2KiB", 2048),
        ("+7", 7),
    ],
)
def test_reads(text: str, size: int) -> None:
    assert parse_size(text, "--budget") == size


@pytest.mark.parametrize(
    "text",
    [
        "",
        "lots",
        "0",
        "0KB",
        "-1",
        "-5KB",
        "1e3",
        "KB",
        "3TB",
        "1.3B",
        "0x10",
        "nan",
        "inf",
        "3 2KB",
        "1" * 400,
    ],
)
def test_refuses(text: str) -> None:
    with pytest.raises(Diagnostic) as caught:
        parse_size(text, "--budget")
    assert caught.value.code == "E101"
    assert caught.value.where == "--budget"


def test_beyond_the_board() -> None:
    assert parse_size("320KB", "--budget", 327680) == 327680
    with pytest.raises(Diagnostic, match="more than the board has"):
        parse_size("321KB", "--budget", 327680)


@given(st.integers(1, 2**40))
def test_shown_sizes_read_back(size: int) -> None:
    assert parse_size(show_size(size), "--budget") == size
