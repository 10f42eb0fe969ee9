"""What the front ends share: operands, emission of ops, views, channels-last.

A front end has its own kind of constant arrays, which it holds in `Const`; how they are
viewed and how they get into the graph is what its builder adds.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from edgec.diagnostics import Diagnostic
from edgec.ir import DType, Graph
from edgec.ops.base import OpError, add_op

MASKED = -1e4
"""What minus infinity becomes in a mask: exp of it is zero in float32, and it stays finite in sums."""


LARGEST = 1 << 28
"""Elements a tensor may have; more is a damaged file or a mistake."""


class Unsupported(Exception):
    """A foreign op, used this way, has no form in edgec; the message says why."""


@dataclass(frozen=True)
class Act:
    """A tensor computed at run time: a value of the graph."""

    name: str
    shape: tuple[int, ...]
    dtype: DType = DType.F32


@dataclass(frozen=True, eq=False)
class Const:
    """A tensor known at import: `origin` is the parameter or node it comes from."""

    data: Any
    origin: str

    @property
    def shape(self) -> tuple[int, ...]:
        """Its shape."""
        return tuple(self.data.shape)


Operand = Act | Const
Converter = Callable[..., Any]


class BaseBuilder(ABC):
    """Adds ops to a graph; views of constants are computed, views that change nothing vanish."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.path = ""
        self.label = ""
        self._to_last: dict[str, Act] = {}

    # -- constants ----------------------------------------------------------

    @abstractmethod
    def materialize(self, x: Const) -> str:
        """The graph's constant for a tensor, float32; a shared weight becomes one constant.

        Raises Diagnostic E204 where it is not finite.
        """

    @abstractmethod
    def scalar(self, value: float) -> Const:
        """A one-element constant."""

    @abstractmethod
    def reshaped(self, x: Const, shape: tuple[int, ...]) -> Const:
        """The constant under another shape."""

    @abstractmethod
    def transposed(self, x: Const, perm: tuple[int, ...]) -> Const:
        """The constant with its axes permuted."""

    @abstractmethod
    def taken(self, x: Const, axis: int, indices: tuple[int, ...]) -> Const:
        """The constant's elements of one axis by index."""

    @abstractmethod
    def expanded(self, x: Const, shape: tuple[int, ...]) -> Const:
        """The constant broadcast to a shape."""

    def constant(self, data: Any, origin: str = "") -> Const:
        """A constant made here."""
        return Const(data, origin or self.label)

    # -- emission -----------------------------------------------------------

    def emit(self, op: str, operands: Sequence[Operand], attrs: Mapping[str, Any] | None = None) -> Act:
        """Add an op with one result. Raises Diagnostic E206 where operands do not fit."""
        for x in operands:
            if isinstance(x, Act) and x.dtype != DType.F32 and op not in _VIEWS:
                raise Unsupported(f"computes with {x.dtype} values")
        if op in _BROADCASTING and any(x.shape == () for x in operands):  # a number does not add an axis
            operands = [self.reshape(x, ()) if x.shape == (1,) else x for x in operands]
        try:
            name = self._add(op, operands, attrs)
        except OpError as e:
            shapes = [x.shape for x in operands]
            full = np.broadcast_shapes(*shapes) if op in _BROADCASTING else None
            if full is None or all(s == full for s in shapes):
                raise Diagnostic("E206", f"{op}: {e}", where=self.path or self.label) from e
            # More repeated axes than the op has loops for: repeat the operands themselves.
            return self.emit(op, [self.expand(x, full) for x in operands], attrs)
        type = self.graph.type(name)
        if type.size > LARGEST:
            raise Unsupported(f"a result of {type.size} elements")
        return Act(name, type.shape, type.dtype)

    def _add(self, op: str, operands: Sequence[Operand], attrs: Mapping[str, Any] | None) -> str:
        names = [x.name if isinstance(x, Act) else self.materialize(x) for x in operands]
        label = op if op in _VIEWS else self.label or op
        (name,) = add_op(self.graph, op, names, attrs, path=self.path, name=label)
        return name

    # -- views --------------------------------------------------------------

    def reshape(self, x: Operand, shape: Sequence[int]) -> Any:
        """x under another shape; -1 is inferred."""
        shape = tuple(int(d) for d in shape)
        if -1 in shape:
            known = -math.prod(shape)
            shape = tuple(math.prod(x.shape) // known if d == -1 else d for d in shape)
        if shape == x.shape:
            return x
        if isinstance(x, Const):
            return self.reshaped(x, shape)
        return self.emit("reshape", [x], {"shape": shape})

    def transpose(self, x: Operand, perm: Sequence[int]) -> Any:
        """x with its axes permuted: result axis i is axis perm[i] of x."""
        perm = tuple(int(p) % len(x.shape) for p in perm)
        if perm == tuple(range(len(x.shape))):
            return x
        if isinstance(x, Const):
            return self.transposed(x, perm)
        return self.emit("transpose", [x], {"perm": perm})

    def slice(self, x: Operand, axis: int, start: int, stop: int, step: int = 1) -> Any:
        """Elements start, start+step, .. below stop of one axis; bounds clamp as Python's do."""
        axis %= len(x.shape)
        start, stop, step = slice(start, stop, step).indices(x.shape[axis])
        if (start, stop, step) == (0, x.shape[axis], 1):
            return x
        if step < 0 and stop < start:
            return self.take(x, axis, range(start, stop, step))
        if isinstance(x, Const):
            index = [slice(None)] * len(x.shape)
            index[axis] = slice(start, stop, step)
            return self.constant(x.data[tuple(index)], x.origin)
        if stop <= start:
            raise Unsupported("an empty slice")
        starts, stops, steps = [0] * len(x.shape), list(x.shape), [1] * len(x.shape)
        starts[axis], stops[axis], steps[axis] = start, stop, step
        return self.emit(
            "slice", [x], {"starts": tuple(starts), "stops": tuple(stops), "steps": tuple(steps)}
        )

    def take(self, x: Operand, axis: int, indices: Sequence[int]) -> Any:
        """Elements of one axis by index; negative indices count from the end."""
        axis %= len(x.shape)
        size = x.shape[axis]
        picked = tuple(int(i) + size if i < 0 else int(i) for i in indices)
        if not picked:
            raise Unsupported("an empty selection")
        if min(picked) < 0 or max(picked) >= size:
            raise Unsupported(f"an index beyond an axis of {size}")
        steps = {b - a for a, b in pairwise(picked)} or {1}
        if len(steps) == 1 and (step := next(iter(steps))) > 0:
            return self.slice(x, axis, picked[0], picked[-1] + 1, step)
        if isinstance(x, Const):
            return self.taken(x, axis, picked)
        return self.emit("take", [x], {"axis": axis, "indices": picked})

    def expand(self, x: Operand, shape: Sequence[int]) -> Any:
        """x repeated along its axes of size one, new axes in front."""
        shape = tuple(int(d) for d in shape)
        lead = len(shape) - len(x.shape)
        full = tuple(x.shape[k - lead] if d == -1 else d for k, d in enumerate(shape))
        if isinstance(x, Const):
            return self.expanded(x, full)
        if lead:
            x = self.reshape(x, (1,) * lead + x.shape)
        return x if x.shape == full else self.emit("expand", [x], {"shape": full})

    def concat(self, xs: Sequence[Operand], axis: int) -> Any:
        """xs one after the other along an axis."""
        axis %= len(xs[0].shape)
        return xs[0] if len(xs) == 1 else self.emit("concat", list(xs), {"axis": axis})

    def pad(self, x: Operand, pads: Sequence[tuple[int, int]], value: float = 0.0) -> Any:
        """x with constants around it: (before, after) per axis; negative amounts crop."""
        for axis, (before, after) in enumerate(pads):
            if before < 0 or after < 0:
                x = self.slice(x, axis, max(-before, 0), x.shape[axis] - max(-after, 0))
        pads = tuple((max(b, 0), max(a, 0)) for b, a in pads)
        if not any(b or a for b, a in pads):
            return x
        return self.emit("pad", [x], {"pads": pads, "value": float(value)})

    # -- channels-last ------------------------------------------------------

    def channels_last(self, x: Operand, spatial: int, compute: Callable[[Any], Act]) -> Any:
        """Apply `compute`, which maps [N,H,W,C] to [N,H,W,C], to x with its channels first.

        x is [N,C,H,W] or [N,C,L] (as an image of width one), or the same without N.
        """
        if len(x.shape) == spatial + 1:
            y = self.channels_last(self.reshape(x, (1, *x.shape)), spatial, compute)
            return self.reshape(y, y.shape[1:])
        if len(x.shape) != spatial + 2 or spatial > 2:
            raise Unsupported(f"{spatial} spatial dimensions")
        return self.channels_first(compute(self.to_last(x)), len(x.shape))

    def to_last(self, x: Operand) -> Operand:
        """[N,C,H,W], [N,C,L] or [N,C] as [N,H,W,C]; remembered, so that it is emitted once."""
        key = x.name if isinstance(x, Act) else ""
        if key not in self._to_last:
            rank = len(x.shape)
            y = self.transpose(x, (0, *range(2, rank), 1))
            if rank != 4:
                y = self.reshape(y, (x.shape[0], *x.shape[2:], *(1,) * (4 - rank), x.shape[1]))
            if not key:
                return y
            self._to_last[key] = y
        return self._to_last[key]

    def channels_first(self, x: Act, rank: int) -> Act:
        """The way back from `to_last`, to a tensor of that rank."""
        n, h, w, c = x.shape
        shape = {4: x.shape, 3: (n, h * w, c), 2: (n, h * w * c)}[rank]
        flat = self.reshape(x, shape)
        y: Act = self.transpose(flat, (0, rank - 1, *range(1, rank - 1)))
        self._to_last[y.name] = x
        return y


_BROADCASTING = {"add", "sub", "mul", "div", "maximum", "minimum"}
_VIEWS = {"reshape", "transpose", "slice", "take", "expand"}
