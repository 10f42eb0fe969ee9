"""Runs kernels against their op's integer reference, wherever the rows declaration lets rows lie.

`check_call` is what an op's test calls. It runs the C kernels that the op gives for every set of features
(`FAMILIES`), compiled with sanitizers for the host where that is possible (Arm's DSP paths on emulated
intrinsics, those for AArch64 in their portable form) and for a processor that has the instructions,

(a) on disjoint tensors,
(b) with the output laid over each operand, at the distances docs/architecture.md allows,
(c) in blocks of rows on rings that hold no more than the rows that are needed; of a result that carries
    (`Op.carries`), one row is, and a ring of more rows is tried, too,
(d) row by row on rows that each have a place of their own, in no order,

and compares every byte, the guard bytes around the windows included. Scratch for copies is there only
where a result row lies over operand rows that it needs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from edgec.ir import Attr, DType, Quant, TensorType
from edgec.ops.base import Call, Op, Rows, registry
from tests.kernel_core import CORES, LINUX, missing, runs
from tests.kernel_host import SLOT, Job, Window, run

GUARD = 32

FAMILIES = {
    "plain C": frozenset[str](),
    "dsp": frozenset({"dsp"}),
    "dual": frozenset({"dsp", "dual"}),
    "dense dsp": frozenset({"dsp", "dense"}),
    "mve in plain C": frozenset({"dsp", "mve"}),
    "neon": frozenset({"neon"}),
    "dotprod": frozenset({"neon", "dotprod"}),
    **({} if missing() else {name: core.features for name, core in CORES.items()}),
    **{name: core.features for name, core in LINUX.items() if runs(core)},
}
"""The sets of features for which kernels are tested, by the way they are run: on the host
(tests/kernel_host.py) or on a core (tests/kernel_core.py)."""

quants = st.builds(
    lambda e, z: Quant.of(float(np.float32(2.0**e)), z), st.floats(-9, -1), st.integers(-128, 127)
)
"""Per-tensor quantizations of int8 activations."""


def lengths(most: int) -> st.SearchStrategy[int]:
    """Lengths up to `most`, and some of which kernels with vectors take whole ones and a rest."""
    return st.one_of(st.integers(1, most), st.sampled_from([8, 16, 27, 46]))


def check_call(
    op_name: str,
    ins: Sequence[TensorType],
    attrs: Mapping[str, Attr] | None = None,
    *,
    consts: Mapping[int, np.ndarray] | None = None,
    out_quant: Quant | None = None,
    out_dtype: DType = DType.I8,
    seed: int = 0,
    values: Mapping[int, np.ndarray] | None = None,
) -> np.ndarray:
    """Run the op's kernel on drawn activations in every placement; returns the reference's result.

    ins: the operands' integer types (with quantization). consts: data of the constant operands.
    values: activations to use instead of drawn ones (over the whole range of their type).
    out_quant None: the result has operand 0's quantization.
    """
    op = registry()[op_name]
    consts = dict(consts or {})
    data = tuple(consts.get(k) for k in range(len(ins)))
    bare = Call(op_name, "", dict(attrs or {}), tuple(ins), (), data)
    (shape,) = op.infer(bare)
    out = shape.with_(dtype=out_dtype, quant=out_quant or ins[0].quant)
    call = Call(op_name, "", bare.attrs, bare.ins, (out,), data)
    rng = np.random.default_rng(seed)
    xs = [_operand(call, k, values or {}, rng) for k in range(len(ins))]
    expected = op.integer_reference(call, *xs)
    assert isinstance(expected, np.ndarray)
    assert expected.shape == out.shape, f"reference gives {expected.shape}, inferred {out.shape}"
    assert expected.dtype == out.dtype.numpy, f"reference gives {expected.dtype}, not {out.dtype}"
    for family, features in FAMILIES.items():
        case = Case(op, replace(call, features=features), family, [xs[k] for k in call.activations], expected)
        if "neon" in features and not case.kernel.feature:
            continue  # the plain kernel, which runs in other ways
        if "dense" in features and "dense" not in case.kernel.function:
            continue
        case.disjoint()
        case.over_operands(rng)
        for block in sorted({1, 2, out.rows}):
            case.rings(block, block)
            if op.carries(call):
                case.rings(block, 1)
                case.rings(block, block + 1)
        case.scattered(rng)
    return expected


def _operand(call: Call, k: int, values: Mapping[int, np.ndarray], rng: np.random.Generator) -> np.ndarray:
    if (const := call.consts[k]) is not None:
        return const
    if k in values:
        return values[k]
    lo, hi = call.ins[k].dtype.limits
    return rng.integers(lo, hi, call.ins[k].shape, endpoint=True).astype(call.ins[k].dtype.numpy)


# -- placements -----------------------------------------------------------


class Case:
    """A call with its operands and the result that its kernel for one family must give."""

    def __init__(self, op: Op, call: Call, family: str, xs: list[np.ndarray], expected: np.ndarray) -> None:
        self.op, self.call, self.kernel, self.expected = op, call, op.kernel(call), expected
        self.family = family
        assert self.kernel.feature in ("", *call.features), f"{self.kernel.function} needs more than {family}"
        self.types = [call.ins[k] for k in call.activations]
        self.out = call.outs[0]
        self.xs = [_rows(x, t) for x, t in zip(xs, self.types, strict=True)]
        self.y = _rows(expected, self.out)
        declared = op.rows(call)
        assert len(declared) == len(call.ins), f"rows() names {len(declared)} of {len(call.ins)} operands"
        self.rows: list[Rows] = []
        for k in call.activations:
            rows = declared[k]
            assert rows is not None, f"rows() says nothing about operand {k}"
            assert len(rows.first) == len(rows.last) == self.out.rows, f"rows() of operand {k}"
            self.rows.append(rows)

    def disjoint(self) -> None:
        """Every tensor whole and by itself."""
        job = self._place({}, None)
        job.call(0, self.out.rows)
        self._run(job, "disjoint tensors")

    def over_operands(self, rng: np.random.Generator) -> None:
        """The output over each activation operand, at the smallest distances and some larger ones."""
        claimed = self.op.overwrites(self.call)
        for j, k in enumerate(self.call.activations):
            d0 = smallest_distance(self.types[j], self.out, self.rows[j], k in claimed)
            unit = max(self.types[j].dtype.bytes, self.out.dtype.bytes)
            d0 = -(-d0 // unit) * unit
            end = max(d0, self.out.bytes)
            near = [d0, d0 + unit, d0 + 3 * unit, d0 + -(-self.out.row_bytes // unit) * unit]
            far = [int(d) * unit for d in rng.integers(d0 // unit, end // unit + 1, 3)]
            for d in sorted({d for d in near + far if d <= end}):
                job = self._place({}, (j, d))
                job.copies = self._copies(j, d)
                job.call(0, self.out.rows)
                self._run(job, f"output {d} bytes before operand {k}")
            job = self._place({}, (j, d0))
            job.copies = self._copies(j, d0)
            for i in range(self.out.rows):
                job.call(i, i + 1)
            self._run(job, f"output {d0} bytes before operand {k}, row by row")

    def _copies(self, j: int, d: int) -> bool:
        """Whether, the output lying d bytes before operand j, a row lies over rows that it needs."""
        i, ri, ro = np.arange(self.out.rows), self.types[j].row_bytes, self.out.row_bytes
        begin, rows = i * ro - d, self.rows[j]
        over = (begin < (rows.last + 1) * ri) & (rows.first * ri < begin + ro)
        return bool(np.any(over & (rows.first <= rows.last)))

    def rings(self, block: int, capacity: int) -> None:
        """Blocks of `block` output rows; operands fed as they are needed into the smallest rings.

        The result's ring has `capacity` rows; what is left of a block in it afterwards is compared.
        """
        n = self.out.rows
        capacity, want = min(capacity, n), b""
        plans = [_feed(r, t.rows, n, block) for r, t in zip(self.rows, self.types, strict=True)]
        job = self._place({j: c for j, (c, _) in enumerate(plans)} | {-1: capacity}, None)
        for b, first in enumerate(range(0, n, block)):
            for x, w, (_, feed) in zip(self.xs, job.ins, plans, strict=True):
                for r in feed[b]:
                    job.write(w.at(r), x[r])
            last = min(first + block, n)
            job.call(first, last)
            for i in range(max(first, last - capacity), last):
                job.read(job.out.at(i), self.out.row_bytes)
                want += self.y[i]
        self._run(job, f"{block} rows at a time, {capacity} in the result's ring", want)

    def scattered(self, rng: np.random.Generator) -> None:
        """Whole tensors whose rows lie anywhere, with gaps between them.

        In one piece are those of which a row of the result needs all rows, and results that carry.
        """
        at, ins = GUARD, []
        pieces = [
            bool(np.any(r.last - r.first + 1 >= t.rows)) for r, t in zip(self.rows, self.types, strict=True)
        ]
        for t, piece in zip((*self.types, self.out), (*pieces, self.op.carries(self.call)), strict=True):
            pitch = -(-t.row_bytes // SLOT) * SLOT + SLOT
            slots = tuple(int(k) * pitch for k in rng.permutation(t.rows))
            ins.append(
                Window(at, t.row_bytes, max(t.rows, 1)) if piece else Window(at, t.row_bytes, 0, slots)
            )
            at += -(-(t.rows * pitch + GUARD) // 8) * 8
        out = ins.pop()
        job = Job(np.full(at, 0xA5, np.uint8), ins, out)
        for w, x in zip(ins, self.xs, strict=True):
            for r, row in enumerate(x):
                job.arena[w.at(r) : w.at(r) + len(row)] = np.frombuffer(row, np.uint8)
        for i in range(self.out.rows):
            job.call(i, i + 1)
        for i in range(self.out.rows):
            job.read(out.at(i), self.out.row_bytes)
        self._run(job, "scattered rows", b"".join(self.y))

    def _place(self, capacity: Mapping[int, int], over: tuple[int, int] | None) -> Job:
        """Windows one behind the other with guards; `over` = (operand, distance) shares its space.

        Whole operands (no capacity given) are filled in; rings hold garbage.
        """
        at, ins = GUARD, []
        places: dict[int, int] = {}
        for j, t in enumerate(self.types):
            at += 3 * max(t.dtype.bytes, self.out.dtype.bytes) if j % 2 else 0  # not multiples of 8
            shift = 0
            if over is not None and over[0] == j:
                shift = max(over[1], 0)
                places[-1] = at + shift - over[1]
            places[j] = at + shift
            w = Window(places[j], t.row_bytes, capacity.get(j, max(t.rows, 1)))
            ins.append(w)
            end = w.end
            if over is not None and over[0] == j:
                end = max(end, places[-1] + self.out.bytes)
            at = -(-(end + GUARD) // 8) * 8
        if over is None:
            places[-1] = at + self.out.dtype.bytes
            at = places[-1]
        out = Window(places[-1], self.out.row_bytes, capacity.get(-1, max(self.out.rows, 1)))
        arena = np.full(max(at, out.end) + GUARD, 0xA5, np.uint8)
        job = Job(arena, ins, out)
        for j, (w, x) in enumerate(zip(ins, self.xs, strict=True)):
            if j not in capacity:
                flat = b"".join(x)
                arena[w.base : w.base + len(flat)] = np.frombuffer(flat, np.uint8)
        return job

    def _run(self, job: Job, what: str, rows: bytes | None = None) -> None:
        """Run a job and compare what it reads with `rows`; without them, the whole result."""
        what, whole = f"{self.kernel.function} for {self.family}, {what}", rows is None
        if whole:
            job.read(job.out.base, self.out.bytes)
        got, after = run(self.kernel, self.family, job, what)
        want = b"".join(self.y) if rows is None else rows
        if got != want:
            g, y = (np.frombuffer(x, self.expected.dtype).reshape(-1, self.out.row_size) for x in (got, want))
            bad = np.argwhere(g != y)
            i, e = (int(v) for v in bad[0])
            raise AssertionError(
                f"{what}: {len(bad)} of {g.size} elements differ, first element {e} of row {i} read: "
                f"kernel {g[i, e]}, reference {y[i, e]}"
            )
        mine = np.zeros(len(after), bool)
        for w in (*job.ins, job.out):
            for span in w.spans:
                mine[span] = True
        assert np.array_equal(after[~mine], job.arena[~mine]), f"{what}: wrote outside its windows"
        writable = np.zeros(len(after), bool)
        for span in job.out.spans:
            writable[span] = True
        if whole:
            assert np.array_equal(after[~writable], job.arena[~writable]), f"{what}: changed its input"


def _rows(x: np.ndarray, t: TensorType) -> list[bytes]:
    raw, n = np.ascontiguousarray(x).tobytes(), t.row_bytes
    return [raw[i * n : (i + 1) * n] for i in range(t.rows)]


def smallest_distance(x: TensorType, y: TensorType, rows: Rows, overwrites: bool) -> int:
    """The smallest (operand address - output address) in bytes that the in-place rule allows."""
    n, ri, ro = y.rows, x.row_bytes, y.row_bytes
    first = np.where(rows.first <= rows.last, rows.first, x.rows)
    later = np.minimum.accumulate(first[::-1])[::-1]  # the lowest row that row i or a later one needs
    i = np.arange(n)
    if not overwrites:
        return int(np.max((i + 1) * ro - later * ri, initial=-x.bytes))
    bounds = np.concatenate([(i[:-1] + 1) * ro - later[1:] * ri, i * (ro - ri), (i + 1) * (ro - ri)])
    return int(bounds.max())


def _feed(rows: Rows, n_in: int, n_out: int, block: int) -> tuple[int, list[range]]:
    """Capacity of the smallest ring, and per block the rows to write before it."""
    some = rows.first <= rows.last
    first = np.where(some, rows.first, n_in)
    later = np.minimum.accumulate(first[::-1])[::-1]
    fed, capacity, feed = 0, 1, []
    for i in range(0, n_out, block):
        last = int(np.max(np.where(some, rows.last, -1)[i : i + block], initial=-1)) + 1
        feed.append(range(fed, max(fed, last)))
        fed = max(fed, last)
        capacity = max(capacity, fed - min(int(later[i]), fed))
    return capacity, feed
