"""What is found once and holds wherever the same comes again, in any graph."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import lru_cache
from itertools import count
from typing import Generic, TypeVar

Found = TypeVar("Found")

_NUMBERED = 20_000
_numbers = count()


@lru_cache(maxsize=_NUMBERED)
def number(what: Hashable) -> int:
    """Equal for what is equal, and short."""
    return next(_numbers)


class Recall(Generic[Found]):
    """Remembers what was found. most: how much, in what `weigh` says of each; beyond, all is forgotten."""

    def __init__(self, most: int, weigh: Callable[[Found], int] = lambda found: 1) -> None:
        self._most, self._weigh = most, weigh
        self._known: dict[Hashable, Found] = {}
        self._weight = 0

    def __call__(self, key: Hashable, find: Callable[[], Found]) -> Found:
        """What `find` gives, or gave for an equal key."""
        if key not in self._known:
            found = find()
            weight = self._weigh(found)
            if self._weight + weight > self._most:
                self._known.clear()
                self._weight = 0
            self._known[key] = found
            self._weight += weight
            return found
        return self._known[key]
