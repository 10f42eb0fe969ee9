"""Tensor types: shape, element type, layout and quantization."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np


class DType(StrEnum):
    """Element type of a tensor, named as it is printed in the IR text."""

    I8 = "i8"
    U8 = "u8"
    I16 = "i16"
    I32 = "i32"
    I64 = "i64"
    F32 = "f32"
    BOOL = "bool"

    @property
    def numpy(self) -> np.dtype:
        """The numpy dtype that holds it."""
        return np.dtype(_NUMPY[self])

    @property
    def bytes(self) -> int:
        """Bytes of one element."""
        return self.numpy.itemsize

    @property
    def limits(self) -> tuple[int, int]:
        """Smallest and largest value of an integer type."""
        info = np.iinfo(self.numpy)
        return int(info.min), int(info.max)

    @property
    def c_type(self) -> str:
        """The C11 type of one element."""
        return _C[self]


_NUMPY = {
    DType.I8: "int8",
    DType.U8: "uint8",
    DType.I16: "int16",
    DType.I32: "int32",
    DType.I64: "int64",
    DType.F32: "float32",
    DType.BOOL: "bool",
}
_C = {
    DType.I8: "int8_t",
    DType.U8: "uint8_t",
    DType.I16: "int16_t",
    DType.I32: "int32_t",
    DType.I64: "int64_t",
    DType.F32: "float",
    DType.BOOL: "uint8_t",
}


def dtype_of(array: np.ndarray) -> DType:
    """The DType of a numpy array; raises KeyError for a type the IR has not."""
    return {d.numpy: d for d in DType}[array.dtype]


@dataclass(frozen=True)
class Quant:
    """Affine quantization: real = scale * (q - zero_point).

    One scale and zero point for the whole tensor, or one per index of `axis`.
    """

    scale: tuple[float, ...]
    zero_point: tuple[int, ...]
    axis: int | None = None

    @staticmethod
    def of(scale: float, zero_point: int = 0) -> Quant:
        """Per-tensor quantization."""
        return Quant((float(scale),), (int(zero_point),))

    @property
    def s(self) -> float:
        """The scale of a per-tensor quantization."""
        return self.scale[0]

    @property
    def z(self) -> int:
        """The zero point of a per-tensor quantization."""
        return self.zero_point[0]


@dataclass(frozen=True)
class TensorType:
    """What the compiler knows of a tensor before it has values.

    `layout` names the axes, a letter each ("NHWC", "NTC"), or is empty where
    they have no names. The first axis of an activation is the batch.
    """

    shape: tuple[int, ...]
    dtype: DType = DType.F32
    quant: Quant | None = None
    layout: str = ""

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def bytes(self) -> int:
        """Bytes of the whole tensor."""
        return self.size * self.dtype.bytes

    @property
    def rows(self) -> int:
        """Rows, the unit of scheduling: lines of an image map, tokens of a matrix."""
        return self.size // self.row_size if self.size else 0

    @property
    def row_size(self) -> int:
        """Elements of one row: W*C of an [N,H,W,C] map, C of tokens [N,T,C]."""
        return math.prod(self.shape[self.row_axis :])

    @property
    def row_axis(self) -> int:
        """The first axis that lies inside a row."""
        rank = len(self.shape)
        return rank - (2 if rank == 4 else min(rank, 1))

    @property
    def row_bytes(self) -> int:
        """Bytes of one row."""
        return self.row_size * self.dtype.bytes

    @property
    def q(self) -> Quant:
        """The quantization; raises TypeError where there is none."""
        if self.quant is None:
            raise TypeError(f"tensor of {self.dtype} {self.shape} has no quantization")
        return self.quant

    def with_(self, **changes: object) -> TensorType:
        """A copy with some fields changed."""
        return replace(self, **changes)  # type: ignore[arg-type]
