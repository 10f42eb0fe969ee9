"""What an op declares: everything the compiler knows of it, in one class in one file."""

from __future__ import annotations

import builtins
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np

from edgec.ir import Attr, DType, Graph, Node, Quant, TensorType


class OpError(Exception):
    """An op cannot be built from these operands; the message says what is wrong with them."""


@dataclass(frozen=True)
class Call:
    """One use of an op: its attributes, and the types and constants around it."""

    name: str
    path: str
    attrs: Mapping[str, Attr]
    ins: tuple[TensorType, ...]
    outs: tuple[TensorType, ...]
    consts: tuple[np.ndarray | None, ...]
    """Per operand: the data of a constant, None for an activation."""
    features: frozenset[str] = frozenset()
    """What the kernel may use beyond plain C: of `Graph.features` those that the attribute family names, all
    without it."""

    @property
    def plain(self) -> Call:
        """The same for a processor of which nothing is known: its kernel is plain C."""
        return replace(self, features=frozenset())

    @property
    def block(self) -> int:
        """Rows that the schedule wants computed in one pass over the constants: the attribute block; 0 where
        it leaves this to the kernel. See `Kernel`."""
        return self.int("block", 0)

    @property
    def activations(self) -> tuple[int, ...]:
        """Indices of the operands that are computed at run time."""
        return tuple(k for k, c in enumerate(self.consts) if c is None)

    def const(self, k: int) -> np.ndarray:
        """The constant operand k; raises OpError where it is an activation or missing."""
        data = self.consts[k] if k < len(self.consts) else None
        if data is None:
            raise OpError(f"operand {k} must be a constant")
        return data

    def has(self, k: int) -> bool:
        """Whether operand k is there."""
        return k < len(self.ins)

    def int(self, key: str, default: int | None = None) -> int:
        """An integer attribute."""
        value = self.attrs.get(key, default)
        assert isinstance(value, int), f"{self.name}: attribute {key} is {value!r}, not an integer"
        return value

    def float(self, key: str, default: float | None = None) -> float:
        """A float attribute."""
        value = self.attrs.get(key, default)
        assert isinstance(value, int | float), f"{self.name}: attribute {key} is {value!r}"
        return float(value)

    def str(self, key: str, default: str | None = None) -> str:
        """A string attribute."""
        value = self.attrs.get(key, default)
        assert isinstance(value, str), f"{self.name}: attribute {key} is {value!r}"
        return value

    def ints(
        self, key: builtins.str, default: tuple[builtins.int, ...] | None = None
    ) -> tuple[builtins.int, ...]:
        """A tuple-of-integers attribute."""
        value = self.attrs.get(key, default)
        assert isinstance(value, tuple), f"{self.name}: attribute {key} is {value!r}"
        return tuple(int(v) for v in value)  # type: ignore[arg-type]


def call_of(graph: Graph, node: Node) -> Call:
    """The call that a node makes. Of the graph's features it has those that its attribute family names."""
    family = node.attrs.get("family")
    return Call(
        node.name,
        node.path,
        node.attrs,
        tuple(graph.in_types(node)),
        tuple(graph.out_types(node)),
        tuple(graph.data(v) for v in node.inputs),
        graph.features if not isinstance(family, tuple) else graph.features & {str(f) for f in family},
    )


# -- rows -----------------------------------------------------------------


@dataclass(frozen=True)
class Rows:
    """The rows of one operand that each output row needs: first[i] .. last[i], both included.

    Nothing is needed where first[i] > last[i]. Both arrays have one entry per output row.
    """

    first: np.ndarray
    last: np.ndarray

    @staticmethod
    def same(n_out: int) -> Rows:
        """Row i needs row i."""
        i = np.arange(n_out)
        return Rows(i, i)

    @staticmethod
    def all(n_out: int, n_in: int) -> Rows:
        """Every row needs all rows."""
        return Rows(np.zeros(n_out, int), np.full(n_out, n_in - 1))

    @staticmethod
    def sliding(n_out: int, n_in: int, *, stride: int, pad: int, extent: int) -> Rows:
        """Row i needs rows i*stride-pad .. i*stride-pad+extent-1, those that exist."""
        first = np.arange(n_out) * stride - pad
        return Rows(np.maximum(first, 0), np.minimum(first + extent - 1, n_in - 1))

    @staticmethod
    def broadcast(n_out: int, n_in: int) -> Rows:
        """Row i needs row i, or the only row there is."""
        return Rows.same(n_out) if n_in == n_out else Rows.all(n_out, n_in)


# -- kernels --------------------------------------------------------------


@dataclass(frozen=True)
class Field:
    """One member of a kernel's parameter struct: a scalar, or a pointer to constant data.

    `value` is an int for a scalar; an array for a `const c_type *` (None is NULL).
    Arrays go to the library's weights.c, equal ones once. by_row: every result row reads a part of the
    array that no other row reads.
    """

    c_type: str
    value: int | np.ndarray | None
    is_pointer: bool = False
    by_row: bool = False


def i32(value: int | np.integer[Any]) -> Field:
    """An int32_t member."""
    return Field("int32_t", int(value))


def table(array: np.ndarray | None, c_type: str, *, by_row: bool = False) -> Field:
    """A member `const c_type *` that points to the array's elements, in C order."""
    return Field(c_type, array, is_pointer=True, by_row=by_row)


@dataclass(frozen=True)
class Kernel:
    """The C function that computes a call, and the parameters it is given.

    Every kernel has one signature (firmware/kernels/edgec.h):

        void FN(const FN_params *p, const ec_window *in, const ec_window *out,
                int32_t first, int32_t last, void *scratch);

    It computes output rows first .. last-1. `in` has one window per activation
    operand, in operand order. The source is firmware/kernels/FN.c with FN.h,
    which declares FN_params with exactly the members of `fields`, in that order.

    A kernel with block > 1 takes the rows of a step in blocks of so many, counted from the step's first
    row; the last block may be shorter. It makes one pass over its constants for each. It may read all operand
    rows of a block early, has read or copied all of them before it writes the block's first result
    row, and may then write the block's rows in any order: the schedule keeps them in slots of their own.
    Scratch is sized for a whole block. With the attribute block (`Call.block`) the kernel is asked for
    blocks of so many rows; one that cannot share its constants between rows answers with a block of 1.
    Asked for 1, it takes as little scratch as it can, and more time if it has to.
    """

    function: str
    fields: Mapping[str, Field]
    scratch: int = 0
    """Bytes of scratch, 8-byte aligned; their contents need not survive the call."""
    copies: int = 0
    """Further bytes of scratch, behind those, wanted only where a result row lies over operand rows that
    it needs itself (`Op.overwrites`)."""
    at_once: bool = False
    """Every call begins with work over a whole operand: all result rows are best computed in one call."""
    needs: tuple[str, ...] = ()
    """Further kernel files (stems) that the source includes or calls."""
    feature: str = ""
    """The instruction set that it is written for, of `Target.features`; "" for plain C."""
    block: int = 1
    """Rows that it computes in one pass over its constants, where one step has so many; without the
    attribute block what suits it."""
    together: int = 1
    """Vectors (pixels, tokens) that it computes in one pass over its constants, be they of one row or not."""
    form: str = ""
    """How its weights are stored (edgec/ops/forms.py), where that is not as they are used;"""
    decoded: int = 0
    """the weights that it then takes apart in each pass over its constants."""


# -- quantization ---------------------------------------------------------


@dataclass(frozen=True)
class QuantRule:
    """What an op asks of number formats when a float graph becomes an integer one.

    output: "calibrated" (a scale of its own, from calibration), "same" (that of
    operand 0), or a fixed Quant. `constants` maps an operand index to how the
    constant there is stored: "channel:AXIS" (int8 symmetric per channel of that axis),
    "tensor" (int8 symmetric, one scale), "activation" (int8 asymmetric, one scale),
    "bias" (int32 at scale input x weight of operands 0 and 1), "keep" (the op's
    own quantization reads the float values), `wide` says which activation operands may
    be int16, `wide_output` whether the result may. `unify` lists operands that must
    have the output's own quantization; with `rescales` they need not, as long as they are
    int8, but are cheaper if they do. `finer`: the results are shares of one, and a fixed scale may be
    halved where they are many and the calibrated values leave room.
    """

    output: str | Quant = "calibrated"
    constants: Mapping[int, str] = field(default_factory=dict)
    wide: tuple[int, ...] = ()
    wide_output: bool = False
    unify: tuple[int, ...] = ()
    rescales: bool = False
    finer: bool = False
    out_dtype: DType = DType.I8


# -- the op ---------------------------------------------------------------


class Op(ABC):
    """An op. A subclass in a file of its own in edgec/ops is registered by being there."""

    name: ClassVar[str]
    is_view: ClassVar[bool] = False
    """Moves elements and computes nothing; the float reference is the whole meaning."""
    is_alias: ClassVar[bool] = False
    """The result is operand 0's bytes under another shape, or a part of each of its rows (`offset`);
    no code is generated."""
    is_join: ClassVar[bool] = False
    """The operands' rows lie side by side in the result's rows, where they are computed; no code is
    generated."""

    @abstractmethod
    def infer(self, call: Call) -> list[TensorType]:
        """Result types (shape, dtype, layout) from operands; `call.outs` is empty here.

        Raises OpError with a sentence where the operands do not fit the op.
        """

    @abstractmethod
    def rows(self, call: Call) -> tuple[Rows | None, ...]:
        """Per operand, the rows an output row needs; None for a constant operand."""

    def overwrites(self, call: Call) -> tuple[int, ...]:
        """Operands whose row i may be overwritten by output row i as it is computed.

        The claim is about one call of the kernel, rows taken in ascending order: with
        output row i starting no later than row i of the operand and ending no later
        than it ends, results are right. (An ascending loop over elements fulfils it;
        other kernels copy the row to scratch where `ec_overlaps`.) Output rows never
        touch a later row of the operand that is still needed: the planner sees to that.
        """
        return ()

    def carries(self, call: Call) -> bool:
        """Whether output row i is computed from output row i-1: a running sum.

        The kernel then reads row i-1 of its own result, which may lie exactly where row i goes: a
        window of one row is enough. Row 0 needs none.
        """
        return False

    def offset(self, call: Call, k: int) -> int | None:
        """Where operand k's rows and the result's lie in each other, for an alias or a join.

        The byte of the larger row at which the smaller one begins, row i in row i. None for an alias that
        has all bytes of its operand, in order, under another shape.
        """
        return None

    @abstractmethod
    def float_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray | tuple[np.ndarray, ...]:
        """The results in float32, from all operands (constants included)."""

    def integer_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray | tuple[np.ndarray, ...]:
        """The results, exact: the one integer truth that every kernel equals bit for bit."""
        raise NotImplementedError(f"{self.name} has no integer form")

    def quantization(self, call: Call) -> QuantRule:
        """How the op is quantized."""
        return QuantRule()

    def kernel(self, call: Call) -> Kernel:
        """The kernel for an integer call, with its parameters."""
        raise NotImplementedError(f"{self.name} has no kernel")

    def macs(self, call: Call) -> int:
        """Multiply-accumulates of one inference; 0 for ops that are not products."""
        return 0


_REGISTRY: dict[str, Op] = {}


def registry() -> Mapping[str, Op]:
    """All ops by name: one instance of every Op subclass found in edgec/ops."""
    if not _REGISTRY:
        import importlib
        import pkgutil

        import edgec.ops as package

        for module in sorted(m.name for m in pkgutil.iter_modules(package.__path__)):
            importlib.import_module(f"edgec.ops.{module}")
        for cls in _subclasses(Op):
            if isinstance(getattr(cls, "name", None), str):
                _REGISTRY[cls.name] = cls()
    return _REGISTRY


def op_of(node: Node) -> Op:
    """The op of a node; raises KeyError for one that does not exist."""
    return registry()[node.op]


def _subclasses(cls: type[Op]) -> list[type[Op]]:
    found = []
    for sub in cls.__subclasses__():
        found += [sub, *_subclasses(sub)]
    return found


def infer_types(
    graph: Graph,
    op: str,
    inputs: Sequence[str],
    attrs: Mapping[str, Attr],
    *,
    path: str = "",
    name: str | None = None,
) -> list[TensorType]:
    """The result types of an op on these values; what the IR's parser and verifier are given.

    Raises OpError where the operands do not fit.
    """
    if op not in registry():
        raise OpError(f"there is no op {op}")
    types = tuple(graph.type(v) for v in inputs)
    data = tuple(graph.data(v) for v in inputs)
    return registry()[op].infer(Call(name or op, path, dict(attrs), types, (), data))


def add_op(
    graph: Graph,
    op: str,
    inputs: Sequence[str],
    attrs: Mapping[str, Attr] | None = None,
    *,
    path: str = "",
    name: str | None = None,
    before: Node | None = None,
) -> tuple[str, ...]:
    """Add an op whose result types are inferred; returns the result value names.

    Raises OpError where the operands do not fit.
    """
    types = infer_types(graph, op, inputs, attrs or {}, path=path, name=name)
    node = graph.add(op, inputs, types, attrs, path=path, name=name, before=before)
    return node.outputs
