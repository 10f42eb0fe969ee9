"""Which element of a base tensor every element of a view is: composed, simplified, compared.

A view is kept as strides for as long as strides can say it (any mixture of reshape,
transpose, slice, flip and expand that does not split a length unevenly), and as an
index array from there on.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

Atom = tuple[int, int]
"""(size, stride): a loop over the base, in elements."""


@dataclass(frozen=True, eq=False)
class ViewMap:
    """A view of `shape`: each axis is a nest of loops over the base, outermost first.

    Element (i0, .., in) is base element offset + the loops' strides times the digits of
    the i's. Where no loops can say it, `index` holds the base element of each element.
    """

    shape: tuple[int, ...]
    axes: tuple[tuple[Atom, ...], ...]
    offset: int = 0
    index: np.ndarray | None = None

    @staticmethod
    def whole(shape: Sequence[int]) -> ViewMap:
        """The base itself."""
        strides = [math.prod(shape[k + 1 :]) for k in range(len(shape))]
        return ViewMap(tuple(shape), tuple(((n, s),) for n, s in zip(shape, strides, strict=True)))

    @staticmethod
    def of_index(index: np.ndarray) -> ViewMap:
        """The view that an array of base element numbers describes, as loops if there are any."""
        flat = index.reshape(-1)
        atoms: list[Atom] = []
        while flat.size > 1 and (n := _run(flat)) > 1:
            atoms.insert(0, (n, int(flat[1] - flat[0])))
            flat = flat[::n]
        if flat.size == 1:
            view = ViewMap((index.size,), (tuple(atoms),), int(flat[0]))
            return view.reshape(index.shape)
        return _indexed(index)

    @staticmethod
    def strided(shape: Sequence[int], sizes: Sequence[int], strides: Sequence[int], offset: int) -> ViewMap:
        """The view of `shape` whose elements, in order, are those of the given loops."""
        flat = ViewMap((math.prod(sizes),), (tuple(zip(sizes, strides, strict=True)),), offset)
        return flat.reshape(tuple(shape))

    # -- asking -----------------------------------------------------------

    @property
    def size(self) -> int:
        """Number of elements of the view."""
        return math.prod(self.shape)

    def loops(self) -> list[Atom] | None:
        """All loops, outermost first, merged as far as they go; None where there are none."""
        return None if self.index is not None else merged([a for axis in self.axes for a in axis])

    def is_identity(self, base_size: int) -> bool:
        """Whether the view's bytes are the base's bytes, in order."""
        if self.size != base_size:
            return False
        if self.index is not None:
            return bool(np.array_equal(self.index.reshape(-1), np.arange(base_size)))
        return self.offset == 0 and self.loops() in ([], [(base_size, 1)])

    def indices(self) -> np.ndarray:
        """The base element of every element, int32 of `shape`."""
        if self.index is not None:
            return self.index
        flat = np.full(1, self.offset, np.int32)
        for n, s in self.loops() or []:
            flat = (flat[:, None] + np.arange(n, dtype=np.int32) * np.int32(s)).reshape(-1)
        return flat.reshape(self.shape)

    def key(self) -> tuple[object, ...]:
        """Equal for views that read the same elements in the same order, whatever their shape."""
        loops = self.loops()
        if loops is not None:
            return (self.offset, *loops)
        assert self.index is not None
        return (self.index.size, self.index.tobytes())

    # -- composing --------------------------------------------------------

    def reshape(self, shape: Sequence[int]) -> ViewMap:
        """The same elements in the same order under another shape."""
        shape = tuple(shape)
        loops = self.loops()
        axes = None if loops is None else _regroup(loops, shape)
        if axes is None:
            return _indexed(self.indices().reshape(shape))
        return ViewMap(shape, axes, self.offset)

    def transpose(self, perm: Sequence[int]) -> ViewMap:
        """numpy.transpose."""
        if self.index is not None:
            return _indexed(self.index.transpose(perm))
        return ViewMap(tuple(self.shape[p] for p in perm), tuple(self.axes[p] for p in perm), self.offset)

    def take(self, axis: int, indices: Sequence[int] | range) -> ViewMap:
        """numpy.take with a list of indices; a range keeps loops wherever possible."""
        n = len(indices)
        step = indices[1] - indices[0] if n > 1 else 1
        steady = isinstance(indices, range) or all(b - a == step for a, b in pairwise(indices))
        if self.index is None and n and steady:
            cut = _cut(self.axes[axis], indices[0], n, step)
            if cut is not None:
                offset, atoms = cut
                shape = (*self.shape[:axis], n, *self.shape[axis + 1 :])
                axes = (*self.axes[:axis], atoms, *self.axes[axis + 1 :])
                return ViewMap(shape, axes, self.offset + offset)
        return _indexed(np.take(self.indices(), np.array(indices, np.int64), axis))

    def expand(self, shape: Sequence[int]) -> ViewMap:
        """numpy.broadcast_to."""
        if self.index is not None:
            return _indexed(np.broadcast_to(self.index, shape))
        new = len(shape) - len(self.shape)
        old: list[tuple[Atom, ...]] = [()] * new + list(self.axes)
        sizes = [1] * new + list(self.shape)
        axes = tuple(a if n == m else ((m, 0),) for a, n, m in zip(old, sizes, shape, strict=True))
        return ViewMap(tuple(shape), axes, self.offset)


def merged(atoms: Sequence[Atom]) -> list[Atom]:
    """The same nest of loops with as few loops as possible."""
    out: list[Atom] = []
    for n, s in atoms:
        if n == 1:
            continue
        if out and out[-1][1] == n * s:
            out[-1] = (out[-1][0] * n, s)
        else:
            out.append((n, s))
    return out


def _indexed(index: np.ndarray) -> ViewMap:
    return ViewMap(tuple(index.shape), (), 0, np.ascontiguousarray(index, np.int32))


def _regroup(loops: Sequence[Atom], shape: Sequence[int]) -> tuple[tuple[Atom, ...], ...] | None:
    """The loops dealt out to axes of the given sizes; None where a loop would split unevenly."""
    left = list(reversed(loops))
    axes = []
    for size in shape:
        axis: list[Atom] = []
        while size > 1:
            n, s = left.pop()
            if size % n == 0:
                axis.append((n, s))
                size //= n
            elif n % size == 0:
                axis.append((size, s * (n // size)))
                left.append((n // size, s))
                size = 1
            else:
                return None
        axes.append(tuple(axis))
    return tuple(axes)


def _cut(atoms: Sequence[Atom], start: int, n: int, step: int) -> tuple[int, tuple[Atom, ...]] | None:
    """Indices start, start+step, .. (n of them) of a nest of loops: (offset, loops), or None."""
    atoms = merged(atoms)
    if not atoms:
        return 0, ((n, 0),)
    (_, stride), *tail = atoms
    if not tail:
        return start * stride, ((n, stride * step),)
    inner = math.prod(size for size, _ in tail)
    outer = start // inner
    if outer == (start + (n - 1) * step) // inner:
        rest = _cut(tail, start % inner, n, step)
        return None if rest is None else (outer * stride + rest[0], rest[1])
    if step == 1 and start % inner == 0 and n % inner == 0:
        return outer * stride, ((n // inner, stride), *tail)
    if step % inner == 0:
        rest = _cut(tail, start % inner, 1, 1)
        assert rest is not None
        return outer * stride + rest[0], ((n, stride * (step // inner)),)
    return None


def _run(flat: np.ndarray) -> int:
    """The longest n dividing the length such that every n elements go by one and the same step."""
    steps = np.diff(flat.astype(np.int64))
    breaks = np.flatnonzero(steps != steps[0])
    longest = flat.size if len(breaks) == 0 else int(breaks[0]) + 1
    for n in range(longest, 1, -1):
        if flat.size % n == 0:
            inside = np.arange(flat.size - 1) % n != n - 1
            if bool((steps[inside] == steps[0]).all()):
                return n
    return 1
