"""What is live when: bytes per step for the report, and the step that needs the most."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from edgec.ir import Graph
from edgec.ops.base import op_of
from edgec.schedule.plan import Plan


@dataclass(frozen=True)
class Tenant:
    """A tensor that is live in a step, or the step's scratch. An alias is not listed apart."""

    name: str
    bytes: int


@dataclass(frozen=True)
class Peak:
    """The step with the most bytes live: node name ("" where the model has no step), the bytes (those
    that several tensors share counted once), and what they are, largest first."""

    node: str
    bytes: int
    tenants: tuple[Tenant, ...]


def live_bytes(graph: Graph, plan: Plan) -> dict[str, int]:
    """Node name -> bytes of the arena in use while it runs: windows and scratch, shared bytes once.

    In order of execution; for a node with several steps, the most of them.
    """
    spans = _spans(graph, plan)
    found: dict[str, int] = {}
    for at, step in enumerate(plan.steps):
        used = _union((a, b) for first, last, _, a, b in spans if first <= at <= last)
        found[step.node] = max(found.get(step.node, 0), used)
    return found


def peak(graph: Graph, plan: Plan) -> Peak:
    """The step with the most bytes live, the first of equals, and its tensors by size."""
    spans = _spans(graph, plan)
    best: Peak | None = None
    for at in range(len(plan.steps)) if plan.steps else [-1]:
        live = [(name, a, b) for first, last, name, a, b in spans if first <= at <= last]
        used = _union((a, b) for _, a, b in live)
        if best is None or used > best.bytes:
            tenants = sorted((Tenant(name, b - a) for name, a, b in live), key=lambda t: (-t.bytes, t.name))
            best = Peak(plan.steps[at].node if at >= 0 else "", used, tuple(tenants))
    assert best is not None
    return best


def _spans(graph: Graph, plan: Plan) -> list[tuple[int, int, str, int, int]]:
    """(first step, last step, name, begin, end) of every window and every scratch."""
    steps: dict[str, list[int]] = {}
    for at, step in enumerate(plan.steps):
        steps.setdefault(step.node, []).append(at)
    born: dict[str, int] = dict.fromkeys(graph.inputs, -1)
    root: dict[str, str] = {v: v for v in graph.inputs}
    for node in graph.nodes():
        for v in node.outputs:
            if op_of(node).is_alias:
                root[v] = root[node.inputs[0]]
            else:
                root[v], born[v] = v, steps[node.name][0]
    dies = dict(born)
    for v, r in root.items():
        uses = [steps[n.name][-1] for n, _ in graph.consumers(v) if n.name in steps]
        uses += [len(plan.steps)] if v in graph.outputs else []
        dies[r] = max(dies[r], *uses, -1)
    spans = []
    for v, first in born.items():
        window = plan.windows[v]
        spans.append((first, dies[v], v, window.address, window.address + window.bytes))
    for name, (address, size) in plan.scratch.items():
        spans += [(at, at, f"scratch of {name}", address, address + size) for at in steps[name]]
    return spans


def _union(spans: Iterable[tuple[int, int]]) -> int:
    total, end = 0, 0
    for a, b in sorted(spans):
        total += max(0, b - max(a, end))
        end = max(end, b)
    return total
