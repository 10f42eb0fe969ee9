"""Operands that are read through strides: where their vectors lie, in elements and in rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgec.ir import TensorType


@dataclass(frozen=True)
class StridedView:
    """Vectors of `run` neighbouring elements of a tensor, one per index.

    The vector (i, j, ..) starts at element offset + i * strides[0] + j * strides[1] ..;
    the indices run up to `extents`.
    """

    type: TensorType
    offset: int
    strides: tuple[int, ...]
    extents: tuple[int, ...]
    run: int = 1

    def starts(self) -> np.ndarray:
        """The first element of every vector, of shape `extents`."""
        at = np.full(self.extents, self.offset, np.int64)
        for axis, (stride, extent) in enumerate(zip(self.strides, self.extents, strict=True)):
            shape = [1] * len(self.extents)
            shape[axis] = extent
            at += (np.arange(extent) * stride).reshape(shape)
        return at

    def gather(self, x: np.ndarray) -> np.ndarray:
        """All vectors, of shape (*extents, run)."""
        return x.reshape(-1)[self.starts()[..., None] + np.arange(self.run)]

    @property
    def in_rows(self) -> bool:
        """Whether rows and columns of the strides add up without carry: no vector leaves its row."""
        parts = self._row_parts()
        farthest = parts[1] + sum(c * (n - 1) for c, n in zip(parts[3::2], self.extents, strict=True))
        return bool(farthest + self.run <= self.type.row_size)

    def parts(self) -> np.ndarray:
        """int32 (row, column) of the offset and of every stride, as kernels take them.

        Where a vector would leave its row, the tensor must be whole: then all is in columns.
        """
        parts = self._row_parts()
        if not self.in_rows:
            parts = [v for stride in (self.offset, *self.strides) for v in (0, stride)]
        return np.array(parts, np.int32)

    def first_rows(self) -> np.ndarray:
        """The row in which every vector starts; 0 where the tensor must be whole."""
        starts = self.starts() // max(self.type.row_size, 1)
        return starts if self.in_rows else np.zeros_like(starts)

    def last_rows(self) -> np.ndarray:
        """The row in which every vector ends; the last one where the tensor must be whole."""
        first = self.first_rows()
        return first if self.in_rows else np.full_like(first, self.type.rows - 1)

    def _row_parts(self) -> list[int]:
        return [v for s in (self.offset, *self.strides) for v in divmod(s, max(self.type.row_size, 1))]
