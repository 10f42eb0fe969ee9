"""How linear layers and convolutions hand their weights to the kernels for Arm's DSP extension.

firmware/kernels/ec_dsp_layer.h says what the tables hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from edgec.ops.base import Call
from edgec.ops.fixed import requantize
from edgec.ops.kernel import Cut, Field, Kernel, i32, table

PRODUCTS = ("ec_dsp_products", "ec_dsp_products_dual")
"""Kernel files that define the same functions: an image has one of them."""
TAPS = ("ec_dsp_taps", "ec_dsp_taps_dual", "ec_dsp_dense_taps", "ec_dsp_dense_taps_dual")
"""The same for depthwise convolutions: two with weights of 16 bits, two with weights of 8."""
INT4 = ("ec_dsp_layer", "ec_dsp_int4")
"""Kernel files for weights of int4."""
SHARED = ("ec_dsp_apart_products", "ec_dsp_apart_products_dual")
"""As PRODUCTS, for weights that several layers have in common."""
APART = "apart"
"""The attribute of nodes whose weights others have, too: tables of weights hold nothing else."""
TOGETHER = "together"
"""The attribute for how many vectors a kernel shall compute in one pass over its weights."""
DENSE = "dense"
"""Among features: constants are to take few bytes, also where that takes more cycles."""
ADDRESS = 8
"""Bytes of an address in scratch, which also has to do where the library runs on the build's host."""
_SUM = 1 << 23
"""What sums for the upper output of a pair have to stay below: 256 times them is known modulo 2**32 only."""
_DOUBLED = 1 << 30
"""What every sum has to stay below, bias included, for its double to fit 32 bits."""
_BIAS = 1 << 23
"""What biases have to stay below: they share a word with their shift."""
_RIGHT = 22
"""The largest right shift behind which zero points of 8 bits still fit in front of it."""
_ENDS = 2
"""Words of an output behind its group's weights."""
_BEYOND = 2
"""Words behind a table of weights that the kernels may read."""
_ORDER = (0, 2, 1, 3)
"""The inputs of each four in the order of their halfwords."""


def is_dsp(features: frozenset[str]) -> bool:
    """Whether kernels for the DSP extension are the best there are."""
    return "dsp" in features and "mve" not in features


def densest(features: frozenset[str]) -> frozenset[str]:
    """The features with DENSE, where that makes a difference."""
    return features | {DENSE} if is_dsp(features) else features


def padded(inputs: int) -> int:
    """Inputs with what fills them up to whole words."""
    return -(-inputs // 4) * 4


def files(features: frozenset[str]) -> tuple[str, ...]:
    """The kernel files with the products of linear layers and convolutions."""
    return ("ec_dsp_layer", PRODUCTS["dual" in features])


def taps_files(features: frozenset[str]) -> tuple[str, ...]:
    """The kernel file with the products of depthwise convolutions."""
    return (TAPS[2 * (DENSE in features) + ("dual" in features)],)


def shared(kernel: Kernel, call: Call) -> Kernel:
    """A kernel with the table of `product_fields`; where other layers have its weights, too, the one that has
    them in a table of their own."""
    if not call.attrs.get(APART):
        return kernel
    words, group = kernel.fields["table"].value, _group(call.features)
    assert isinstance(words, np.ndarray)
    weights, ends = np.split(words, [-_ENDS * group], axis=1)
    weights = np.concatenate([weights.ravel(), np.zeros(_BEYOND, np.uint32)])
    tables = {"table": table(weights, "uint32_t"), "ends": table(ends, "uint32_t")}
    return replace(
        kernel,
        function=kernel.function.replace("_dsp", "_apart_dsp"),
        fields={**kernel.fields, **tables},
        needs=("ec_dsp_layer", SHARED["dual" in call.features]),
        cut=None,
    )


def product_fields(
    features: frozenset[str],
    weights: np.ndarray,
    bias: np.ndarray,
    multipliers: tuple[np.ndarray, np.ndarray],
    zero: int,
    limits: tuple[int, int],
) -> Mapping[str, Field] | None:
    """The members lo, hi, offset and table of a kernel's parameters.

    weights: int8 [outputs, inputs]. bias: int32 [outputs], the input's zero point folded in. multipliers: as
    `quantize_multipliers` gives them. None where the arithmetic of these kernels is not exact for such
    numbers: sums too large, factors of 0.5 and above, or weights of -128 beside negative ones.
    """
    most = 128 * np.abs(weights.astype(np.int64)).sum(axis=1)
    finish, halves = _finish(most, bias, multipliers), _halves(weights)
    if finish is None or halves is None or (most[::2] >= _SUM).any():
        return None
    group = _group(features)
    groups = -(-len(weights) // group)
    halves = np.pad(halves, ((0, groups * group // 2 - len(halves)), (0, 0)))
    finish = np.pad(finish, ((0, groups * group - len(finish)), (0, 0)))
    pairs = halves.view(np.uint32).reshape(groups, group // 2, -1)
    words = pairs.transpose(0, 2, 1).reshape(groups, -1)
    return {
        "lo": i32(limits[0]),
        "hi": i32(limits[1]),
        "offset": i32(2 * zero + 1),
        "table": table(
            np.concatenate([words, finish.reshape(groups, -1).view(np.uint32)], axis=1), "uint32_t"
        ),
    }


def cut(features: frozenset[str], function: str, results: str) -> Cut:
    """How the table of `product_fields` is cut. results: the kernel's field for the number of outputs."""
    return Cut(function, "table", results, _group(features))


def _group(features: frozenset[str]) -> int:
    """Outputs that a part of a table is for."""
    return 2 if "dual" in features else 4


def nibbles(words: np.ndarray) -> np.ndarray:
    """The table of `product_fields` for two outputs in a group as that of firmware/kernels/ec_dsp_int4.h.

    Weights are multiples of 16 from -112 to 112.
    """
    count, ends = len(words), 4
    halves = np.ascontiguousarray(words[:, :-ends]).view(np.int16).reshape(count, -1, 4)[:, :, _ORDER]
    lower = (halves.astype(np.int64) + 128) % 256 - 128
    both = ((halves - lower >> 8) + lower // 16).astype(np.int8)
    packed = np.ascontiguousarray(both.reshape(count, -1)).view(np.uint32)
    return np.concatenate([packed, words[:, -ends:]], axis=1)


def depthwise_fields(
    features: frozenset[str],
    weights: np.ndarray,
    bias: np.ndarray,
    multipliers: tuple[np.ndarray, np.ndarray],
    zero: int,
    limits: tuple[int, int],
) -> Mapping[str, Field] | None:
    """The same for depthwise kernels. weights: int8 [kernel_h, kernel_w, channels].

    None, besides, where there are fewer than 4 channels.
    """
    taps = weights.reshape(-1, weights.shape[2]).astype(np.int64)
    finish = _finish(128 * np.abs(taps).sum(axis=0), bias, multipliers)
    if finish is None or len(bias) < 4:
        return None
    first = np.minimum(np.arange(0, len(bias), 4), len(bias) - 4)
    channels = (first[:, None] + np.arange(4)).ravel()
    fours, finish = taps.T[channels].reshape(-1, 4, len(taps)), finish[channels]
    words = _bytes(fours) if DENSE in features else _halfwords(fours)
    finish = np.ascontiguousarray(finish.reshape(-1, 4, 2).transpose(0, 2, 1)).reshape(len(words), -1)
    return {
        "lo": i32(limits[0]),
        "hi": i32(limits[1]),
        "offset": i32(2 * zero + 1),
        "table": table(np.concatenate([words, finish.view(np.uint32)], axis=1), "uint32_t"),
    }


def _halfwords(fours: np.ndarray) -> np.ndarray:
    """Weights of four channels, [fours, 4, taps], as the words of a table, [fours, words]."""
    pairs, odd = np.split(fours, [fours.shape[2] // 2 * 2], axis=2)
    halves = pairs.reshape(len(fours), 4, -1, 2).transpose(0, 2, 1, 3).reshape(len(fours), -1)
    halves = np.concatenate([halves, odd[:, _ORDER].reshape(len(fours), -1)], axis=1)
    return np.ascontiguousarray(halves.astype(np.int16)).view(np.uint32)


def _bytes(fours: np.ndarray) -> np.ndarray:
    """The same for a dense table."""
    pairs, odd = np.split(fours, [fours.shape[2] // 2 * 2], axis=2)
    some = pairs.reshape(len(fours), 2, 2, -1, 2).transpose(0, 3, 1, 4, 2).reshape(len(fours), -1)
    some = np.concatenate([some, odd.reshape(len(fours), -1)], axis=1)
    return np.ascontiguousarray(some.astype(np.int8)).view(np.uint32)


def _finish(
    most: np.ndarray, bias: np.ndarray, multipliers: tuple[np.ndarray, np.ndarray]
) -> np.ndarray | None:
    """int32 [outputs, 2]: the bias times 256 plus ec_finish's shift (ec_dsp_requant.h), and its mantissa.

    most: what a sum of products is at most, without the bias. None where sums or biases are too large, or
    factors 0.5 and above. An output that is the same whatever the input gets numbers that lead there.
    """
    mantissa, shift, b = (x.astype(np.int64) for x in (*multipliers, bias))
    right = np.where(mantissa == 0, 1, -shift)
    result = np.clip(requantize(b, mantissa, shift), -(1 << 16), 1 << 16)
    reach = most + np.abs(b)
    same = (most == 0) | ((reach >> np.clip(right - 1, 0, 40)) == 0)
    large = (reach >= _DOUBLED) | (np.abs(b) >= _BIAS)
    if (~same & (large | (right < 1) | (right > _RIGHT))).any():
        return None
    right, mantissa = np.where(same, 1, right), np.where(same, 0, mantissa)
    mantissa = np.where(most == 0, 1 << 30, mantissa)  # times 8 * result, it gives twice the result
    b = np.where(most == 0, 4 * result, np.where(same, 0, b))
    return np.stack([256 * b + right - 1, mantissa], axis=1).astype(np.int32)


def _halves(weights: np.ndarray) -> np.ndarray | None:
    """int16 [pairs of outputs, inputs] in the order of the table; None where one does not hold its pair."""
    outputs, inputs = weights.shape
    filled = np.pad(weights.astype(np.int64), ((0, outputs % 2), (0, padded(inputs) - inputs)))
    halves = 256 * filled[::2] + filled[1::2]
    if halves.min(initial=0) < -(1 << 15):
        return None
    ordered = halves.reshape(len(halves), -1, 4)[:, :, _ORDER].astype(np.int16)
    return np.ascontiguousarray(ordered.reshape(len(halves), -1))
