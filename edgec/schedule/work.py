"""The graph as the scheduler sees it: buffers, and steps of work that read and write them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edgec.ir import Graph, GraphError, Node, TensorType
from edgec.ops.base import Rows, call_of, op_of
from edgec.schedule.overlap import forbidden

ALIGN = 4
"""Every window begins at a multiple of it: what int16 and int32 kernels need. An int8 tensor could do with
less, but one rule for all keeps word loads aligned, and costs at most 3 bytes a tensor."""
SCRATCH_ALIGN = 8


@dataclass(frozen=True)
class Buffer:
    """Bytes in the arena. Several values share one where an alias op relates them.

    bytes: rounded up to ALIGN, so that buffers packed back to back stay aligned.
    """

    name: str
    values: tuple[str, ...]
    bytes: int
    align: int = ALIGN


@dataclass(frozen=True)
class Work:
    """One kernel call on whole tensors. Buffers are given by index.

    scratch: bytes, rounded up to ALIGN.
    apart: (operand, result) -> open intervals (lo, hi) in which the distance from the operand's
    address to the result's may not be if the operand dies here. Their ends are multiples of ALIGN.
    """

    node: str
    rows: int
    reads: tuple[int, ...]
    writes: tuple[int, ...]
    scratch: int
    apart: Mapping[tuple[int, int], tuple[tuple[int, int], ...]]


@dataclass(frozen=True)
class Job:
    """All there is to schedule: works in the graph's own topological order."""

    buffers: tuple[Buffer, ...]
    works: tuple[Work, ...]
    inputs: frozenset[int]
    outputs: frozenset[int]
    before: tuple[frozenset[int], ...]
    """Per work: the works whose results it reads."""
    readers: tuple[frozenset[int], ...]
    """Per buffer: the works that read it."""


def job_of(graph: Graph, *, claims: bool = True) -> Job:
    """The scheduling problem of an integer graph.

    claims: whether results may be laid over operand rows that they need themselves, where the op
    says so; kernels then copy rows. Raises GraphError where a view of a constant was not folded.
    """
    root = _roots(graph)
    names = list(dict.fromkeys(root.values()))
    index = {name: k for k, name in enumerate(names)}
    groups: list[list[str]] = [[] for _ in names]
    for value, name in root.items():
        groups[index[name]].append(value)
    buffers = tuple(_buffer(graph, group) for group in groups)
    home = {value: index[name] for value, name in root.items()}
    works = tuple(_work(graph, node, home, claims) for node in graph.nodes() if not op_of(node).is_alias)
    writer = {b: w for w, work in enumerate(works) for b in work.writes}
    readers: list[set[int]] = [set() for _ in buffers]
    for w, work in enumerate(works):
        for b in work.reads:
            readers[b].add(w)
    return Job(
        buffers,
        works,
        frozenset(home[v] for v in graph.inputs),
        frozenset(home[v] for v in graph.outputs if v in home),
        tuple(frozenset(writer[b] for b in work.reads if b in writer) for work in works),
        tuple(frozenset(r) for r in readers),
    )


def _roots(graph: Graph) -> dict[str, str]:
    """Every activation value -> the value whose bytes it is: itself, but for results of aliases."""
    root = {v: v for v in graph.inputs}
    for node in graph.nodes():
        for v in node.outputs:
            if not op_of(node).is_alias:
                root[v] = v
            elif node.inputs[0] in root:
                root[v] = root[node.inputs[0]]
            else:
                raise GraphError(f"{node.name} ({node.op}): a view of a constant has to be folded")
    return root


def _buffer(graph: Graph, group: list[str]) -> Buffer:
    types = [graph.type(v) for v in group]
    size = max(t.bytes for t in types)
    align = max(ALIGN, *(t.dtype.bytes for t in types))
    return Buffer(group[0], tuple(group), _up(size), align)


def _work(graph: Graph, node: Node, home: Mapping[str, int], claims: bool) -> Work:
    op, call = op_of(node), call_of(graph, node)
    reads = tuple(dict.fromkeys(home[node.inputs[k]] for k in call.activations))
    writes = tuple(home[v] for v in node.outputs)
    rows = op.rows(call)
    kernel = op.kernel(call)
    may = op.overwrites(call) if claims and len(call.outs) == 1 else ()
    apart = {}
    for k, y in enumerate(writes):
        for a in reads:
            operands = [j for j in call.activations if home[node.inputs[j]] == a]
            found = {_apart(call.ins[j], rows[j], call.outs[k], j in may) for j in operands}
            apart[a, y] = tuple(sorted((lo, hi) for lo, hi in found if lo < hi))
    return Work(node.name, call.outs[0].rows, reads, writes, _up(kernel.scratch + kernel.copies), apart)


def _apart(x: TensorType, rows: Rows | None, y: TensorType, claimed: bool) -> tuple[int, int]:
    """The distances from one operand to one result that would lose rows, in multiples of ALIGN."""
    lo, hi = -_up(y.bytes), _up(x.bytes)
    if rows is None or len(rows.first) != y.rows:
        return lo, hi
    exact = forbidden(rows, x.row_bytes, y.row_bytes, claimed=x.rows if claimed else 0)
    return max(lo, exact[0] // ALIGN * ALIGN), min(hi, _up(exact[1]))


def _up(size: int) -> int:
    return -(-size // ALIGN) * ALIGN
