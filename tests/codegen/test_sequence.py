"""Packed sequences: what goes in comes out, and repetitions cost next to nothing."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TypeVar

from hypothesis import given
from hypothesis import strategies as st

from edgec.codegen.sequence import Packed, compress, decompress

T = TypeVar("T", bound=Hashable)
PARTS = st.lists(
    st.tuples(st.lists(st.integers(0, 5), min_size=1, max_size=6), st.integers(1, 9)), max_size=8
)


def size(packed: Packed[T]) -> int:
    """Bytes as in the generated table."""
    return 4 * len(packed.kinds) + len(packed.order) + 6 * len(packed.stretches)


def pulled(rows: int, layers: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The steps of a chain of convolutions (kernel, stride) whose rows are pulled one by one."""
    heights = [rows]
    for kernel, stride in layers:
        heights.append((heights[-1] + kernel // 2 * 2 - kernel) // stride + 1)
    done = [0] * len(heights)
    steps: list[tuple[int, int]] = []

    def pull(layer: int, upto: int) -> None:
        while done[layer] < upto:
            if layer:
                kernel, stride = layers[layer - 1]
                pull(layer - 1, min(heights[layer - 1], done[layer] * stride - kernel // 2 + kernel))
            steps.append((layer, 1))
            done[layer] += 1

    pull(len(layers), heights[-1])
    return steps


@given(st.lists(st.integers(0, 3), max_size=60))
def test_any_sequence_comes_back(entries: list[int]) -> None:
    assert decompress(compress(entries)) == entries


@given(PARTS)
def test_repetitions_come_back_and_cost_no_more_than_without(parts: list[tuple[list[int], int]]) -> None:
    entries = [x for part, times in parts for x in part * times]
    packed = compress(entries)
    assert decompress(packed) == entries
    assert size(packed) <= 4 * len(set(entries)) + len(entries) + 6


def test_blocks_of_a_transformer() -> None:
    entries = [(13 * block + k, 1) for block in range(12) for _ in range(197) for k in range(13)]
    packed = compress(entries)
    assert decompress(packed) == entries
    assert [s.times for s in packed.stretches] == [197] * 12
    assert size(packed) < 1000


def test_equal_stretches_are_stored_once() -> None:
    packed = compress([*[1, 2, 3] * 50, 9, *[2, 3] * 40, 8, *[1, 2, 3] * 7])
    assert len(packed.order) < 8


def test_rows_of_convolutions() -> None:
    deep = [(3, 2), *[(3, 1), (1, 1)] * 3, *[(1, 1), (3, 2), (1, 1), (1, 1), (3, 1), (1, 1)] * 4]
    steps = pulled(144, deep)
    packed = compress(steps)
    assert decompress(packed) == steps
    assert len(steps) > 700
    assert size(packed) < 700


def test_nothing() -> None:
    assert compress([]) == Packed((), (), ())
