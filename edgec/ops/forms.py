"""Weight forms: the ways in which the weights of a layer can be stored.

The attribute `form` of a node names one; without it weights are int8.

    int8            a byte each
    int4            4 bits: multiples of 16 from -112 to 112, the channel's scale being chosen for that
    int4/32         4 bits: -7 to 7, times a factor from 1 to 18 for each 32 inputs of four outputs
    codebook4       4 bits: a place in a list of 16 weights; 2 to 6 bits are possible
    codebook4/64    4 bits: a place in a list that 64 outputs share
    int8+huffman    a code: the shorter the more often a weight is there. So for all others

Groups are of 16, 32, 64 or 128.

Every form holds some int8 matrices exactly. That a matrix becomes such a one is decided at quantization
(edgec/quant/forms.py); nothing else changes weights. One that its form does not hold is stored in int8.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edgec.ir import Attr

ATTRIBUTE = "form"
INT8 = "int8"
STEP = 16
"""What weights of int4 are multiples of."""
LARGEST = 7
"""The largest multiple."""
FACTORS = 127 // LARGEST
"""The largest factor of a group."""
OUTPUTS = 4
"""Outputs that share the factors of their groups."""
GROUPS = (16, 32, 64, 128)
"""Inputs that share a factor, outputs that share a codebook."""
HUFFMAN = "+huffman"
"""What ends the names of forms whose codes are Huffman's."""
_NAME = re.compile(r"(?:int4|codebook([2-6]))(?:/(\d+))?")


@dataclass(frozen=True)
class Form:
    """One of them, other than int8. bits: of a weight. group: inputs that share a factor, 0 without factors.
    book: whether weights may be any few. share: outputs that share these, 0 for all. huffman: whether codes
    are of unequal lengths, bits on the average at most; what weights there may be is the same."""

    name: str
    bits: int
    group: int = 0
    book: bool = False
    share: int = 0
    huffman: bool = False

    @property
    def plain(self) -> str:
        """The form that has codes of equal lengths."""
        return self.name.removesuffix(HUFFMAN)

    @property
    def learns(self) -> bool:
        """Whether its weights have entries or scales that can be learned."""
        return not self.is_exact and (self.book or not self.group)

    @property
    def is_exact(self) -> bool:
        """Whether it holds every int8 matrix."""
        return self.plain == INT8

    @staticmethod
    def parse(name: str) -> Form | None:
        """The form of that name, None for int8. Raises ValueError for any other name."""
        if name == INT8:
            return None
        if name == INT8 + HUFFMAN:
            return Form(name, 8, book=True, huffman=True)
        found = _NAME.fullmatch(name.removesuffix(HUFFMAN))
        if found is None or (found[2] is not None and int(found[2]) not in GROUPS):
            raise ValueError(f"{name} is no form of weights")
        size = int(found[2] or 0)
        huffman = name.endswith(HUFFMAN)
        if found[1] is not None:
            return Form(name, int(found[1]), book=True, share=size, huffman=huffman)
        return Form(name, 4, size, huffman=huffman)

    def factors(self, weights: np.ndarray) -> np.ndarray | None:
        """The factors of int8 weights [outputs, inputs] as they are: uint8 [outputs / 4, groups].

        None where groups do not come out even, or a group has no such factor.
        """
        outputs, inputs = weights.shape
        if not self.group or inputs % self.group:
            return None
        full = np.pad(weights.astype(np.int64), ((0, -outputs % OUTPUTS), (0, 0)))
        runs = full.reshape(-1, OUTPUTS, inputs // self.group, self.group)
        common = np.maximum(np.gcd.reduce(np.gcd.reduce(runs, axis=3), axis=1), 1)
        if (np.abs(runs).max(axis=(1, 3)) > LARGEST * common).any():
            return None
        return common.astype(np.uint8)


def form_of(attrs: Mapping[str, Attr]) -> Form | None:
    """The form that a node's attributes name."""
    name = attrs.get(ATTRIBUTE, INT8)
    assert isinstance(name, str)
    return Form.parse(name)
