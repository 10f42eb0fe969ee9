"""Huffman's codes of limited length, canonical, as firmware/kernels/ec_huffman.h reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

LONGEST = 10
"""Bits of a code at most: what they are looked up in takes 4 KB then."""
_TWO = 10
"""Bits that are looked up at a time for two codes at most."""
_WITHIN = (1.003, 1.02)
"""Times the bits that codes of any length take: where so few do, codes are no longer. The second one is for
those of which two are then looked up at a time."""
_FREE = 3
"""Bytes in front of the codes."""


@dataclass(frozen=True)
class Huffman:
    """Entries of books in codes.

    codes: uint8. books: int8 [books, entries], shortest codes first, filled up with zeros. lengths: uint8
    [books, longest], entries with codes of 1, 2 .. bits. bits: looked up at a time.
    """

    codes: np.ndarray
    books: np.ndarray
    lengths: np.ndarray
    bits: int

    @property
    def bytes(self) -> int:
        """Bytes of all."""
        return self.codes.size + self.books.size + self.lengths.size


def coded(places: Sequence[np.ndarray], books: Sequence[np.ndarray]) -> Huffman:
    """The codes of places in books, integers of any shape, a book for each of them; all entries are used."""
    counts = [np.bincount(p.ravel(), minlength=len(b)) for p, b in zip(places, books, strict=True)]
    lengths = _chosen(counts)
    longest, width = max(int(x.max()) for x in lengths), max(map(len, books))
    full, many = np.zeros((len(books), width), np.int8), np.zeros((len(books), longest), np.uint8)
    parts = []
    for k, (place, book, length) in enumerate(zip(places, books, lengths, strict=True)):
        order = np.argsort(length, kind="stable")
        full[k, : len(book)] = book[order]
        many[k] = np.bincount(length, minlength=longest + 1)[1:]
        parts.append(_bits(place.ravel(), length, order))
    flat = np.packbits(np.concatenate(parts))
    found = np.append(np.zeros(_FREE, np.uint8), flat[::-1])
    each = places[0].size
    two = 2 * longest <= _TWO and 4**longest <= each
    return Huffman(found, full, many, longest * (1 + two))


def lengths_of(counts: np.ndarray, longest: int) -> np.ndarray:
    """The lengths of codes of no more than so many bits, with the fewest bits for all that is counted.

    By merging packages (Larmore and Hirschberg, Journal of the ACM 37/3, 1990).
    """
    if len(counts) == 1:
        return np.ones(1, np.int64)
    each = np.eye(len(counts), dtype=np.int64)
    alone = [(int(n), each[k]) for k, n in enumerate(counts)]
    alone.sort(key=lambda x: x[0])
    found = alone
    for _ in range(longest - 1):
        pairs = [(a[0] + b[0], a[1] + b[1]) for a, b in zip(found[::2], found[1::2], strict=False)]
        found = sorted(alone + pairs, key=lambda x: x[0])
    total: np.ndarray = np.sum([x[1] for x in found[: 2 * len(counts) - 2]], axis=0)
    return total


def _chosen(counts: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The lengths for every book's counts: as short as they can be at little cost."""
    least = int(max(len(c) - 1 for c in counts)).bit_length() or 1
    found = {n: [lengths_of(c, n) for c in counts] for n in range(least, LONGEST + 1)}
    bits = {n: sum(int((c * x).sum()) for c, x in zip(counts, of, strict=True)) for n, of in found.items()}
    return next(found[n] for n in found if bits[n] <= _WITHIN[2 * n <= _TWO] * bits[LONGEST])


def _bits(places: np.ndarray, length: np.ndarray, order: np.ndarray) -> np.ndarray:
    """The codes of places as bits, uint8. order: of entries with ascending lengths."""
    code, codes, before = 0, np.zeros(len(length), np.int64), 0
    for entry in order.tolist():
        code <<= int(length[entry]) - before
        codes[entry], before = code, int(length[entry])
        code += 1
    sizes, values = length[places], codes[places]
    ends = np.cumsum(sizes)
    bits = np.zeros(int(ends[-1]), np.uint8)
    for k in range(int(length.max())):  # the k-th bit from the end of every code that has it
        some = sizes > k
        bits[ends[some] - 1 - k] = values[some] >> k & 1
    return bits
