"""Weights in fewer than 8 bits: a kernel's table as codes, taken apart in scratch some outputs at a time.

A form (edgec/ops/forms.py) holds an int8 matrix as it is, or leaves it in int8. So a layer has one integer
reference, whatever its form. firmware/kernels/ec_coded.h says what codes are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from edgec.ops import dsp
from edgec.ops.base import Call
from edgec.ops.forms import ATTRIBUTE, LARGEST, OUTPUTS, STEP, Form, form_of
from edgec.ops.kernel import Kernel, i32, table

_TILE = 4096
"""Bytes of weights that are taken apart at a time, unless that would be few outputs,"""
_LEAST = 16
"""namely fewer than these."""
_ROWS = 8
"""Rows of one vector that share them where a kernel is not asked for another number."""
_WEIGHTS = ("weights", "table")
"""What the tile stands for."""


@dataclass(frozen=True)
class _Units:
    """A kernel's table, in units of four outputs: [units, stripes, weights of a stripe].

    ends: uint32 [units, stripes, words] behind the stripes. depth: outputs that take turns in a stripe.
    """

    weights: np.ndarray
    ends: np.ndarray | None
    depth: int


def linear(call: Call, kernel: Callable[[Call], Kernel]) -> Kernel:
    """The kernel for a linear layer: around what `kernel` gives, where the call has a form that holds its
    weights. Rows of one vector come in blocks."""
    if (nibbles := _nibbles(call, kernel)) is not None:
        return nibbles
    x, inputs = call.ins[0], call.ins[1].shape[1]
    vectors = x.row_size // inputs
    rows = min(call.block or _ROWS, x.rows) if vectors == 1 else 1
    made = _coded(call, kernel, rows, several=vectors * rows > 1)
    if made is None:
        return kernel(call)
    room = rows * inputs if rows > 1 else 0
    copies = 0 if room else vectors * inputs
    return replace(
        made, scratch=made.scratch + room, copies=copies, block=rows, together=max(rows * vectors, 1)
    )


def conv2d(call: Call, kernel: Callable[[Call], Kernel]) -> Kernel:
    """The same for a convolution, row by row."""
    return _nibbles(call, kernel) or _coded(call, kernel, 1, several=True) or kernel(call)


def _nibbles(call: Call, kernel: Callable[[Call], Kernel]) -> Kernel | None:
    """The kernel for the DSP extension that computes with int4 as it is stored; None for other forms and
    processors, and where the one for int8 cannot take the layer."""
    form, weights = form_of(call.attrs), call.const(1)
    if form is None or form.bits != 4 or form.group or not dsp.is_dsp(call.features):
        return None
    if call.attrs.get(dsp.APART):  # what is behind its weights is the layer's own
        return None
    if (weights % STEP).any() or np.abs(weights.astype(np.int64)).max(initial=0) > STEP * LARGEST:
        return None
    inner = kernel(replace(call, features=call.features | {"dual"}))
    if inner.feature != "dsp":
        return None
    words = inner.fields["table"].value
    assert isinstance(words, np.ndarray)
    return replace(
        inner,
        function=inner.function.replace("_dsp", "_int4_dsp"),
        fields={**inner.fields, "table": table(dsp.nibbles(words), "uint32_t")},
        needs=dsp.INT4,
        form=form.name,
        cut=None,
    )


def _coded(call: Call, kernel: Callable[[Call], Kernel], rows: int, several: bool) -> Kernel | None:
    """The kernel that takes codes apart for another one; None where the weights have no form that holds them.

    several: whether there are vectors that can be taken two at a time.
    """
    form = form_of(call.attrs)
    if form is None or call.int("groups", 1) > 1:
        return None
    weights = call.const(1).reshape(len(call.const(1)), -1)
    attrs = {k: v for k, v in call.attrs.items() if k not in (ATTRIBUTE, dsp.APART)}
    attrs["block"] = 2 if several and call.block != 1 else 1
    inner = kernel(replace(call, attrs=attrs))
    units = _units(inner)
    found = _entries(form, units, weights)
    if found is None:
        return None
    units, scales, book = found
    packed = _packed(np.searchsorted(book, units.weights), form.bits)
    count, stripes, stripe = units.weights.shape
    words = 0 if units.ends is None else units.ends.shape[2]
    size = stripes * (stripe + 4 * words)
    outputs = min(max(4 if call.block == 1 else _LEAST, _TILE // size * 4), 4 * count)
    room, own = _up(outputs // 4 * size) + 8, _up(inner.scratch + inner.copies)
    full = np.zeros(1 << form.bits, np.int8)
    full[: len(book)] = book
    coded = {
        "codes": table(packed, "uint8_t"),
        "book": table(full, "int8_t"),
        "scales": table(scales, "uint8_t"),
        "ends": table(units.ends, "uint32_t"),
        "bits": i32(form.bits),
        "bytes": i32(packed.shape[1]),
        "stripes": i32(stripes),
        "stripe": i32(stripe),
        "runs": i32(1 if scales is None else scales.shape[1]),
        "words": i32(words),
        "pairs": i32(units.ends is not None),
        "tile": i32(outputs),
        "room": i32(room),
        "inner": i32(own),
        "rows": i32(rows),
    }
    layer = {f"layer.{k}": replace(f, value=None) if k in _WEIGHTS else f for k, f in inner.fields.items()}
    return Kernel(
        f"{inner.function}_coded",
        layer | {f"coded.{k}": f for k, f in coded.items()},
        scratch=_tables(form.bits) + room + own,
        needs=("ec_coded", inner.function, *inner.needs),
        feature=inner.feature,
        together=call.outs[0].row_size // call.outs[0].shape[-1],
        form=form.name,
        decoded=weights.size,
    )


def _entries(
    form: Form, units: _Units, weights: np.ndarray
) -> tuple[_Units, np.ndarray | None, np.ndarray] | None:
    """The units as entries of a book, with the factors that make weights of them, and the book, ascending.

    weights: int8 [outputs, inputs]. None where the form does not hold them.
    """
    if not form.group:
        book = np.unique(units.weights)
        return (units, None, book) if len(book) <= 1 << form.bits else None
    scales, (count, _, stripe), depth = form.factors(weights), units.weights.shape, units.depth
    if scales is None or stripe * len(units.weights[0]) != OUTPUTS * weights.shape[1]:
        return None
    runs = units.weights.reshape(count, OUTPUTS // depth, scales.shape[1], -1)
    entries = (runs // scales[:, None, :, None]).reshape(count, OUTPUTS // depth, -1)
    return replace(units, weights=entries), scales, np.arange(-LARGEST, LARGEST + 1)


def _packed(codes: np.ndarray, bits: int) -> np.ndarray:
    """Codes [units, stripes, weights] as bytes, uint8 [units, bytes]."""
    flat = codes.reshape(len(codes), -1)
    flat = np.pad(flat, ((0, 0), (0, -flat.shape[1] % 8))).astype(np.uint8)
    each = np.unpackbits(flat[:, :, None], axis=2, count=bits, bitorder="little")
    return np.packbits(each.reshape(len(codes), -1), axis=1, bitorder="little")


def _up(size: int) -> int:
    return -(-size // 8) * 8


def _tables(bits: int) -> int:
    """Bytes of scratch that codes are looked up in."""
    return 4 << bits if bits > 4 else 2 << 2 * bits


def _units(kernel: Kernel) -> _Units:
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
        return _Units(both, ends, group)
    weights = fields["weights"].value
    assert isinstance(weights, np.ndarray)
    if weights.ndim == 4 and "packed" in fields:  # [outputs / 4, inputs / depth, 4, depth]
        return _Units(weights.reshape(len(weights), 1, -1).astype(np.int64), None, 4)
    rows = weights.reshape(len(weights), -1).astype(np.int64)
    rows = np.pad(rows, ((0, -len(rows) % 4), (0, 0)))
    return _Units(rows.reshape(-1, 1, 4 * rows.shape[1]), None, 1)
