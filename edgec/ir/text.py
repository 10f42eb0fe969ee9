"""The text form of a graph: printing. `edgec.ir.parse` reads it back.

    graph digits
    input %x: i8[1, 8, 8, 1] NHWC q(0.0625, -128)
    const %w: i8[2, 3] q([0.5, 0.25], axis=0) = [[1, 2, 3], [4, 5, 6]]
    %y = conv2d(%x, %w) {stride=(2, 2), activation="relu"} : i8[1, 4, 4, 2] NHWC q(0.1) @ features.0
    %a, %b = split(%y) as halves {axis=3} : i8[1, 4, 4, 1], i8[1, 4, 4, 1] @ "a path with blanks"
    output %a, %b

One statement a line; a line may be broken inside brackets; `#` starts a comment. A type
is dtype[shape], then the layout, then the quantization: q(scale) or q(scale, zero point),
per channel q([scales], [zero points], axis=A) with the zero points left out where all are
zero. `as` names the node where its name is not that of its result (of several results
%n.0, %n.1 it is n), `@` gives its module path where that is not the node's name. Names that
are not words stand in double quotes, as JSON strings. `for` behind the graph's name lists the instruction
sets beyond plain C that its kernels may use.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np

from edgec.ir.graph import Attr, Graph, Node
from edgec.ir.types import Quant, TensorType

WORD = r"[A-Za-z_][\w.]*"
PATH = r"[\w./:\-\[\]]+"
INLINE = 16
"""Constants of so many elements are printed in full."""


def to_text(graph: Graph, constants: Literal["hash", "inline", "elide"] = "hash") -> str:
    """The graph as text, in topological order, ending in a newline.

    constants: what is printed of those with more than INLINE elements. "hash": a digest, which the
    parser looks up in a table such as `constant_table` gives; "inline": all elements; "elide": `...`,
    for reading and comparing only. The first two parse back to an equal graph.
    """
    lines = [f"graph {_name(graph.name)}"]
    if graph.features:
        lines[0] += f" for {', '.join(map(_name, sorted(graph.features)))}"
    lines += [f"input {ref(v)}: {type_text(graph.type(v))}" for v in graph.inputs]
    for name, value in graph.values.items():
        if value.data is not None:
            data = _constant(value.data, constants)
            lines.append(f"const {ref(name)}: {type_text(value.type)} = {data}")
    lines += [_node(graph, node) for node in graph.nodes()]
    if graph.outputs:
        lines.append(f"output {', '.join(map(ref, graph.outputs))}")
    return "\n".join(lines) + "\n"


def constant_table(graph: Graph) -> dict[str, np.ndarray]:
    """Digest -> data of all constants: the side table for the parser."""
    found = (v.data for v in graph.values.values())
    return {digest(data): data for data in found if data is not None}


def digest(data: np.ndarray) -> str:
    """A name for an array's type, shape and contents: 16 hexadecimal digits."""
    head = f"{data.dtype.str}{data.shape}".encode()
    return hashlib.sha256(head + np.ascontiguousarray(data).tobytes()).hexdigest()[:16]


def ref(value: str) -> str:
    """A value's name as an operand."""
    return f"%{_name(value)}"


def type_text(type: TensorType) -> str:
    """A type: dtype[shape], layout, quantization."""
    text = f"{type.dtype}[{', '.join(map(str, type.shape))}]"
    if type.layout:
        plain = re.fullmatch(WORD, type.layout) and type.layout != "q"
        text += f" {type.layout if plain else json.dumps(type.layout)}"
    return text + (f" {_quant(type.quant)}" if type.quant else "")


def default_node_name(results: Sequence[str]) -> str:
    """The name of a node that the text need not give: its result's, or n of n.0, n.1, ..."""
    return results[0] if len(results) == 1 else results[0].removesuffix(".0")


def _node(graph: Graph, node: Node) -> str:
    text = f"{', '.join(map(ref, node.outputs))} = {_name(node.op)}"
    text += f"({', '.join(map(ref, node.inputs))})"
    if node.name != default_node_name(node.outputs):
        text += f" as {_name(node.name)}"
    if node.attrs:
        text += " {" + ", ".join(f"{_name(k)}={_attr(v)}" for k, v in node.attrs.items()) + "}"
    text += f" : {', '.join(map(type_text, graph.out_types(node)))}"
    if node.path != node.name:
        text += f" @ {node.path if re.fullmatch(PATH, node.path) else json.dumps(node.path)}"
    return text


def _name(name: str) -> str:
    return name if re.fullmatch(WORD, name) else json.dumps(name)


def _quant(q: Quant) -> str:
    if q.axis is None and len(q.scale) == len(q.zero_point) == 1:
        return f"q({q.s!r}, {q.z})" if q.z else f"q({q.s!r})"
    parts = [_list(map(repr, q.scale))]
    if any(q.zero_point) or len(q.zero_point) != len(q.scale):
        parts.append(_list(map(str, q.zero_point)))
    if q.axis is not None:
        parts.append(f"axis={q.axis}")
    return f"q({', '.join(parts)})"


def _attr(value: Attr) -> str:
    if isinstance(value, tuple):
        inner = ", ".join(map(_attr, value))
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    if isinstance(value, str):
        return json.dumps(value)
    if value is None or isinstance(value, bool):
        return str(value).lower()
    return repr(value)


def _constant(data: np.ndarray, how: str) -> str:
    if data.size <= INLINE or how == "inline":
        return _nested(data)
    return "..." if how == "elide" else f"sha256:{digest(data)}"


def _nested(data: np.ndarray) -> str:
    if data.size == 0:
        return "[]"
    return _list(map(_nested, data)) if data.ndim else _element(data)


def _element(x: np.ndarray) -> str:
    if x.dtype.kind == "b":
        return str(bool(x)).lower()
    if x.dtype.kind != "f":
        return str(int(x))
    short = str(x[()])
    exact = np.isnan(x) or x.dtype.type(float(short)) == x
    return short if exact else repr(float(x))


def _list(items: Iterable[str]) -> str:
    return f"[{', '.join(items)}]"
