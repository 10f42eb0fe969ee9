"""Weights as codes for the entries of books: how kernels for coded weights have them.

firmware/kernels/ec_coded.h says what codes are.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from edgec.ops import huffman
from edgec.ops.forms import OUTPUTS, Form
from edgec.ops.kernel import Kernel

_APART = 76
"""Bytes of parameters of a kernel that takes weights apart, beyond those of the one for int8."""


@dataclass(frozen=True)
class Units:
    """A kernel's table, in units of four outputs: [units, stripes, weights of a stripe].

    ends: uint32 [units, stripes, words] behind the stripes. depth: outputs that take turns in a stripe.
    """

    weights: np.ndarray
    ends: np.ndarray | None
    depth: int


def units_of(kernel: Kernel) -> Units:
    """The table of a kernel taken apart."""
    fields = kernel.fields
    if "table" in fields:
        words = fields["table"].value
        assert isinstance(words, np.ndarray)
        group = 2 if "ec_dsp_products_dual" in kernel.needs else 4
        words = np.pad(words, ((0, -len(words) % (4 // group)), (0, 0)))
        halves = np.ascontiguousarray(words[:, : -2 * group]).view(np.int16).astype(np.int64)
        low = (halves + 128) % 256 - 128
        both = np.stack([low, (halves - low) >> 8], axis=2).reshape(-1, 4 // group, 2 * halves.shape[1])
        ends = np.ascontiguousarray(words[:, -2 * group :]).reshape(len(both), 4 // group, -1)
        return Units(both, ends, group)
    weights = fields["weights"].value
    assert isinstance(weights, np.ndarray)
    if weights.ndim == 4 and "packed" in fields:  # [outputs / 4, inputs / depth, 4, depth]
        return Units(weights.reshape(len(weights), 1, -1).astype(np.int64), None, 4)
    rows = weights.reshape(len(weights), -1).astype(np.int64)
    rows = np.pad(rows, ((0, -len(rows) % 4), (0, 0)))
    return Units(rows.reshape(-1, 1, 4 * rows.shape[1]), None, 1)


@dataclass(frozen=True)
class _Bytes:
    """An int8 array that can be remembered."""

    data: bytes
    shape: tuple[int, ...]

    @staticmethod
    def of(array: np.ndarray) -> _Bytes:
        return _Bytes(array.astype(np.int8).tobytes(), array.shape)

    @property
    def array(self) -> np.ndarray:
        return np.frombuffer(self.data, np.int8).reshape(self.shape).astype(np.int64)


@dataclass(frozen=True)
class Codes:
    """What firmware/kernels/ec_coded.h has of the same names. shape: of codes, [units, stripes, weights]."""

    shape: tuple[int, int, int]
    codes: np.ndarray
    books: np.ndarray
    scales: np.ndarray | None
    lengths: np.ndarray | None
    bits: int
    bytes: int


def encoded(form: Form, units: np.ndarray, depth: int, whole: np.ndarray) -> Codes | None:
    """The weights of `Units`, depth its own, in codes.

    whole: weights [outputs, inputs]. None where the form does not hold them, or takes no fewer bytes than the
    one with codes of equal lengths.
    """
    return _encoded(form, _Bytes.of(units), depth, _Bytes.of(whole))


@lru_cache(maxsize=512)  # a schedule asks for the same kernel in many blocks
def _encoded(form: Form, units: _Bytes, depth: int, whole: _Bytes) -> Codes | None:
    entries, scales = units.array, None
    if form.group:
        scales, (count, _, stripe) = form.factors(whole.array), entries.shape
        if scales is None or stripe * len(entries[0]) != OUTPUTS * whole.shape[1]:
            return None
        runs = entries.reshape(count, OUTPUTS // depth, scales.shape[1], -1)
        entries = (runs // scales[:, None, :, None]).reshape(count, OUTPUTS // depth, -1)
    share = form.share // OUTPUTS or len(entries)
    parts = [entries[k : k + share] for k in range(0, len(entries), share)]
    books = [np.unique(part) for part in parts]
    if max(map(len, books)) > 1 << form.bits:
        return None
    places = [np.searchsorted(b, part) for b, part in zip(books, parts, strict=True)]
    if form.huffman:
        found = huffman.coded(places, books)
        more = -_APART if form.is_exact else len(books) << form.bits
        if found.bytes >= entries.size * form.bits // 8 + more:
            return None
        first = len(found.codes) - 4
        return Codes(entries.shape, found.codes, found.books, scales, found.lengths, found.bits, first)
    full = np.zeros((len(books), 1 << form.bits), np.int8)
    for row, book in zip(full, books, strict=True):
        row[: len(book)] = book
    packed = _packed(np.concatenate(places), form.bits)
    beyond = np.append(packed, np.zeros(form.bits, np.uint8))
    return Codes(entries.shape, beyond, full, scales, None, form.bits, packed.shape[1])


def _packed(codes: np.ndarray, bits: int) -> np.ndarray:
    """Codes [units, stripes, weights] as bytes, uint8 [units, bytes]."""
    flat = codes.reshape(len(codes), -1)
    flat = np.pad(flat, ((0, 0), (0, -flat.shape[1] % 8))).astype(np.uint8)
    each = np.unpackbits(flat[:, :, None], axis=2, count=bits, bitorder="little")
    return np.packbits(each.reshape(len(codes), -1), axis=1, bitorder="little")
