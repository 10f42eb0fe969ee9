"""The C function that computes a call, with what its parameters hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Field:
    """One member of a kernel's parameter struct: a scalar, or a pointer to constant data.

    `value` is an int for a scalar; an array for a `const c_type *` (None is NULL).
    Arrays go to the library's weights.c, equal ones once. by_row: every result row reads a part of the
    array that no other row reads.
    """

    c_type: str
    value: int | np.ndarray | None
    is_pointer: bool = False
    by_row: bool = False


def i32(value: int | np.integer[Any]) -> Field:
    """An int32_t member."""
    return Field("int32_t", int(value))


def table(array: np.ndarray | None, c_type: str, *, by_row: bool = False) -> Field:
    """A member `const c_type *` that points to the array's elements, in C order."""
    return Field(c_type, array, is_pointer=True, by_row=by_row)


@dataclass(frozen=True)
class Cut:
    """How a kernel's constants can come in parts, for each block of its rows (`Kernel.block`).

    table: the field of the constants, whose first axis has an entry for every `group` results of a row, and
    results: the field that counts these. function: the kernel for it, FN.c and FN.h, with two functions:

        void FN_load(const PARAMS *p, const ec_window *in, int32_t first, int32_t last, void *scratch);
        void FN(const PARAMS *p, const ec_part *part, const ec_window *out,
                int32_t first, int32_t last, const void *scratch);

    The first one reads the rows of a block, which may then be written over, the second computes the results
    of a part. Parts begin at multiples of 4 results. Scratch and the parameters are the kernel's own.
    """

    function: str
    table: str
    results: str
    group: int


@dataclass(frozen=True)
class Kernel:
    """The C function that computes a call, and the parameters it is given.

    Every kernel has one signature (firmware/kernels/edgec.h):

        void FN(const FN_params *p, const ec_window *in, const ec_window *out,
                int32_t first, int32_t last, void *scratch);

    It computes output rows first .. last-1. `in` has one window per activation
    operand, in operand order. The source is firmware/kernels/FN.c with FN.h,
    which declares FN_params with exactly the members of `fields`, in that order.

    A kernel with block > 1 takes the rows of a step in blocks of so many, counted from the step's first
    row; the last block may be shorter. It makes one pass over its constants for each. It may read all operand
    rows of a block early, has read or copied all of them before it writes the block's first result
    row, and may then write the block's rows in any order: the schedule keeps them in slots of their own.
    Scratch is sized for a whole block. With the attribute block (`Call.block`) the kernel is asked for
    blocks of so many rows; one that cannot share its constants between rows answers with a block of 1.
    Asked for 1, it takes as little scratch as it can, and more time if it has to.
    """

    function: str
    fields: Mapping[str, Field]
    scratch: int = 0
    """Bytes of scratch, 8-byte aligned; their contents need not survive the call."""
    copies: int = 0
    """Further bytes of scratch, behind those, wanted only where a result row lies over operand rows that
    it needs itself (`Op.overwrites`)."""
    at_once: bool = False
    """Every call begins with work over a whole operand: all result rows are best computed in one call."""
    needs: tuple[str, ...] = ()
    """Further kernel files (stems) that the source includes or calls."""
    feature: str = ""
    """The instruction set that it is written for, of `Target.features`; "" for plain C."""
    block: int = 1
    """Rows that it computes in one pass over its constants, where one step has so many; without the
    attribute block what suits it."""
    cut: Cut | None = None
    """How its constants can come in parts, None where they cannot."""
    together: int = 1
    """Vectors (pixels, tokens) that it computes in one pass over its constants, be they of one row or not."""
    form: str = ""
    """How its weights are stored (edgec/ops/forms.py), where that is not as they are used;"""
    decoded: int = 0
    """the weights that it then takes apart in each pass over its constants;"""
    looked_up: bool = False
    """or whether it looks them up as they are stored."""
