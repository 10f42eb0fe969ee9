"""What is said when a build does not fit: who needs what, and which remedies were measured to work."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from edgec.codegen.library import Library, generate
from edgec.codegen.toolchain import DoesNotFit, build_firmware
from edgec.diagnostics import Diagnostic
from edgec.ir import Graph
from edgec.ops.forms import INT8
from edgec.options import BuildOptions
from edgec.pipeline import Lowered
from edgec.quant.forms import has_weights
from edgec.quant.mixed import FORMS, size_of
from edgec.report.words import short, span_of
from edgec.schedule.plan import Plan
from edgec.schedule.reasons import Tight, far_apart, tightest
from edgec.schedule.search import Search
from edgec.schedule.usage import Usage
from edgec.target import Target, load_target, targets

Part = tuple[str, int]
"""A name and its bytes."""

_SHOWN = 6

_BOARDS = 3
_CODE = 6 * 1024
"""Bytes of the kernels that read weights in fewer bits."""
OVERHEAD = 1.3
"""The share of multiply-accumulates that is tried as a remedy."""


@dataclass(frozen=True)
class Attempt:
    """What was built: the inputs of a remedy's re-run. graph: the model's, rewritten for the plan."""

    options: BuildOptions
    target: Target
    model: Lowered
    graph: Graph
    plan: Plan
    library: Library


def explain(error: DoesNotFit, attempt: Attempt) -> Diagnostic:
    """The E301 or E302 for an image that does not fit: the layer, the facts, measured remedies."""
    reasons: list[tuple[str, str]] = []
    if error.memory == "SRAM":
        code, budget, option = "E301", attempt.options.budget, "--budget"
        usage = Usage.of(attempt.graph, attempt.plan)
        tight = tightest(attempt.graph, attempt.plan, usage)
        where, parts = _sram_parts(error, attempt, usage, tight.index)
        reasons = _sram_reasons(attempt, tight)
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
            *reasons,
        ],
        remedies=remedies or [f"a smaller model: no board that edgec knows has {error.need:,} B"],
    )


def refuse_far_apart(graph: Graph, plan: Plan) -> None:
    """Raises Diagnostic E207 where a streamed input has to be kept nearly whole for two readers far apart."""
    if (found := far_apart(graph, plan)) is None:
        return
    (first, last), (few, too) = [_layer(graph, n) for n in found.readers], found.needs
    raise Diagnostic(
        "E207",
        "a streamed input is read twice, far apart",
        where=f"input {found.value}",
        facts=[
            (
                "first",
                f"{first} reads it, {'all' if few == found.rows else few} row{'s' * (few != 1)} at a time",
            ),
            ("again", f"{last} reads it, {too} row{'s' * (too != 1)} at a time, when the rows are long past"),
            (
                "reason",
                f"{found.held} of {found.rows} rows have to be kept: nothing is gained by streaming",
            ),
        ],
        remedies=["--input whole   the input is in the arena, and reused once consumed"],
    )


def _layer(graph: Graph, name: str) -> str:
    node = graph.node(name)
    return f"{node.path or node.name} ({node.op})"


def _sum(parts: list[Part]) -> str:
    listed = sorted((p for p in parts if p[1]), key=lambda p: -p[1])
    shown, rest = listed[:_SHOWN], sum(size for _, size in listed[_SHOWN:])
    return " + ".join(f"{name} {size:,}" for name, size in [*shown, *([("others", rest)] if rest else [])])


# -- SRAM -----------------------------------------------------------------


def _sram_parts(error: DoesNotFit, attempt: Attempt, usage: Usage, region: int) -> tuple[str, list[Part]]:
    """The layer at which the arena is fullest, and what it holds there."""
    graph, top = attempt.graph, usage.peak
    layers = {s.name: short(s.layer) for s in usage.stays if s.kind in ("tensor", "window")}
    tenants = [(layers.get(t.name, t.name), t.bytes) for t in top.tenants]
    context, arena = dict(error.parts)["arena"], attempt.plan.arena
    overlap = arena - sum(size for _, size in tenants)
    if overlap < 0:  # tensors that lie over each other: the sum says more than the arena
        tenants = [("tensors", arena)]
    elif overlap:
        tenants.append(("gaps", overlap))
    if context > arena:  # where in the steps an inference is lies beside the arena
        tenants.append(("state", context - arena))
    arrives = [top.node] if top.node in graph.inputs else [] if top.node else graph.inputs
    where = ", ".join(f"input {v}" for v in arrives)
    if top.node and not where:
        node = graph.node(top.node)
        shape = "x".join(map(str, graph.out_types(node)[0].shape))
        where = f"{node.path} ({node.op}, {shape})"
    if where and region >= 0:
        where += f", region {region}"
    return where, [*tenants, *(p for p in error.parts if p[0] != "arena")]


def _sram_reasons(attempt: Attempt, tight: Tight) -> list[tuple[str, str]]:
    """The region that cannot shrink, the fewest bytes with which it runs, and what forces them."""
    name = f"region {tight.index}: " if tight.index >= 0 else ""
    what = span_of(attempt.graph, tight.nodes) if tight.nodes else "the inputs, before the first layer"
    facts = [("least", f"{tight.bytes:,} B   {name}{what}")]
    return facts + [("why", f"{h.name}, {h.bytes:,} B: {h.why}") for h in tight.holds]


def _sram_remedies(error: DoesNotFit, attempt: Attempt) -> list[str]:
    options = attempt.options
    single: dict[str, BuildOptions] = {}
    if not options.regions:
        single["without --no-regions"] = replace(options, regions=True)
    if options.input_mode == "whole":
        single["--input stream"] = replace(options, input_mode="stream", regions=True)
    if options.max_overhead < OVERHEAD:
        single[f"--max-overhead {OVERHEAD}"] = replace(options, max_overhead=OVERHEAD, regions=True)
    needs = {action: need for action, o in single.items() if (need := _need(error, attempt, o)) < error.need}
    if len(needs) > 1 and min(needs.values()) > error.have and options.input_mode == "whole":
        both = replace(options, input_mode="stream", max_overhead=OVERHEAD, regions=True)
        if (need := _need(error, attempt, both)) < min(needs.values()):
            needs[f"--input stream --max-overhead {OVERHEAD}"] = need
    return [_remedy(a, n, n <= error.have) for a, n in needs.items()] + _larger(error, attempt)


def _larger(error: DoesNotFit, attempt: Attempt) -> list[str]:
    """The budget, or the boards, with enough memory for what was built."""
    board = attempt.target.sram_bytes
    if board is None or error.need <= board:
        return [_remedy(f"--budget {-(-error.need // 1024)}KB", error.need, True)]
    flash = attempt.library.weight_bytes

    def fits(other: Target) -> bool:
        return error.need <= (other.sram_bytes or 0) and flash <= (other.flash_bytes or 0)

    return _boards(error, attempt, fits)


def _boards(error: DoesNotFit, attempt: Attempt, fits: Callable[[Target], bool]) -> list[str]:
    """The other boards with the least memory of those with enough."""
    others = [load_target(name) for name in targets() if name != attempt.target.name]
    boards = [t for t in others if t.is_mcu and fits(t)]
    boards.sort(key=lambda t: (t.sram_bytes or 0, t.flash_bytes or 0))
    return [_remedy(f"--target {t.name}", error.need, True) for t in boards[:_BOARDS]]


def _need(error: DoesNotFit, attempt: Attempt, options: BuildOptions) -> int:
    """Bytes of SRAM with other options: planned, generated, compiled and linked anew."""
    search = Search(attempt.model.graph, options.input_mode == "stream", options.max_overhead)
    scheme = search.smallest()
    graph, plan, target = scheme.graph, scheme.plan, attempt.target
    if far_apart(graph, plan) is not None:
        return error.need
    if not target.is_mcu:
        return error.need - attempt.plan.arena + plan.arena
    with tempfile.TemporaryDirectory(prefix="edgec-") as folder:
        for name, content in generate(graph, plan, target).files.items():
            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        try:
            return build_firmware(Path(folder) / "src", target).sizes.sram
        except DoesNotFit as again:
            return again.need if again.memory == "SRAM" else error.need - attempt.plan.arena + plan.arena


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
    board = attempt.target.flash_bytes
    smaller = _form_remedies(error, attempt)
    if attempt.options.flash_budget is not None and (board is None or error.need <= board):
        return [_remedy(f"--flash-budget {-(-error.need // 1024)}KB", error.need, True), *smaller]
    weights = dict(error.parts)["weights"]

    def fits(other: Target) -> bool:
        placed = any(weights <= region.size for region in other.weight_regions)
        enough = error.need <= (other.flash_bytes or 0) and attempt.plan.arena < (other.sram_bytes or 0)
        return placed and enough

    return [*smaller, *_boards(error, attempt, fits)]


def _form_remedies(error: DoesNotFit, attempt: Attempt) -> list[str]:
    """The most exact form of weights with which the image would fit, by its size."""
    graph, own = attempt.graph, attempt.options.weights
    stored = {n.inputs[1] for n in graph.nodes() if has_weights(graph, n)}
    weights = [x for v in stored if (x := graph.data(v)) is not None]
    sizes = {form: sum(size_of(x, form) for x in weights) for form in (own, *FORMS)}
    for form in FORMS:
        need = error.need - sizes[own] + sizes[form] + (_CODE if own == INT8 else 0)
        if sizes[form] < sizes[own] and need <= error.have:
            remedies = [_remedy(f"--weights {form}", need, True, about=True)]
            if attempt.model.real is not None and attempt.options.max_drop is None:
                remedies.append(
                    "--max-drop 1 --calib DATA  has forms chosen layer by layer, learned and measured"
                )
            return remedies
    return []


def _remedy(action: str, need: int, fits: bool, *, about: bool = False) -> str:
    return f"{action:<26} needs {'about ' * about}{need:,} B, {'fits' if fits else 'still too much'}"
