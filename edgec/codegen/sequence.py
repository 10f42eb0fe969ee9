"""A long sequence with repetitions as a small table: its distinct entries, their order, what repeats."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

T = TypeVar("T", bound=Hashable)

LONGEST = 1024
"""Entries of the longest stretch that is looked for; what repeats less often is stored as it is."""

STRETCH_COST = 6
"""Bytes of a stretch in the table, an entry of the order being one byte."""


@dataclass(frozen=True)
class Stretch:
    """Entries at .. at+length-1 of the order, `times` times."""

    at: int
    length: int
    times: int


@dataclass(frozen=True)
class Packed(Generic[T]):
    """A sequence: the stretches one after the other; `order` holds numbers of `kinds`."""

    kinds: tuple[T, ...]
    order: tuple[int, ...]
    stretches: tuple[Stretch, ...]


def compress(entries: Sequence[T]) -> Packed[T]:
    """The smallest table of this form that is found: the best cut into repetitions, equal parts stored once.

    Takes time in proportion to len(entries) * LONGEST.
    """
    numbers: dict[T, int] = {}
    text = [numbers.setdefault(e, len(numbers)) for e in entries]
    parts = _cut(np.array(text, np.int64))
    order = _overlay([text[at : at + length] for at, length, _ in parts])
    found = _Finder(order)
    stretches = [Stretch(found.at(text[at : at + length]), length, times) for at, length, times in parts]
    return Packed(tuple(numbers), tuple(order), tuple(stretches))


def decompress(packed: Packed[T]) -> list[T]:
    """The sequence that was compressed."""
    return [packed.kinds[k] for s in packed.stretches for k in packed.order[s.at : s.at + s.length] * s.times]


def _cut(text: np.ndarray) -> list[tuple[int, int, int]]:
    """(start, length, times) of the stretches that cost least, stored one by one.

    From the end to the start: the cheapest way to write what begins at i, either as a repetition of
    each possible length, played as often as it goes, or with one entry more in a stretch played once.
    """
    n = len(text)
    longest = min(LONGEST, n // 2)
    lengths = np.arange(1, longest + 1)
    equal = np.zeros(longest, np.int64)  # entries from i on that equal those `lengths` later
    best = np.zeros(n + 1, np.int64)
    inside = np.zeros(n + 1, np.int64)  # the same where a stretch played once has begun before i
    choice = np.zeros((n, 2), np.int64)
    goes_on = np.zeros(n + 1, bool)
    for i in range(n - 1, -1, -1):
        there = min(longest, n - 1 - i)
        equal[there:] = 0
        same = text[i + 1 : i + 1 + there] == text[i]
        equal[:there] = np.where(same, equal[:there] + 1, 0)
        best[i] = STRETCH_COST + 1 + inside[i + 1]
        times = equal // lengths + 1
        repeated = np.flatnonzero(times > 1)
        if repeated.size:
            cost = STRETCH_COST + lengths[repeated] + best[i + lengths[repeated] * times[repeated]]
            k = int(np.argmin(cost))
            if cost[k] <= best[i]:
                best[i] = cost[k]
                choice[i] = lengths[repeated[k]], times[repeated[k]]
        goes_on[i] = 1 + inside[i + 1] <= best[i]
        inside[i] = min(1 + inside[i + 1], best[i])
    parts: list[tuple[int, int, int]] = []
    start = 0
    while start < n:
        length, played = (int(v) for v in choice[start])
        if not played:
            length, played = 1, 1
            while goes_on[start + length]:
                length += 1
        parts.append((start, length, played))
        start += length * played
    return parts


class _Finder:
    """Where runs of numbers stand in a list."""

    def __init__(self, order: Sequence[int]) -> None:
        self._text = np.array(order, "<u4").tobytes()

    def at(self, part: Sequence[int]) -> int:
        """The index of the first place; -1 where there is none."""
        wanted = np.array(part, "<u4").tobytes()
        at = self._text.find(wanted)
        while at % 4 and at >= 0:
            at = self._text.find(wanted, at + 1)
        return at // 4 if at >= 0 else -1


def _overlay(parts: Sequence[Sequence[int]]) -> list[int]:
    """A short list in which every part stands somewhere: longest first, each over the end where it can."""
    order: list[int] = []
    for part in sorted(parts, key=len, reverse=True):
        if _Finder(order).at(part) >= 0:
            continue
        shared = next(
            k for k in range(min(len(part), len(order)), -1, -1) if order[len(order) - k :] == part[:k]
        )
        order += part[shared:]
    return order
