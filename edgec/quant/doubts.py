"""Doubts about calibration data, from the data alone: too few, too alike, or nothing to be seen in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

ENOUGH = 16
"""Samples from which means and extremes of channels are known well enough to act on."""
_PART = 0.25
"""Part of the samples that must be bad to be spoken of: single ones do no harm among others."""
_CONSTANT = 0.99
"""Part of an image's values that are one number where there is nothing to be seen in it."""
_SATURATED = 0.5
"""Part of an image's values at the extremes of all images where it is saturated."""
_BRIGHT = 1 / 3
"""Part at the upper extreme, of what is not at the lower, that tells saturation from white on black."""
_REAL_USE = "give a few dozen that look like real use"
_SCALING = "check how they were taken, decoded and scaled"


@dataclass(frozen=True)
class Doubt:
    """what: is wrong with the samples. remedy: what to give instead. distinct: samples of which some
    can be left out to see what the others are worth, none where that would show nothing. blank: they hold
    next to nothing, not even a deviation."""

    what: str
    remedy: str
    distinct: tuple[int, ...] = ()
    blank: bool = False


def doubts_of(
    arrays: Mapping[str, np.ndarray], labels: np.ndarray | None = None, classes: Sequence[str] = ()
) -> tuple[Doubt, ...]:
    """What makes samples doubtful: one array per input, [n, ...]; labels: [n, ...], of these samples."""
    count = min((len(a) for a in arrays.values()), default=0)
    if not count:
        return ()
    seen: dict[bytes, int] = {}
    for k in range(count):
        seen.setdefault(b"".join(a[k].tobytes() for a in arrays.values()), k)
    found = []
    if len(seen) == 1:
        what = f"all {count} calibration samples are the same one" if count > 1 else "1 calibration sample"
        found.append(Doubt(what, _REAL_USE))
    elif len(seen) < ENOUGH:
        differ = f", of which {len(seen)} differ" if len(seen) < count else ""
        found.append(Doubt(f"{count} calibration samples{differ}", _REAL_USE, tuple(seen.values())))
    if len(seen) > 1 and labels is not None and (name := _only_class(labels, classes)):
        found.append(Doubt(f"all {count} calibration samples are of one class, {name}", "mix all classes"))
    for array in arrays.values():
        found += _unseen(array) if array.dtype.kind == "f" and array[0].size >= ENOUGH else []
    return tuple(found)


def _only_class(labels: np.ndarray, classes: Sequence[str]) -> str:
    """The class of all samples, empty where there are several."""
    first = labels[0]
    if not (labels == first).all():
        return ""
    if first.ndim == 0 and first.dtype.kind in "iu" and 0 <= first < len(classes):
        return classes[int(first)]
    return str(first)


def _unseen(array: np.ndarray) -> list[Doubt]:
    """Samples that hold one number for each channel, and images that hold little but extremes."""
    count = len(array)
    x, is_image = _channels(array)
    middle = np.median(x, axis=1, keepdims=True)
    constant = (x == middle).mean(axis=(1, 2)) >= _CONSTANT
    found = []
    if constant.mean() >= _PART:
        kind = "images are of one colour" if is_image else "samples hold one number throughout"
        found.append(Doubt(f"{constant.sum()} of {count} calibration {kind}", _SCALING, blank=True))
    if is_image:
        low, high = x.min(axis=(0, 1)), x.max(axis=(0, 1))
        at_low, at_high = ((x == end).mean(axis=(1, 2)) for end in (low, high))
        bad = (at_low + at_high > _SATURATED) & (at_high > _BRIGHT * (1 - at_low)) & ~constant
        if bad.mean() >= _PART:
            what = f"{bad.sum()} of {count} calibration images are mostly black and white pixels, saturated"
            found.append(Doubt(what, _SCALING))
    return found


def _channels(array: np.ndarray) -> tuple[np.ndarray, bool]:
    """[samples, pixels, channels], one channel where none are told apart; whether these are images."""
    if array.ndim == 4 and array.shape[1] in (1, 3):
        array = np.moveaxis(array, 1, 3)
    is_image = array.ndim == 4 and array.shape[3] in (1, 3)
    return array.reshape(len(array), -1, array.shape[3] if is_image else 1), is_image
