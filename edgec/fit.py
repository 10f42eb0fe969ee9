"""What is said when a build does not fit: who needs what, and which remedies were measured to work."""

from __future__ import annotations

from dataclasses import dataclass

from edgec.codegen.library import Library
from edgec.codegen.toolchain import DoesNotFit
from edgec.diagnostics import Diagnostic
from edgec.ir import Graph
from edgec.options import BuildOptions
from edgec.schedule import make_plan, peak
from edgec.schedule.plan import Plan
from edgec.target import Target, load_target, targets

Part = tuple[str, int]
"""A name and its bytes."""

_SHOWN = 6


@dataclass(frozen=True)
class Attempt:
    """What was built: the inputs of a remedy's re-run."""

    options: BuildOptions
    target: Target
    graph: Graph
    plan: Plan
    library: Library


def explain(error: DoesNotFit, attempt: Attempt) -> Diagnostic:
    """The E301 or E302 for an image that does not fit: the layer, the facts, measured remedies."""
    if error.memory == "SRAM":
        code, budget, option = "E301", attempt.options.budget, "--budget"
        where, parts = _sram_parts(error, attempt)
        remedies = _sram_remedies(error, attempt)
    else:
        code, budget, option = "E302", attempt.options.flash_budget, "--flash-budget"
        where, parts = _flash_parts(error, attempt)
        remedies = _flash_remedies(error, attempt)
    width = len(f"{max(error.need, error.have):,}")
    limit = f"{option} {budget:,}" if budget is not None else f"all of {attempt.target.name}"
    return Diagnostic(
        code,
        f"does not fit: {attempt.target.name}, {error.memory}",
        where=where,
        facts=[
            ("need", f"{error.need:>{width},} B   {_sum(parts)}"),
            ("have", f"{error.have:>{width},} B   {limit}"),
            ("short", f"{error.need - error.have:>{width},} B"),
        ],
        remedies=remedies or [f"a smaller model: no board that edgec knows has {error.need:,} B"],
    )


def _sum(parts: list[Part]) -> str:
    listed = sorted((p for p in parts if p[1]), key=lambda p: -p[1])
    shown, rest = listed[:_SHOWN], sum(size for _, size in listed[_SHOWN:])
    return " + ".join(f"{name} {size:,}" for name, size in [*shown, *([("others", rest)] if rest else [])])


# -- SRAM -----------------------------------------------------------------


def _sram_parts(error: DoesNotFit, attempt: Attempt) -> tuple[str, list[Part]]:
    """The layer at which the arena is fullest, and what it holds there."""
    graph, top = attempt.graph, peak(attempt.graph, attempt.plan)
    tenants = [(t.name, t.bytes) for t in top.tenants]
    context, arena = dict(error.parts)["arena"], attempt.plan.arena
    overlap = arena - sum(size for _, size in tenants)
    if overlap < 0:  # tensors that lie over each other: the sum says more than the arena
        tenants = [("tensors", arena)]
    elif overlap:
        tenants.append(("gaps", overlap))
    if context > arena:  # where in the steps an inference is lies beside the arena
        tenants.append(("state", context - arena))
    where = ""
    if top.node:
        node = graph.node(top.node)
        shape = "x".join(map(str, graph.out_types(node)[0].shape))
        where = f"{node.path} ({node.op}, {shape})"
    return where, [*tenants, *(p for p in error.parts if p[0] != "arena")]


def _sram_remedies(error: DoesNotFit, attempt: Attempt) -> list[str]:
    remedies = []
    if attempt.options.optimize == "speed":
        smaller = make_plan(attempt.graph, "memory").arena
        need = error.need - attempt.plan.arena + smaller
        if need < error.need:
            remedies.append(_remedy("--optimize memory", need, need <= error.have))
    board = attempt.target.sram_bytes
    if board is None or error.need <= board:
        return [*remedies, _remedy(f"--budget {-(-error.need // 1024)}KB", error.need, True)]
    flash = attempt.library.weight_bytes
    for name in targets():
        other = load_target(name)
        if other.name == attempt.target.name or other.sram_bytes is None:
            continue
        if error.need <= other.sram_bytes and flash <= (other.flash_bytes or 0):
            remedies.append(_remedy(f"--target {name}", error.need, True))
    return remedies


# -- flash ----------------------------------------------------------------


def _flash_parts(error: DoesNotFit, attempt: Attempt) -> tuple[str, list[Part]]:
    """The layer with the most weights, and what is stored."""
    sizes = {
        layer.title: sum(getattr(f.value, "nbytes", 0) for f in layer.kernel.fields.values())
        for layer in attempt.library.layers
    }
    top = max(sizes, key=lambda name: sizes[name], default="")
    where = f"{top}, {sizes[top]:,} B of weights, the most of any layer" if top else ""
    return where, list(error.parts)


def _flash_remedies(error: DoesNotFit, attempt: Attempt) -> list[str]:
    remedies = []
    board = attempt.target.flash_bytes
    if board is not None and error.need <= board and attempt.options.flash_budget is not None:
        return [_remedy(f"--flash-budget {-(-error.need // 1024)}KB", error.need, True)]
    weights = dict(error.parts)["weights"]
    for name in targets():
        other = load_target(name)
        if other.name == attempt.target.name or not other.is_mcu:
            continue
        fits = any(weights <= region.size for region in other.weight_regions)
        if fits and error.need <= (other.flash_bytes or 0) and attempt.plan.arena < (other.sram_bytes or 0):
            remedies.append(_remedy(f"--target {name}", error.need, True))
    return remedies


def _remedy(action: str, need: int, fits: bool) -> str:
    return f"{action:<26} needs {need:,} B, {'fits' if fits else 'still too much'}"
