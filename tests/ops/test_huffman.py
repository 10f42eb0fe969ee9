"""Huffman's codes: as short as they can be, and read as they were written."""

from __future__ import annotations

import heapq
from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from edgec.ops.huffman import LONGEST, Huffman, coded, lengths_of


def merged(counts: list[int]) -> int:
    """The bits of all that is counted, in codes of any length: the sum of what Huffman's algorithm merges."""
    heap, total = sorted(counts), 0
    while len(heap) > 1:
        both = heapq.heappop(heap) + heapq.heappop(heap)
        total += both
        heapq.heappush(heap, both)
    return total


def read(found: Huffman, book: int, at: int, count: int) -> tuple[list[int], int]:
    """So many weights from a bit on, and where they end; bit by bit."""
    bits = np.unpackbits(found.codes[::-1])
    weights = []
    for _ in range(count):
        code, first, entry = 0, 0, 0
        for many in found.lengths[book].tolist():
            code, at = 2 * code + int(bits[at]), at + 1
            if code - first < many:
                weights.append(int(found.books[book, entry + code - first]))
                break
            first, entry = 2 * (first + many), entry + many
        else:
            raise AssertionError("no code")
    return weights, at


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 300), min_size=2, max_size=40), st.integers(0, 6))
def test_lengths(counts: list[int], more: int) -> None:
    longest = (len(counts) - 1).bit_length() + more
    found = lengths_of(np.array(counts), longest)
    assert sum(Fraction(1, 2 ** int(n)) for n in found) == 1
    assert found.max() <= longest
    bits = int((found * counts).sum())
    assert bits >= merged(counts) and (more < 6 or bits == merged(counts))
    if more:
        assert bits <= int((lengths_of(np.array(counts), longest - 1) * counts).sum())


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 60), min_size=1, max_size=3), st.floats(0.5, 1), st.integers(0, 99))
def test_what_was_coded_is_read(entries: list[int], falling: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    books = [np.sort(rng.choice(np.arange(-128, 128), n, replace=False)) for n in entries]
    places = []
    for book in books:
        p = falling ** np.arange(len(book))
        some = rng.choice(len(book), 200, p=p / p.sum())
        places.append(np.append(some, np.arange(len(book))))
    found, at = coded(places, books), 0
    for k, (place, book) in enumerate(zip(places, books, strict=True)):
        weights, at = read(found, k, at, place.size)
        assert weights == book[place].tolist()
    assert -(-at // 8) + 3 == len(found.codes) and found.lengths.shape[1] <= LONGEST
