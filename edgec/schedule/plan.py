"""The plan: in which order rows are computed and where in the arena they lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Window:
    """Where the rows of a value lie: row i at address + (i mod capacity) * pitch.

    address: bytes from the start of the arena. pitch: bytes from row to row.
    capacity: rows that fit; a whole tensor has all its rows.
    slots: of a window that is taken apart, the bytes from `address` to each row, which has its place between
    other tensors; then capacity is how many rows are held together, pitch the bytes from a row to its end.
    """

    address: int
    pitch: int
    capacity: int
    slots: tuple[int, ...] = ()

    @property
    def bytes(self) -> int:
        """Bytes that the window takes; of one that is taken apart, those of the rows it holds together."""
        return self.pitch * self.capacity

    def at(self, row: int) -> int:
        """The address of a row."""
        return self.address + (self.slots[row] if self.slots else row % self.capacity * self.pitch)

    def is_apart(self, other: Window) -> bool:
        """Whether the two share no byte, gaps included."""
        return self.end <= other.address or other.end <= self.address

    @property
    def end(self) -> int:
        """The first byte behind all rows."""
        return self.address + (max(self.slots) + self.pitch if self.slots else self.bytes)


@dataclass(frozen=True)
class Step:
    """Compute output rows first .. last-1 of a node.

    A row may be computed by several steps: one whose window held it too briefly is computed again.
    """

    node: str
    first: int
    last: int


@dataclass(frozen=True)
class Feed:
    """Rows first .. last-1 of a graph input arrive; only in plans for a streamed input.

    Every row of an input is fed once and in order.
    """

    value: str
    first: int
    last: int


@dataclass(frozen=True)
class Plan:
    """A complete schedule. All sizes in bytes, all addresses from the arena's start.

    windows: one per activation value (graph inputs, results, aliases included).
    scratch: node name -> (address, bytes), for nodes whose kernel wants scratch.
    regions: nodes that run under one row loop, in order of execution; their steps follow each other.
    A graph input without a Feed is in its window, whole, before the first step.
    """

    steps: tuple[Step | Feed, ...]
    windows: Mapping[str, Window]
    scratch: Mapping[str, tuple[int, int]]
    arena: int
    lower_bound: int
    optimal: bool
    """Whether `arena` is proven the smallest for this order. (What is not weighed: rows of a
    tensor that its last readers do not read, as a place for other tensors or for scratch.)"""
    regions: tuple[tuple[str, ...], ...] = ()
