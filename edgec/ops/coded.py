"""Weights in fewer bytes: a kernel's table as codes, taken apart in scratch some outputs at a time.

A form (edgec/ops/forms.py) holds an int8 matrix as it is, or leaves it in int8. So a layer has one integer
reference, whatever its form. firmware/kernels/ec_coded.h says what codes are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from edgec.ops import dsp, lookup
from edgec.ops.base import Call
from edgec.ops.codes import Codes, encoded, units_of
from edgec.ops.forms import ATTRIBUTE, LARGEST, OUTPUTS, STEP, form_of
from edgec.ops.kernel import Kernel, i32, table

_TILE = 2048
"""Bytes of weights that are taken apart at a time, or those of four outputs where they are more."""
_LEAST = 16
"""Outputs of which they are at least where the kernel prepares its vectors anew for them."""
_COLUMNS = 8192
"""Bytes of vectors that share them where a kernel is not asked for a block of another size, but so many"""
_FEW, _MORE, _USUAL, _MOST, _SLIM = 8, 12, 16, 32, 4
"""vectors at least, or so many where taking apart is slow, and about so many at most; those of other blocks
at most; and where scratch is to be small."""
_PAIRS = 4
"""Bits up to which two codes are looked up at a time."""
_WEIGHTS = ("weights", "table")
"""What the tile stands for."""


@dataclass(frozen=True)
class _Sharing:
    """vectors: of a row. rows: of a block. together: vectors that share what is taken apart; without the DSP
    extension all of a block do."""

    vectors: int
    rows: int
    together: int


def linear(call: Call, kernel: Callable[[Call], Kernel]) -> Kernel:
    """The kernel for a linear layer: around what `kernel` gives, where the call has a form that holds its
    weights. Rows of one vector come in blocks."""
    x, inputs = call.ins[0], call.ins[1].shape[1]
    vectors = x.row_size // inputs
    most = x.rows if vectors == 1 else 1
    sharing = _sharing(call, vectors, inputs, most)
    made = _nibbles(call, kernel)
    if made is None and sharing.rows * sharing.vectors == 1:
        made = lookup.linear(call, kernel)
    made = made or _coded(call, kernel, sharing)
    if made is None:
        again = _uncoded(call)
        return kernel(call) if again is None else linear(again, kernel)
    if not by_channels(made):
        return made
    room = made.block * inputs if made.block > 1 else 0
    return replace(made, scratch=made.scratch + room, copies=0 if room else vectors * inputs)


def conv2d(call: Call, kernel: Callable[[Call], Kernel]) -> Kernel:
    """The same for a convolution. Narrow rows come in blocks with the DSP extension."""
    y, inputs = call.outs[0], call.ins[1].size // call.ins[1].shape[0]
    if (nibbles := _nibbles(call, kernel)) is not None:
        return nibbles
    for most in (y.rows, 1):
        made = _coded(call, kernel, _sharing(call, y.row_size // y.shape[-1], inputs, most))
        if made is not None and (made.block == 1 or not by_channels(made)):
            return made
    again = _uncoded(call)
    return kernel(call) if again is None else conv2d(again, kernel)


def _uncoded(call: Call) -> Call | None:
    """The call with codes of equal lengths, where its form has others."""
    form = form_of(call.attrs)
    if form is None or not form.huffman:
        return None
    return replace(call, attrs={**call.attrs, ATTRIBUTE: form.plain})


def by_channels(kernel: Kernel) -> bool:
    """Whether it takes weights apart and gives some results of all vectors of a row before the next."""
    return kernel.decoded > 0 and kernel.feature != "dsp"


def _sharing(call: Call, vectors: int, inputs: int, most: int) -> _Sharing:
    """most: rows of a block at most; those of several have to share what is taken apart all of them."""
    form = form_of(call.attrs)
    few = _FEW if form is None or (form.bits <= _PAIRS and not form.group and not form.huffman) else _MORE
    usual = min(max(_COLUMNS // (2 * inputs), few), _USUAL)
    if call.block == 1:
        return _Sharing(vectors, 1, min(vectors, _SLIM))
    rows = min(call.block or -(-usual // vectors), max(_MOST // vectors, 1), most)
    if rows > 1:
        return _Sharing(vectors, rows, rows * vectors)
    passes = -(-vectors // _MOST) if call.block else max(round(vectors / usual), 1)
    return _Sharing(vectors, 1, -(-vectors // passes))


def _nibbles(call: Call, kernel: Callable[[Call], Kernel]) -> Kernel | None:
    """The kernel for the DSP extension that computes with int4 as it is stored; None for other forms and
    processors, and where the one for int8 cannot take the layer."""
    form, weights = form_of(call.attrs), call.const(1)
    if form is None or form.bits != 4 or form.group or form.huffman or not dsp.is_dsp(call.features):
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


def _coded(call: Call, kernel: Callable[[Call], Kernel], sharing: _Sharing) -> Kernel | None:
    """The kernel that takes codes apart for another one; None where weights have no form that holds them."""
    form = form_of(call.attrs)
    if form is None or call.int("groups", 1) > 1:
        return None
    weights = call.const(1).reshape(len(call.const(1)), -1)
    attrs = {k: v for k, v in call.attrs.items() if k not in (ATTRIBUTE, dsp.APART)}
    attrs |= {"block": min(sharing.together, 2), dsp.TOGETHER: sharing.together}
    inner = kernel(replace(call, attrs=attrs))
    units = units_of(inner)
    found = encoded(form, units.weights, units.depth, weights)
    if found is None:
        return None
    count, stripes, stripe = found.shape
    words = 0 if units.ends is None else units.ends.shape[2]
    size = stripes * (stripe + 4 * words)
    least = 4 if call.block == 1 or inner.feature == "dsp" else _LEAST
    outputs = min(max(least, _TILE // size * 4), 4 * count)
    room, own = _up(outputs // 4 * size) + 16, _up(inner.scratch + inner.copies)
    coded = {
        "codes": table(found.codes, "uint8_t"),
        "book": table(found.books, "int8_t"),
        "scales": table(found.scales, "uint8_t"),
        "ends": table(units.ends, "uint32_t"),
        "lengths": table(found.lengths, "uint8_t"),
        "bits": i32(found.bits),
        "bytes": i32(found.bytes),
        "entries": i32(found.books.shape[1]),
        "longest": i32(0 if found.lengths is None else found.lengths.shape[1]),
        "share": i32(form.share // OUTPUTS or count),
        "stripes": i32(stripes),
        "stripe": i32(stripe),
        "runs": i32(1 if found.scales is None else found.scales.shape[1]),
        "words": i32(words),
        "pairs": i32(units.ends is not None),
        "tile": i32(outputs),
        "room": i32(room),
        "inner": i32(own),
        "rows": i32(sharing.rows),
    }
    layer = {f"layer.{k}": replace(f, value=None) if k in _WEIGHTS else f for k, f in inner.fields.items()}
    made = Kernel(
        f"{inner.function}_coded",
        layer | {f"coded.{k}": f for k, f in coded.items()},
        scratch=_tables(found) + room + own,
        needs=("ec_coded", "ec_huffman", inner.function, *inner.needs),
        feature=inner.feature,
        block=sharing.rows,
        form=form.name,
    )
    together = inner.together if inner.feature == "dsp" else sharing.rows * sharing.vectors
    passes = -(-sharing.rows * sharing.vectors // together)
    return replace(made, together=together, decoded=weights.size * passes)


def _up(size: int) -> int:
    return -(-size // 8) * 8


def _tables(codes: Codes) -> int:
    """Bytes of scratch that codes are looked up in."""
    if codes.lengths is not None or codes.bits > _PAIRS:
        return 4 << codes.bits
    return 1024 if codes.bits == 2 else 2 << 2 * codes.bits
