"""Places the tensors of a plan anew so that no result lies over an operand: rows of a step may then be
computed at the same time, by several threads."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from edgec.ir import Graph
from edgec.ops.base import op_of
from edgec.options import BuildOptions
from edgec.schedule.plan import Plan, Step, Window

_ALIGN = 16


@dataclass
class _Block:
    """Bytes that keep their distances: a tensor with its aliases and parts, or a layer's scratch.

    Needed from step `birth` to step `death`, both included.
    """

    begin: int
    end: int
    birth: int
    death: int
    values: list[str] = field(default_factory=list)
    node: str = ""
    address: int = 0

    @property
    def bytes(self) -> int:
        return self.end - self.begin


def may_split(options: BuildOptions) -> bool:
    """Whether memory is no object: neither a budget nor the smallest arena is asked for."""
    whole = options.input_mode == "whole"
    return whole and options.budget is None and options.optimize != "memory"


def spread(graph: Graph, plan: Plan) -> Plan:
    """The plan with other addresses: operands and results of a step share no byte.

    The steps must compute whole layers, in rows that all have a place of their own. The arena grows; what the
    plan says of the smallest one holds no longer.
    """
    at = {s.node: k for k, s in enumerate(plan.steps) if isinstance(s, Step)}
    blocks = [_block(graph, plan, at, values) for values in _linked(graph, plan)]
    for node, (address, size) in plan.scratch.items():
        blocks.append(_Block(address, address + size, at[node], at[node], node=node))
    placed: list[_Block] = []
    for block in sorted(blocks, key=lambda b: (-b.bytes, b.birth, b.begin)):
        block.address = _lowest(block, placed)
        placed.append(block)
    moves = {v: b.address - b.begin for b in blocks for v in b.values}
    arena = max(b.address + -(-b.bytes // _ALIGN) * _ALIGN for b in blocks)
    return replace(
        plan,
        windows={v: replace(w, address=w.address + moves[v]) for v, w in plan.windows.items()},
        scratch={b.node: (b.address, b.bytes) for b in blocks if b.node},
        arena=arena,
        optimal=arena == plan.lower_bound,
    )


def _linked(graph: Graph, plan: Plan) -> list[list[str]]:
    """Values that lie in each other, by aliases and joins, together."""
    parent = {v: v for v in plan.windows}

    def root(v: str) -> str:
        while parent[v] != v:
            v = parent[v]
        return v

    for node in graph.nodes():
        if op_of(node).is_alias or op_of(node).is_join:
            for v in node.inputs:
                if v in parent:
                    parent[root(v)] = root(node.outputs[0])
    groups: dict[str, list[str]] = {}
    for v in plan.windows:
        groups.setdefault(root(v), []).append(v)
    return list(groups.values())


def _block(graph: Graph, plan: Plan, at: dict[str, int], values: Iterable[str]) -> _Block:
    begins, ends, times, values = [], [], [], list(values)
    for v in values:
        w, type, source = plan.windows[v], graph.type(v), graph.producer(v)
        begins.append(w.address)
        ends.append(w.address + _extent(w, type.row_bytes))
        times += [at[n.name] for n, _ in graph.consumers(v) if n.name in at]
        times.append(at.get(source.name, 0) if source else -1)
        if v in graph.outputs:
            times.append(len(plan.steps))
    writers = [t for v in values if (n := graph.producer(v)) and (t := at.get(n.name)) is not None]
    birth = -1 if any(v in graph.inputs for v in values) else min(writers, default=0)
    return _Block(min(begins), max(ends), birth, max(times), values)


def _extent(w: Window, row_bytes: int) -> int:
    return (w.capacity - 1) * w.pitch + row_bytes


def _lowest(block: _Block, placed: Iterable[_Block]) -> int:
    """The lowest address at which the block meets none that is needed at the same time."""
    busy = sorted(
        (b.address, b.address + b.bytes) for b in placed if b.birth <= block.death and block.birth <= b.death
    )
    at = 0
    for begin, end in busy:
        if at + block.bytes <= begin:
            break
        at = max(at, -(-end // _ALIGN) * _ALIGN)
    return at
