"""How many bytes are live when: per step and per layer, and the step that needs the most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgec.ir import Graph
from edgec.schedule.plan import Feed, Plan
from edgec.schedule.timeline import Part, Stay, timeline


@dataclass(frozen=True)
class Tenant:
    """A tensor that is live in a step, or the step's scratch. An alias is not listed apart.

    bytes: of its rows that are live; of the whole ring for a window.
    """

    name: str
    bytes: int


@dataclass(frozen=True)
class Peak:
    """The step with the most bytes live.

    step: its index, -1 where it is before the first. node: its node; the input where rows arrive; ""
    before the first step. bytes: those that several tensors share counted once. tenants: what they are,
    largest first.
    """

    step: int
    node: str
    bytes: int
    tenants: tuple[Tenant, ...]


@dataclass(frozen=True)
class Usage:
    """What a plan does with the arena.

    stays: the memory timeline. live: bytes in use before the first step, in each step, after the last;
    bytes that several tensors share are counted once.
    """

    plan: Plan
    stays: tuple[Stay, ...]
    live: np.ndarray

    @staticmethod
    def of(graph: Graph, plan: Plan) -> Usage:
        """Replay the plan."""
        stays = tuple(timeline(graph, plan))
        return Usage(plan, stays, _live(stays, len(plan.steps)))

    @property
    def per_layer(self) -> dict[str, int]:
        """Node name -> the most bytes in use in any of its steps; in order of execution."""
        found: dict[str, int] = {}
        for step, used in zip(self.plan.steps, self.live[1:].tolist(), strict=False):
            if not isinstance(step, Feed):
                found[step.node] = max(found.get(step.node, 0), used)
        return found

    @property
    def peak(self) -> Peak:
        """The step with the most bytes live, the first of equals."""
        inside = self.live[1:-1]
        at = int(inside.argmax()) if inside.size else -1
        if self.live[0] > self.live[at + 1]:
            at = -1
        name = "" if at < 0 else _name(self, at)
        return Peak(at, name, int(self.live[at + 1]), self.tenants(at))

    def tenants(self, at: int) -> tuple[Tenant, ...]:
        """What is live in a step, largest first."""
        found = []
        for stay in self.stays:
            if size := sum(p.bytes for p in stay.parts if p.first <= at <= p.last):
                name = f"scratch of {stay.name}" if stay.kind == "scratch" else stay.name
                found.append(Tenant(name, size))
        return tuple(sorted(found, key=lambda t: (-t.bytes, t.name)))


def live_bytes(graph: Graph, plan: Plan) -> dict[str, int]:
    """Node name -> bytes of the arena in use while it runs: rows, windows and scratch, shared bytes once.

    In order of execution; for a node with several steps, the most of them.
    """
    return Usage.of(graph, plan).per_layer


def peak(graph: Graph, plan: Plan) -> Peak:
    """The step with the most bytes live, the first of equals, and its tensors by size."""
    return Usage.of(graph, plan).peak


def _name(usage: Usage, at: int) -> str:
    step = usage.plan.steps[at]
    return step.value if isinstance(step, Feed) else step.node


def _live(stays: Sequence[Stay], steps: int) -> np.ndarray:
    """The bytes of the union of all parts that are live, before the first step, in each, after the last."""
    parts = [p for s in stays for p in s.parts if p.bytes]
    cuts = sorted({p.address for p in parts} | {p.address + p.bytes for p in parts})
    index = {address: k for k, address in enumerate(cuts)}
    width = np.diff(np.array(cuts, np.int64))
    come: list[list[Part]] = [[] for _ in range(steps + 3)]
    go: list[list[Part]] = [[] for _ in range(steps + 3)]
    for p in parts:
        come[p.first + 1].append(p)
        go[p.last + 2].append(p)
    cover = np.zeros(len(width), np.int32)
    live = np.zeros(steps + 2, np.int64)
    used = 0
    for at in range(steps + 2):
        for p in go[at]:
            a, b = index[p.address], index[p.address + p.bytes]
            cover[a:b] -= 1
            used -= int(width[a:b][cover[a:b] == 0].sum())
        for p in come[at]:
            a, b = index[p.address], index[p.address + p.bytes]
            used += int(width[a:b][cover[a:b] == 0].sum())
            cover[a:b] += 1
        live[at] = used
    return live
