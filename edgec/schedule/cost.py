"""What a scheme costs: bytes of constants that are read, and an estimate of cycles.

The estimate ranks schemes of one model, whose sums of products are the same. It adds up what kernels execute
for their products and results, what every step takes, and what memories make kernels wait for constants. All
figures that it rests on are in this file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from edgec.ir import Graph
from edgec.ops.base import Kernel, call_of, op_of
from edgec.schedule.plan import Plan, Step
from edgec.schedule.work import Job, job_of
from edgec.target import Region, Target

STEP = 30
"""Instructions of a step: the move of a cursor, the call, the loop over the rows."""
LINE = 16
"""Bytes of constants that a memory with wait states hands over at a time where no cache is in front of it."""
MISS = 12
"""Cycles of core and bus until a line comes that the data cache lacks (docs/cycles.md)."""
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
        "conv2d": (0.8, 25.0),
        "depthwise_conv2d": (2.0, 20.0),
        "linear": (0.75, 25.0),
    },
}
"""Instructions for a multiply-accumulate and for a result, per instruction set that a kernel is written for
and per op; "" stands for all other ops. Those of plain C are fitted to what the simulated Cortex-M7 counts
for the layers of the MLPerf Tiny models and of a small vision transformer; those of dsp are what its inner
loops take."""
CLOCKS: Mapping[str, float] = {"cortex-m4": 1.28, "cortex-m7": 0.86}
"""Cycles of an instruction, as the cycle model has them on the average; one for other processors."""


@dataclass(frozen=True)
class Costs:
    """What things cost on a board, in cycles. instruction: on the average. byte: of a constant that is read,
    beyond the instruction that reads it."""

    instruction: float = 1.0
    byte: float = 0.0

    @staticmethod
    def of(target: Target, graph: Graph) -> Costs:
        """Those of a board for a graph whose constants are in the first memory with room for them."""
        size = sum(x.data.nbytes for x in graph.values.values() if x.data is not None)
        regions = target.weight_regions
        holds = next((r for r in regions if r.size >= size), regions[-1] if regions else None)
        return Costs(CLOCKS.get(target.cpu, 1.0), _byte(target, holds) if holds is not None else 0.0)


def _byte(target: Target, region: Region) -> float:
    """Cycles that a byte read in order from a memory costs: its share of a line of cache, or of an access."""
    if target.dcache is None or not region.cached:
        return region.wait_states / LINE
    beats = max(1, target.dcache.line // region.beat_bytes)
    return (MISS + region.next_states + (beats - 1) * region.beat_cycles) / target.dcache.line


PLAIN = Costs()
"""Those of a processor of which nothing is known."""


@dataclass(frozen=True)
class Spent:
    """What one inference takes. reads: bytes of constants. cycles: estimated."""

    macs: int
    reads: int
    cycles: int


def spent(graph: Graph, job: Job, steps: Iterable[tuple[str, int]], costs: Costs = PLAIN) -> Spent:
    """The cost of steps: (node, rows) of each, in any order."""
    rows, passes, count = dict[str, int](), dict[str, int](), 0
    works = {w.node: w for w in job.works if not w.feeds}
    for name, n in steps:
        work = works[name]
        rows[name] = rows.get(name, 0) + n
        passes[name] = passes.get(name, 0) + (1 if work.at_once else -(-n // work.block))
        count += 1
    macs, reads, instructions = 0, 0, float(STEP * count)
    for name, n in rows.items():
        node, kernel = graph.node(name), works[name].kernel
        assert kernel is not None
        call = call_of(graph, node)
        own, of = op_of(node).macs(call) * n // max(call.outs[0].rows, 1), max(call.outs[0].rows, 1)
        known = WORK.get(kernel.feature, WORK[""])
        product, result = known.get(node.op, known[""])
        macs += own
        reads += _read(kernel, passes[name], n / of)
        instructions += own * product + call.outs[0].size * n / of * result
    return Spent(macs, reads, round(instructions * costs.instruction + reads * costs.byte))


def whole_steps(job: Job) -> list[tuple[str, int]]:
    """Every node in one step."""
    return [(w.node, w.rows) for w in job.works if not w.feeds]


def spent_by(graph: Graph, plan: Plan | None, costs: Costs = PLAIN) -> Spent:
    """The cost of a plan; without one, of the graph with every node in one step."""
    job = job_of(graph)
    if plan is None:
        return spent(graph, job, whole_steps(job), costs)
    return spent(graph, job, ((s.node, s.last - s.first) for s in plan.steps if isinstance(s, Step)), costs)


def _read(kernel: Kernel, passes: int, share: float) -> int:
    """Bytes of constants that are read in so many passes over that share of all rows."""
    sizes = [(f.by_row, getattr(f.value, "nbytes", 0)) for f in kernel.fields.values()]
    return sum(round(n * share) if by_row else n * passes for by_row, n in sizes)
