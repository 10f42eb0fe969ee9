"""What a scheme costs: bytes of constants that are read, and an estimate of cycles.

The estimate ranks schemes of one model, whose sums of products are the same. It adds up what kernels execute
for their products and results, what every step takes, and what memories make kernels wait for constants. All
figures that it rests on are in this file, but for those of kernels that were measured (`Costs.measured`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from edgec.ir import Graph
from edgec.ops import lookup
from edgec.ops.base import call_of, op_of
from edgec.ops.dsp import is_dsp
from edgec.ops.forms import Form as WeightForm
from edgec.ops.kernel import Kernel
from edgec.schedule.forms import Form, form_of
from edgec.schedule.plan import Plan, Step
from edgec.schedule.work import Job, Work, job_of
from edgec.target import MISS, Target
from edgec.target_parts import Region

STEP = 30
"""Instructions of a step: the move of a cursor, the call, the loop over the rows."""
WORD = 4
"""Bytes of constants that an instruction reads."""
WORK: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "": {
        "": (2.0, 15.0),
        "add": (0.0, 78.0),
        "attention": (2.2, 130.0),
        "concat": (0.0, 2.0),
        "conv2d": (1.6, 50.0),
        "depthwise_conv2d": (6.0, 20.0),
        "layer_norm": (0.0, 14.0),
        "linear": (1.63, 40.0),
        "pointwise": (0.0, 5.0),
    },
    "dsp": {
        "": (2.0, 15.0),
        "attention": (1.0, 60.0),
        "conv2d": (1.1, 25.0),
        "depthwise_conv2d": (2.0, 20.0),
        "linear": (1.03, 25.0),
    },
}
"""Instructions for a multiply-accumulate and for a result, per instruction set that a kernel is written for
and per op; "" stands for all other ops. Those of plain C are fitted to what the simulated Cortex-M7 counts
for the layers of the MLPerf Tiny models and of a small vision transformer; those of dsp are what its inner
loops take."""
PAIRED: Mapping[str, float] = {"dsp": 0.73}
"""The share of the instructions for multiply-accumulates that is left where two vectors share a pass over the
weights (`Kernel.together`), per instruction set."""
DECODED: Mapping[int, float] = {2: 0.75, 3: 1.75, 4: 1.75, 5: 3.2, 6: 3.2}
"""Instructions for a weight that a kernel takes apart (`Kernel.decoded`), by the bits of its code."""
UNPACKED = 2.4
"""The same for int4."""
HUFFMAN = 5.0, 8.0
"""The same where codes are of unequal lengths: of the few weights of 4 bits and less, and of more."""
VECTORS = 16
"""Vectors that share weights taken apart, as a rule."""
AS_STORED = 1.12
"""Times the instructions for multiply-accumulates where a kernel computes with a form as it is stored."""
LOOKED_UP = 1.6
"""The same where it looks codes up for one vector only."""
CLOCKS: Mapping[str, float] = {"cortex-m4": 1.28, "cortex-m7": 0.86}
"""Cycles of an instruction, as the cycle model has them on the average; one for other processors."""


@dataclass(frozen=True)
class Costs:
    """What things cost on a board, in cycles. instruction: on the average. byte: of a constant that is read,
    beyond the instruction that reads it. measured: of all rows of a kernel in one step; others are estimated.
    """

    instruction: float = 1.0
    byte: float = 0.0
    measured: Mapping[Form, float] = field(default_factory=dict)

    @staticmethod
    def of(target: Target, graph: Graph) -> Costs:
        """Those of a board for a graph whose constants are in the first memory with room for them."""
        holds = weight_memory(target, graph)
        return Costs(CLOCKS.get(target.cpu, 1.0), byte_cycles(target, holds) if holds is not None else 0.0)


def weight_memory(target: Target, graph: Graph) -> Region | None:
    """The memory that a graph's constants are in: the first with room for them. None without memories."""
    size = sum(x.data.nbytes for x in graph.values.values() if x.data is not None)
    regions = target.weight_regions
    return next((r for r in regions if r.size >= size), regions[-1] if regions else None)


PLAIN = Costs()
"""Those of a processor of which nothing is known."""


@dataclass(frozen=True)
class Spent:
    """What one inference takes. reads: bytes of constants. cycles: estimated. layers: of them those of
    kernels, by node; the rest goes from step to step."""

    macs: int
    reads: int
    cycles: int
    layers: Mapping[str, int] = field(default_factory=dict, compare=False)


@dataclass(frozen=True)
class _Runs:
    """How often a node runs in an inference. steps: calls of its kernel. passes: over its constants."""

    rows: int = 0
    steps: int = 0
    passes: int = 0


def _runs(works: Mapping[str, Work], steps: Iterable[tuple[str, int]]) -> dict[str, _Runs]:
    found = dict[str, _Runs]()
    for name, n in steps:
        work, before = works[name], found.get(name, _Runs())
        passes = 1 if work.at_once else -(-n // work.block)
        found[name] = _Runs(before.rows + n, before.steps + 1, before.passes + passes)
    return found


def _works(job: Job) -> dict[str, Work]:
    return {w.node: w for w in job.works if not w.feeds}


def spent(graph: Graph, job: Job, steps: Iterable[tuple[str, int]], costs: Costs = PLAIN) -> Spent:
    """The cost of steps: (node, rows) of each, in any order."""
    works = _works(job)
    runs = _runs(works, steps)
    macs, reads, layers = 0, 0, dict[str, int]()
    total = STEP * sum(run.steps for run in runs.values()) * costs.instruction
    for name, run in runs.items():
        node, work = graph.node(name), works[name]
        kernel, call = work.kernel, call_of(graph, node)
        assert kernel is not None
        of = max(call.outs[0].rows, 1)
        share = run.rows / of
        own, read = op_of(node).macs(call) * run.rows // of, _read(kernel, run.passes, share)
        known = costs.measured.get(form_of(node, call, kernel)) if costs.measured else None
        if known is None:
            figures = WORK.get(kernel.feature, WORK[""])
            product, result = figures.get(node.op, figures[""])
            if kernel.together > 1:
                product *= PAIRED.get(kernel.feature, 1.0)
            if kernel.form and not kernel.decoded:
                product *= LOOKED_UP if kernel.looked_up else AS_STORED
            instructions = own * product + call.outs[0].size * share * result
            instructions += kernel.decoded * run.passes * _decoding(kernel.form)
            cycles = instructions * costs.instruction + read * costs.byte
        else:
            whole = _read(kernel, 1 if work.at_once else -(-of // work.block), 1.0)
            cycles = known * share + max(0.0, read - whole * share) * costs.byte
        macs, reads, total = macs + own, reads + read, total + cycles
        layers[name] = round(cycles)
    return Spent(macs, reads, round(total), layers)


def _decoding(form: str) -> float:
    """Instructions for a weight that is taken apart, by the form's name."""
    known = WeightForm.parse(form) if form else None
    if known is None:
        return 0.0
    if known.huffman:
        return HUFFMAN[known.bits > 4]
    return DECODED[known.bits] if known.book else UNPACKED


def beyond_int8(form: str, weights: int, vectors: int, target: Target) -> int:
    """Cycles that a layer takes beyond those with int8 weights, where `vectors` are multiplied with them.

    They are fetched from memory in any form; what fewer bytes spare is not counted.
    """
    known = WeightForm.parse(form)
    if known is None:
        return 0
    products = weights * vectors * WORK["dsp"]["linear"][0]
    if not (known.book or known.group or known.huffman) and is_dsp(target.features):
        instructions = products * (AS_STORED - 1)
    elif vectors == 1 and lookup.suits(known, weights, target.features):
        instructions = products * (LOOKED_UP - 1)
    else:
        instructions = weights * -(-vectors // VECTORS) * _decoding(form)
    return round(instructions * CLOCKS.get(target.cpu, 1.0))


def whole_steps(job: Job) -> list[tuple[str, int]]:
    """Every node in one step."""
    return [(w.node, w.rows) for w in job.works if not w.feeds]


def spent_by(graph: Graph, plan: Plan | None, costs: Costs = PLAIN) -> Spent:
    """The cost of a plan; without one, of the graph with every node in one step."""
    job = job_of(graph)
    if plan is None:
        return spent(graph, job, whole_steps(job), costs)
    return spent(graph, job, _steps(plan), costs)


def _steps(plan: Plan) -> Iterable[tuple[str, int]]:
    return ((s.node, s.last - s.first) for s in plan.steps if isinstance(s, Step))


def byte_cycles(target: Target, region: Region, *, code: bool = False) -> float:
    """Cycles that a core waits for a byte of a constant in a memory, on the average, where the data cache has
    none of it and it is read from beginning to end. code: of instructions, and the cache of code."""
    cache = target.icache if code else target.dcache
    if cache is None or not region.cached:
        return region.wait_states / WORD
    beats = max(1, cache.line // region.beat_bytes)
    # A beat that comes a cycle behind the one before is there in time.
    waits = MISS.get(target.cpu, 0) + region.next_states + (beats - 1) * (region.beat_cycles - 1)
    return waits / cache.line


def table_reads(graph: Graph, plan: Plan, cache: int) -> dict[tuple[str, str], int]:
    """Bytes of each table, by node and kernel field, that an inference has to bring into the data cache.

    cache: bytes of it. The tables of a node that fit in there together are read once for each of its steps,
    others for every vector or few vectors of a result, as convolutions and linear layers read them.
    """
    works = _works(job_of(graph))
    found = dict[tuple[str, str], int]()
    for name, run in _runs(works, _steps(plan)).items():
        kernel, out = works[name].kernel, graph.type(graph.node(name).outputs[0])
        assert kernel is not None
        sizes = {k: n for k, f in kernel.fields.items() if (n := getattr(f.value, "nbytes", 0))}
        vectors = max(1, out.row_size // max(1, out.shape[-1])) if out.shape else 1
        sweeps = run.passes * -(-vectors // kernel.together)
        times = run.steps if sum(sizes.values()) <= cache else sweeps
        for member, n in sizes.items():
            share = run.rows / max(out.rows, 1)
            found[name, member] = round(n * share) if kernel.fields[member].by_row else n * times
    return found


def _read(kernel: Kernel, passes: int, share: float) -> int:
    """Bytes of constants that are read in so many passes over that share of all rows."""
    sizes = [(f.by_row, getattr(f.value, "nbytes", 0)) for f in kernel.fields.values()]
    return sum(round(n * share) if by_row else n * passes for by_row, n in sizes)
