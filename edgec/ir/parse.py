"""The text form of a graph: reading it. `edgec.ir.text` describes the form and prints it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from edgec.ir.graph import Attr, Graph
from edgec.ir.text import PATH, WORD, default_node_name
from edgec.ir.types import DType, Quant, TensorType

Infer = Callable[[Graph, str, Sequence[str], Mapping[str, Attr]], Sequence[TensorType]]
"""(graph, op, operand names, attributes) -> result types; raises where operands do not fit."""


class TextError(ValueError):
    """The text is no graph; the message starts with the line number."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(f"line {line}: {message}")
        self.line = line


def parse(text: str, constants: Mapping[str, np.ndarray] | None = None, infer: Infer | None = None) -> Graph:
    """The graph that a text describes.

    constants: digest -> data, for constants printed as a digest. infer: allows result types to be
    left out, or to be given without shape (`i8 q(0.5)`), which then has inferred shape and layout.
    A constant may also be written `zeros` or `random(SEED)`. Raises TextError.
    """
    return _Parser(text, constants or {}, infer).graph()


_T = TypeVar("_T")


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    line: int


@dataclass(frozen=True)
class _Partial:
    """A type as written; the shape is None where it is left out."""

    dtype: DType
    shape: tuple[int, ...] | None
    layout: str
    quant: Quant | None


_TOKENS = re.compile(
    rf"""(?P<blank>[ \t\r]+|\#[^\n]*)
    |(?P<newline>\n)
    |(?P<path>@[ \t]*(?:"(?:[^"\\\n]|\\.)*"|{PATH}))
    |(?P<string>"(?:[^"\\\n]|\\.)*")
    |(?P<digest>sha256:[0-9a-f]+)
    |(?P<elided>\.\.\.)
    |(?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[+-](?:inf|nan)\b)
    |(?P<word>{WORD})
    |(?P<sign>[%:=,()\[\]{{}}])
    |(?P<bad>.)""",
    re.VERBOSE,
)
_CONSTANTS: dict[str, Attr] = {"true": True, "false": False, "none": None}


def _tokens(text: str) -> list[_Token]:
    tokens, line, depth = [], 1, 0
    for m in _TOKENS.finditer(text):
        kind = m.lastgroup or ""
        if kind == "bad":
            raise TextError(line, f"unexpected character {m.group()!r}")
        if kind == "sign":
            depth += (m.group() in "([{") - (m.group() in ")]}")
        if kind != "blank" and not (kind == "newline" and depth > 0):
            tokens.append(_Token(kind, m.group(), line))
        line += kind == "newline"
    return [*tokens, _Token("newline", "\n", line), _Token("end", "end of text", line)]


class _Parser:
    def __init__(self, text: str, constants: Mapping[str, np.ndarray], infer: Infer | None) -> None:
        self.tokens = _tokens(text)
        self.at = 0
        self.constants, self.infer = constants, infer
        self.result = Graph()

    # -- statements -------------------------------------------------------

    def graph(self) -> Graph:
        while self.peek.kind != "end":
            if self.peek.kind == "newline":
                self.at += 1
                continue
            if self.peek.text == "%":
                self.node()
            else:
                self.declaration()
            if self.peek.kind != "newline":
                raise self.error(f"unexpected {self.peek.text!r}")
        return self.result

    def declaration(self) -> None:
        keyword = self.take("word").text
        if keyword == "graph":
            self.result.name = self.name()
            if self.accept("for"):
                self.result.features = frozenset(self.separated(self.name))
        elif keyword == "input":
            name = self.new_value()
            self.sign(":")
            self.result.add_input(name, self.whole_type())
        elif keyword == "const":
            self.constant()
        elif keyword == "output":
            self.result.outputs += self.separated(self.value)
        else:
            raise self.error(f"no statement starts with {keyword!r}", back=1)

    def constant(self) -> None:
        name = self.new_value()
        self.sign(":")
        type = self.whole_type()
        self.sign("=")
        data = self.data(type)
        self.result.add_constant(name, data, type.quant, type.layout)

    def node(self) -> None:
        results = self.separated(self.new_value)
        if len(set(results)) < len(results):
            raise self.error("two results have the same name")
        self.sign("=")
        op = self.name()
        self.sign("(")
        operands = [self.value() for _ in self.items(")")]
        name = self.name() if self.accept("as") else default_node_name(results)
        attrs = self.attributes() if self.peek.text == "{" else {}
        partial = self.separated(self.type) if self.accept(":") else None
        path = ""
        if self.peek.kind == "path":
            path = self.take("path").text[1:].strip()
            path = self.unquoted(path) if path.startswith('"') else path
        types = self.types(op, operands, attrs, partial)
        if len(types) != len(results):
            raise self.error(f"{len(results)} results, but {len(types)} types")
        if self.result.unique_node(name) != name:
            raise self.error(f"node {name} exists already")
        self.result.add(op, operands, types, attrs, path=path, name=name, results=results)

    def types(
        self, op: str, operands: list[str], attrs: dict[str, Attr], given: list[_Partial] | None
    ) -> list[TensorType]:
        whole = [TensorType(g.shape, g.dtype, g.quant, g.layout) for g in given or () if g.shape is not None]
        if given is not None and len(whole) == len(given):
            return whole
        if self.infer is None:
            raise self.error("the type has no shape, and nothing infers it")
        try:
            inferred = list(self.infer(self.result, op, operands, attrs))
        except Exception as err:
            raise self.error(f"{op}: {err}") from err
        if given is None:
            return inferred
        if len(given) != len(inferred):
            raise self.error(f"{op} has {len(inferred)} results, but {len(given)} types are given")
        return [
            TensorType(i.shape if g.shape is None else g.shape, g.dtype, g.quant, g.layout or i.layout)
            for g, i in zip(given, inferred, strict=True)
        ]

    # -- parts ------------------------------------------------------------

    def type(self) -> _Partial:
        word = self.take("word").text
        if word not in set(DType):
            raise self.error(f"no such element type: {word}", back=1)
        shape = None
        if self.accept("["):
            shape = tuple(self.integer() for _ in self.items("]"))
        layout, quant = "", None
        if self.peek.kind == "string" or (self.peek.kind == "word" and self.peek.text != "q"):
            layout = self.name()
        if self.accept("q"):
            quant = self.quant()
        return _Partial(DType(word), shape, layout, quant)

    def whole_type(self) -> TensorType:
        t = self.type()
        if t.shape is None:
            raise self.error("the type needs a shape")
        return TensorType(t.shape, t.dtype, t.quant, t.layout)

    def quant(self) -> Quant:
        self.sign("(")
        lists: list[list[float]] = []
        axis = None
        for _ in self.items(")"):
            if self.accept("axis"):
                self.sign("=")
                axis = self.integer()
            elif self.accept("["):
                lists.append([self.number() for _ in self.items("]")])
            else:
                lists.append([self.number()])
        if not 1 <= len(lists) <= 2:
            raise self.error("q takes scales, zero points and axis=A")
        scale = lists[0]
        zero = lists[1] if len(lists) == 2 else [0] * len(scale)
        if any(z != int(z) for z in zero):
            raise self.error("a zero point is an integer")
        return Quant(tuple(float(s) for s in scale), tuple(int(z) for z in zero), axis)

    def attributes(self) -> dict[str, Attr]:
        attrs: dict[str, Attr] = {}
        self.sign("{")
        for _ in self.items("}"):
            key = self.name()
            if key in attrs:
                raise self.error(f"attribute {key} is given twice")
            self.sign("=")
            attrs[key] = self.attribute()
        return attrs

    def attribute(self) -> Attr:
        if self.accept("("):
            return tuple(self.attribute() for _ in self.items(")"))
        if self.peek.kind == "string":
            return self.unquoted(self.take("string").text)
        if self.peek.kind == "word" and self.peek.text in _CONSTANTS:
            return _CONSTANTS[self.take("word").text]
        return self.number()

    def data(self, type: TensorType) -> np.ndarray:
        token = self.peek
        if token.kind == "digest":
            self.at += 1
            key = token.text.removeprefix("sha256:")
            if key not in self.constants:
                raise self.error(f"the constant {key} is not in the table", back=1)
            data = self.constants[key]
            if data.dtype != type.dtype.numpy or data.shape != type.shape:
                raise self.error(f"the constant {key} is {data.dtype} {data.shape}", back=1)
            return data
        if token.kind == "elided":
            raise self.error("the constant's data were left out when it was printed")
        if self.accept("zeros"):
            return np.zeros(type.shape, type.dtype.numpy)
        if self.accept("random"):
            self.sign("(")
            seed = self.integer()
            self.sign(")")
            return _random(type, seed)
        numbers: list[float | bool] = []
        self.elements(numbers)
        if len(numbers) != type.size:
            raise self.error(f"{len(numbers)} elements for a constant of {type.size}")
        if type.dtype is not DType.F32 and any(isinstance(n, float) for n in numbers):
            raise self.error(f"elements of {type.dtype} are integers")
        try:
            return np.array(numbers, dtype=type.dtype.numpy).reshape(type.shape)
        except (OverflowError, ValueError) as err:
            raise self.error(f"{err}") from err

    def elements(self, out: list[float | bool]) -> None:
        if self.accept("["):
            for _ in self.items("]"):
                self.elements(out)
        elif self.peek.text in ("true", "false"):
            out.append(self.take("word").text == "true")
        else:
            out.append(self.number())

    def number(self) -> int | float:
        if self.peek.text in ("inf", "nan"):
            return float(self.take("word").text)
        text = self.take("number").text
        return int(text) if re.fullmatch(r"[+-]?\d+", text) else float(text)

    def integer(self) -> int:
        x = self.number()
        if not isinstance(x, int):
            raise self.error(f"{x} is not an integer", back=1)
        return x

    def value(self) -> str:
        self.sign("%")
        name = self.name()
        if name not in self.result.values:
            raise self.error(f"no value %{name} so far", back=1)
        return name

    def new_value(self) -> str:
        self.sign("%")
        name = self.name()
        if name in self.result.values:
            raise self.error(f"value %{name} exists already", back=1)
        return name

    def name(self) -> str:
        if self.peek.kind == "string":
            return self.unquoted(self.take("string").text)
        return self.take("word").text

    # -- tokens -----------------------------------------------------------

    @property
    def peek(self) -> _Token:
        return self.tokens[self.at]

    def take(self, kind: str) -> _Token:
        token = self.peek
        if token.kind != kind:
            shown = "end of line" if token.kind == "newline" else repr(token.text)
            raise self.error(f"expected a {kind}, found {shown}")
        self.at += 1
        return token

    def accept(self, text: str) -> bool:
        found = self.peek.kind in ("sign", "word") and self.peek.text == text
        self.at += found
        return found

    def sign(self, text: str) -> None:
        if not self.accept(text):
            shown = "end of line" if self.peek.kind == "newline" else repr(self.peek.text)
            raise self.error(f"expected {text!r}, found {shown}")

    def separated(self, item: Callable[[], _T]) -> list[_T]:
        found = [item()]
        while self.accept(","):
            found.append(item())
        return found

    def items(self, close: str) -> Iterator[None]:
        """Once per item of a list up to `close`, which may follow a comma."""
        while not self.accept(close):
            yield
            if self.accept(close):
                return
            self.sign(",")

    def unquoted(self, text: str) -> str:
        try:
            return str(json.loads(text))
        except json.JSONDecodeError as err:
            raise self.error(f"bad string {text}: {err.msg}") from err

    def error(self, message: str, *, back: int = 0) -> TextError:
        return TextError(self.tokens[max(self.at - back, 0)].line, message)


def _random(type: TensorType, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    if type.dtype is DType.F32:
        return rng.standard_normal(type.shape).astype(np.float32)
    if type.dtype is DType.BOOL:
        return rng.integers(0, 2, type.shape).astype(bool)
    lo, hi = type.dtype.limits
    return rng.integers(lo, hi, type.shape, type.dtype.numpy, endpoint=True)
