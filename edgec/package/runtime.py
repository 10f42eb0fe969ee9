"""Runs a compiled model from its shared library. A copy of this file is in every wheel that edgec makes."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np


class Port(NamedTuple):
    """An input or output. shape: as in the model, batch axis included. real = scale * (q - zero_point).

    perm: where the library has an input in another axis order, library = model.transpose(perm).
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: float | None
    zero_point: int
    perm: tuple[int, ...]

    def quantize(self, real: np.ndarray) -> np.ndarray:
        """Integers for real values: rounded half to even, clipped. ValueError where there is no scale."""
        if self.scale is None:
            raise ValueError(f"{self.name} takes integers only")
        limits = np.iinfo(self.dtype)
        q = np.round(np.asarray(real, np.float64) / self.scale) + self.zero_point
        return np.clip(q, limits.min, limits.max).astype(self.dtype)

    def real(self, q: np.ndarray) -> np.ndarray:
        """Real values of integers, float32; the integers themselves where the port has no scale."""
        if self.scale is None:
            return q
        return ((q.astype(np.float64) - self.zero_point) * self.scale).astype(np.float32)

    def pack(self, x: np.ndarray, k: int) -> bytes:
        """Sample k as the library takes it."""
        return np.ascontiguousarray(x[k : k + 1].reshape(self.shape).transpose(self.perm)).tobytes()

    def unpack(self, raw: Sequence[bytes], at: int) -> np.ndarray:
        """An array [n, ...] of what the library gave for each sample, this output's from byte `at` on.

        Outputs have the model's own axis order.
        """
        size = int(np.prod(self.shape, dtype=np.int64))
        rows = [np.frombuffer(r, self.dtype, size, at).reshape(self.shape) for r in raw]
        return np.concatenate(rows) if self.shape[:1] == (1,) else np.stack(rows)

    @property
    def nbytes(self) -> int:
        """Bytes of one sample."""
        return int(np.prod(self.shape, dtype=np.int64)) * np.dtype(self.dtype).itemsize


class Library:
    """A model in a shared library. Calls from several threads may run at the same time."""

    def __init__(
        self, path: Path, inputs: Sequence[Port], outputs: Sequence[Port], needs: Sequence[str] = ()
    ) -> None:
        """needs: features of the processor, as Linux names them. ImportError where one is missing."""
        self.inputs, self.outputs = tuple(inputs), tuple(outputs)
        missing = set(needs) - _features() if needs else set()
        if missing:
            raise ImportError(f"{path.name} needs a processor with {', '.join(sorted(missing))}")
        library = ctypes.CDLL(str(path))
        library.edgec_context_bytes.restype = ctypes.c_uint32
        library.edgec_threads_start.argtypes = [ctypes.c_int32]
        library.edgec_threads_start.restype = ctypes.c_void_p
        library.edgec_threads_stop.argtypes = [ctypes.c_void_p]
        library.edgec_threads_stop.restype = None
        library.edgec_infer.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_void_p]
        library.edgec_infer.restype = None
        self._library = library

    def run(self, arrays: Sequence[np.ndarray], threads: int = 1) -> tuple[np.ndarray, ...]:
        """The integer outputs [n, ...] for inputs [n, ...].

        Floats are quantized; integers are the model's own quantized input. Raises ValueError for arrays
        that do not fit, RuntimeError where there are no such threads.
        """
        if len(arrays) != len(self.inputs):
            raise ValueError(f"the model has {len(self.inputs)} inputs, not {len(arrays)}")
        fitted = [_fit(np.asarray(x), port) for x, port in zip(arrays, self.inputs, strict=True)]
        if len({len(x) for x in fitted}) != 1:
            raise ValueError("the inputs differ in their number of samples")
        pool = self._library.edgec_threads_start(threads) if threads != 1 else None
        if threads != 1 and not pool:
            raise RuntimeError(f"no {threads} threads to run on")
        try:
            made = self._infer_all(fitted, pool)
        finally:
            if pool:
                self._library.edgec_threads_stop(pool)
        starts = np.cumsum([0, *(port.nbytes for port in self.outputs)])
        return tuple(port.unpack(made, int(at)) for port, at in zip(self.outputs, starts[:-1], strict=True))

    def _infer_all(self, arrays: Sequence[np.ndarray], pool: object) -> list[bytes]:
        """Per sample all outputs, one after the other."""
        context = ctypes.create_string_buffer(self._library.edgec_context_bytes() + 16)
        place = ctypes.addressof(context)
        place += -place % 16
        result = ctypes.create_string_buffer(sum(port.nbytes for port in self.outputs))
        made = []
        for k in range(len(arrays[0])):
            given = b"".join(port.pack(x, k) for x, port in zip(arrays, self.inputs, strict=True))
            self._library.edgec_infer(place, given, result, pool)
            made.append(result.raw)
        return made


def _fit(x: np.ndarray, port: Port) -> np.ndarray:
    """The array in the port's type; its shape is checked."""
    shape = port.shape[1:] if port.shape[:1] == (1,) else port.shape
    if x.ndim != len(shape) + 1 or x.shape[1:] != shape or not len(x):
        need = ", ".join(map(str, ("n", *shape)))
        raise ValueError(f"{port.name} has the shape [{need}], not {list(x.shape)}")
    if x.dtype.kind == "f":
        if not np.isfinite(x).all():
            raise ValueError(f"NaN or infinity among the values of {port.name}")
        return port.quantize(x)
    limits = np.iinfo(port.dtype)
    if x.dtype.kind not in "iu" or x.min() < limits.min or x.max() > limits.max:
        raise ValueError(f"{port.name} takes floats or {port.dtype}, not these {x.dtype}")
    return x.astype(port.dtype)


def _features() -> set[str]:
    """What the processor has, as Linux tells it."""
    text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    lines = [line.partition(":")[2] for line in text.splitlines() if line.startswith("Features")]
    return set(" ".join(lines).split())
