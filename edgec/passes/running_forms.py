"""What a running op is made of, whichever op it stands for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np

from edgec.ir import Attr, TensorType
from edgec.ops.kernel import Field


@dataclass(frozen=True, eq=False)
class Form:
    """A running op over the value x, and what `last_row` makes of its end: `tables` and a clamp.

    axis: that of the weights which may have scales of its own.
    """

    op: str
    x: str
    result: TensorType
    attrs: Mapping[str, Attr] = field(default_factory=dict)
    weights: np.ndarray | None = None
    axis: int = 1
    tables: Mapping[str, np.ndarray] = field(default_factory=dict)
    limits: Mapping[str, Attr] = field(default_factory=dict)


def number(fields: Mapping[str, Field], name: str) -> int:
    """An integer that the node's own kernel is given."""
    return cast(int, fields[name].value)


def limits_of(fields: Mapping[str, Field]) -> dict[str, Attr]:
    """The clamp of the node's own kernel."""
    return {"lo": number(fields, "lo"), "hi": number(fields, "hi")}


def tables_of(fields: Mapping[str, Field], offset: str, *others: str) -> dict[str, np.ndarray]:
    """What the node's own kernel is given, as int32 constants."""
    values: Sequence[Any] = [fields[name].value for name in (offset, *others)]
    arrays = [np.atleast_1d(np.asarray(v, np.int32)) for v in values]
    return dict(zip(("offset", *others), arrays, strict=True))
