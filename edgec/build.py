"""A build, stage by stage: from a model file to a proved directory."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from edgec import fit, frontends, prove
from edgec.codegen.image import Image
from edgec.codegen.library import Library, generate
from edgec.codegen.tests import test_files
from edgec.codegen.toolchain import DoesNotFit, build_archive, build_firmware, build_runner, check_board
from edgec.diagnostics import Diagnostic
from edgec.fast import fast_firmware
from edgec.fitting import fitted
from edgec.ir import Graph
from edgec.options import BuildOptions, Progress
from edgec.output_dir import write_files
from edgec.pipeline import Lowered, bind, dense, lower
from edgec.report import assemble, files, pareto, precision
from edgec.report.costs import put_costs
from edgec.report.memory import memory_files
from edgec.report.schema import Check, Flash, Report, TradeOff, Tuning
from edgec.runners import open_runner, simulated
from edgec.schedule import check_plan
from edgec.schedule.cost import Costs, spent_by
from edgec.schedule.forms import Form
from edgec.schedule.plan import Plan
from edgec.schedule.search import READS, Scheme, Search
from edgec.shrink import Shrinker
from edgec.spread import may_split, spread
from edgec.target import Target, load_target
from edgec.tune import Tuned, Tuner, board_at, uncounted

PARETO_MOST = 2.0
"""How many times the model's own multiply-accumulates the search of --pareto may spend."""

_ACCESSES = {
    False: "no access outside the board's regions",
    True: "no access that QEMU's board refuses",
}


def build(options: BuildOptions, progress: Progress) -> Report:
    """Compile options.model into options.out; returns what report.json holds.

    Raises Diagnostic for everything a user can act on.
    """
    target = load_target(options.target)
    if options.target != target.name:  # a file of the user's own
        if target.is_mcu:
            check_board(target, options.target)
        write_files(options.out, {files.TARGET: Path(options.target).read_text(encoding="utf-8")})
    tuner = _tuner(options, target, progress) if options.tune else None
    progress.stage(f"read {options.model}")
    lowered = lower(frontends.load_model(options.model), options, progress)
    bind(lowered.graph)
    made = _fitted(options, target, lowered, progress)
    if tuner is not None:
        made = _tuned(options, target, made.lowered, made, tuner)
    lowered, graph, plan, library, report = made.lowered, made.graph, made.plan, made.library, made.report
    if options.max_drop is not None and "weighing" not in report:
        report["notes"].append(_unshrunk(options, target))
    if options.pareto:
        progress.stage("trade-offs")
        report["pareto"] = _trade_offs(options, made, _telling(progress))
        write_files(options.out, {pareto.PICTURE: pareto.svg(report["model"], report["pareto"])})
    progress.stage("integer reference")
    count = prove.sample_count(report["macs"])
    inputs = (lowered.samples or prove.draw_inputs(graph, count))[:count]
    proof = prove.prepare(graph, inputs, progress.step)
    prove.require_same(lowered.whole or lowered.graph, proof)
    write_files(options.out, test_files(graph, plan, library, proof.activations))
    write_files(options.out, memory_files(graph, plan) | {files.NAME: files.dump(report)})
    if options.verify:
        places = {"mcu": "on the simulated board", "linux": "on the simulated processor"}
        place = places.get(target.kind, "as a program")
        progress.stage(f"run {place}: {len(inputs)} inference{'s' if len(inputs) > 1 else ''}")
        _verify(options.out, target, library, proof, report)
        write_files(options.out, {files.NAME: files.dump(report)})
    return report


@dataclass(frozen=True)
class _Made:
    """A scheme of a model, compiled and linked."""

    lowered: Lowered
    scheme: Scheme
    graph: Graph
    plan: Plan
    library: Library
    report: Report


def _fitted(
    options: BuildOptions,
    target: Target,
    lowered: Lowered,
    progress: Progress,
    measured: Mapping[Form, float] = MappingProxyType({}),
) -> _Made:
    """Plan, generate, compile and link; what does not fit is planned again for less memory.

    measured: as in `Costs`.
    Where flash is short, constants take as few bytes as they can, and with --max-drop weights have fewer
    bits. Raises Diagnostic E301 or E302 where nothing fits, E303 where what fits loses too much.
    """
    progress.stage(f"schedule {len(lowered.graph)} ops")
    last: list[fit.Attempt] = []

    def link(model: Lowered, scheme: Scheme) -> _Made:
        return _linked(options, target, model, scheme, progress, last)

    tell = _telling(progress)
    forms = [lowered]
    if (denser := dense(lowered)).graph.features != lowered.graph.features:
        forms.append(denser)
    while True:
        try:
            return fitted(options, target, forms.pop(0), link, tell, measured)
        except DoesNotFit as error:
            if error.memory == "flash" and not forms and options.max_drop is not None and lowered.real:
                shrinker = Shrinker(lowered.real, options, progress)
                return _shrunk(
                    shrinker, error, last, lambda m: fitted(options, target, m, link, tell, measured)
                )
            if error.memory != "flash" or not forms:
                raise fit.explain(error, *last) from error
        progress.status("flash is short: weights in fewer bytes")


def _unshrunk(options: BuildOptions, target: Target) -> str:
    """Why --max-drop had nothing to do."""
    if options.flash_budget is None and target.flash_bytes is None:
        why = f"{target.name} has no end of flash; --flash-budget says how much may be used"
    else:
        why = "with int8 weights the image fits flash"
    return f"--max-drop changed nothing: {why}"


def _shrunk(
    shrinker: Shrinker, error: DoesNotFit, last: list[fit.Attempt], made: Callable[[Lowered], _Made]
) -> _Made:
    """The build with weights in fewer bits, learned and measured. error: how much flash int8 needs.

    Sizes are those of linked builds: forms are chosen for fewer bytes until one fits, then learned; where the
    scratch of kernels that take weights apart does not fit SRAM, among others. Raises Diagnostic E301 or E302
    where no forms fit, E303 where they cost too much.
    """
    tight: Diagnostic | None = None
    limit = shrinker.bytes - max(error.need - error.have, 1)
    while (sketch := shrinker.sketch(limit)) is not None:
        try:
            made(dense(sketch))
            return made(dense(shrinker.learned()))
        except DoesNotFit as again:
            if again.memory != "flash":
                tight = fit.explain(again, *last)
                if not shrinker.without_scratch():
                    raise tight from again
                continue
            error, limit = again, shrinker.taken - max(again.need - again.have, 1)
    raise tight or shrinker.too_small(error)


def _linked(
    options: BuildOptions,
    target: Target,
    model: Lowered,
    scheme: Scheme,
    progress: Progress,
    last: list[fit.Attempt],
) -> _Made:
    """A scheme generated, compiled and linked into options.out. last: becomes the attempt, for `fit`."""
    graph, plan = scheme.graph, scheme.plan
    if target.kind == "linux" and may_split(options):
        plan = spread(graph, plan)
    check_plan(graph, plan)
    fit.refuse_far_apart(graph, plan)
    progress.stage("generate C")
    library = generate(graph, plan, target)
    shutil.rmtree(options.out / "src", ignore_errors=True)
    write_files(options.out, library.files)
    last[:] = [fit.Attempt(options, target, model, graph, plan, library)]
    progress.stage(f"compile and link for {target.name}")
    report, library = _link(options, target, model, graph, plan, library)
    return _Made(model, scheme, graph, plan, library, report)


def _tuner(options: BuildOptions, target: Target, progress: Progress) -> Tuner:
    """What measures kernels. Raises Diagnostic E101 where nothing can be measured."""
    on = None if options.tune_on == "sim" else board_at(options.tune_on, target)
    return Tuner(target, progress, options.jobs or os.cpu_count() or 1, options.is_smallest, on)


def _tuned(options: BuildOptions, target: Target, lowered: Lowered, plain: _Made, tuner: Tuner) -> _Made:
    """The build with kernels that were measured; the one without, if as fast, or smaller and to be so."""
    tries = list[Tuned]()

    def tuned(model: Lowered) -> Lowered:
        tries.append(tuner.tune(model.graph))
        narrow = model.narrow
        return replace(
            model, graph=tries[-1].graph, narrow=(lambda: tuned(narrow())) if narrow is not None else None
        )

    def is_worse(made: _Made) -> bool:
        larger = made.report["sram"]["total"] > plain.report["sram"]["total"]
        return (larger and options.is_smallest) or cycles(made) >= before

    def cycles(made: _Made) -> int:
        inputs = prove.pack_inputs(made.library, prove.draw_inputs(made.graph, 1)[0])
        if tuner.on is not None:
            return tuner.on.cycles(options.out / "firmware.elf", target, made.library.hash, inputs)
        return _simulated_cycles(options, target, inputs)

    before = cycles(plain)
    try:
        made = _fitted(options, target, tuned(lowered), tuner.progress, tuner.costs)
        worse = made.library.hash != plain.library.hash and is_worse(made)
    except Diagnostic as error:
        if error.code not in ("E207", "E301", "E302"):
            raise
        worse = True
    if worse:
        made = _linked(options, target, plain.lowered, plain.scheme, tuner.progress, [])
    made.report["tuned"] = True
    changed = sum(t.changed for t in tries if t.graph is made.lowered.graph)
    made.report["tuning"] = Tuning(candidates=sum(t.tried for t in tries), changed=changed)
    return made


def _simulated_cycles(options: BuildOptions, target: Target, inputs: bytes) -> int:
    """Cycles of one inference of the build in options.out; instructions where no model tells cycles.

    Raises Diagnostic E101 where nothing is counted.
    """
    with simulated((options.out / "firmware.elf").read_bytes(), target, options.out / "src") as runner:
        (result,) = runner.run([inputs])
    if result.instructions is None:
        raise uncounted(target)
    return result.instructions if result.cycles is None else result.cycles


def _telling(progress: Progress) -> Callable[[Scheme], None]:
    """What a search tells of its schemes becomes what the user sees of it."""
    arenas: list[int] = []

    def tell(scheme: Scheme) -> None:
        arenas.append(scheme.arena)
        progress.status(f"{len(arenas)} tried, the smallest with {min(arenas):,} B of arena")

    return tell


def _trade_offs(options: BuildOptions, made: _Made, tell: Callable[[Scheme], None]) -> list[TradeOff]:
    """What less memory costs, of the model as it was built."""
    most = max(options.max_overhead, PARETO_MOST)
    search = Search(made.lowered.graph, options.input_mode == "stream", most, tell)
    return pareto.points(search.pareto(), made.scheme, search.macs)


def _link(
    options: BuildOptions, target: Target, lowered: Lowered, graph: Graph, plan: Plan, library: Library
) -> tuple[Report, Library]:
    """Compile and link; the report with all that is known before anything runs, and the library as it is."""
    source = options.out / "src"
    if target.is_mcu:
        firmware = build_firmware(source, target, sram_limit=options.budget, flash_limit=options.flash_budget)
        if options.optimize == "speed":
            firmware, library = fast_firmware(options, target, graph, plan, library, firmware)
        write_files(options.out, firmware.files(target))
        sizes = firmware.sizes
        board = target.sram.size + (target.fast_code.size if sizes.fast_code and target.fast_code else 0)
        memory = assemble.sram(graph, plan, sizes, options.budget or board, library.window_bytes)
        flash = Flash(
            code=sizes.flash - sizes.weights,
            weights=sizes.weights,
            total=sizes.flash,
            budget=options.flash_budget or target.flash_bytes or 0,
            regions=firmware.flash_use(target),
        )
    else:
        if options.budget is not None and plan.arena > options.budget:
            raise DoesNotFit("SRAM", (("arena", plan.arena),), options.budget)
        write_files(options.out, {"libmodel.a": build_archive(source, target)})
        runner, program = options.out / "runner", build_runner(source, target)
        write_files(options.out, {runner.name: program})
        runner.chmod(0o755)
        # What is loaded; the names by which the simulator finds the layers are not.
        stored = sum(len(s.data) for s in Image(program).segments) if target.kind == "linux" else len(program)
        memory = assemble.sram(graph, plan, None, options.budget)
        weights = library.weight_bytes
        if options.flash_budget is not None and stored > options.flash_budget:
            parts = (("weights", weights), ("code", stored - weights))
            raise DoesNotFit("flash", parts, options.flash_budget)
        flash = Flash(code=stored - weights, weights=weights, total=stored, regions={})
        if options.flash_budget is not None:
            flash["budget"] = options.flash_budget
    report = assemble.empty_report(options, graph, library, plan, memory, flash)
    own, costs = spent_by(lowered.graph, None), Costs.of(target, lowered.graph)
    taken = spent_by(graph, plan, costs)
    report["constant_reads"], report["constant_reads_unstreamed"] = taken.reads, own.reads
    if target.kind != "linux":  # there is no model of its cores
        report["cycles_estimate"] = taken.cycles
    if lowered.accuracy is not None:
        report["accuracy"] = lowered.accuracy
    if lowered.dead is not None:
        report["dead"] = lowered.dead
    if lowered.weighing is not None:
        report["weighing"] = lowered.weighing
        write_files(options.out, {precision.PICTURE: precision.svg(report["model"], lowered.weighing)})
    fast, code = memory.get("weights", 0), memory.get("code", 0)
    copied = [f"{fast:,} B of weights copied to SRAM at start"] if fast else []
    if library.window_bytes:
        copied.append(
            f"{library.window_bytes:,} B of SRAM take weights that are fetched while others are used"
        )
    if code and target.fast_code is not None:
        copied.append(f"{code:,} B of code copied to {target.fast_code.name} at start")
    report["notes"], report["warnings"] = [*lowered.notes, *copied], lowered.warnings
    for layer, entry in zip(library.layers, report["layers"], strict=True):
        entry["cycles_estimate"] = taken.layers[layer.node.name]
        if layer.node.name in lowered.snr:
            entry["snr_db"] = lowered.snr[layer.node.name]
    report["checks"].append(Check(name="plan", passed=True, detail="replayed row by row by the checker"))
    if options.regions and taken.reads <= READS * own.reads:
        detail = f"{taken.reads:,} B read, {own.reads:,} B by layers one by one"
        report["checks"].append(Check(name="constants", passed=True, detail=detail))
    elif options.regions:
        more = f"{taken.reads:,} B of constants are read instead of {own.reads:,} B"
        report["notes"] = [*report["notes"], f"{more} by layers one by one, for less memory"]
    return report, library


def _verify(folder: Path, target: Target, library: Library, proof: prove.Proof, report: Report) -> None:
    """Run the build, compare every output byte, and put what was measured into the report.

    Raises Diagnostic E501 where a byte differs or a measured figure contradicts the plan.
    """
    with open_runner(folder, "host" if target.kind == "host" else "sim") as runner:
        results = runner.run([prove.pack_inputs(library, x) for x in proof.inputs])
    prove.require_equal(library, proof, [r.outputs for r in results], runner.name)
    count = len(results)
    elements = sum(p.type.size for p in library.outputs) * count
    runs = f"{count} inference{'s' if count > 1 else ''} on {runner.name}"
    checks = report["checks"]
    checks.append(
        Check(
            name="bytes",
            passed=True,
            detail=f"{elements:,} output values of {runs} equal the integer reference",
        )
    )
    first, memory = results[0], report["sram"]
    if first.stack_used is not None:
        memory["measured_stack"] = first.stack_used
        checks.append(prove.within("stack", first.stack_used, memory["stack"]))
    if first.arena_used is not None:
        memory["measured_arena"] = first.arena_used
        checks.append(prove.within("arena", first.arena_used, memory["arena"]))
    if target.is_mcu:
        checks.append(Check(name="memory", passed=True, detail=_ACCESSES[target.is_qemu]))
    put_costs(report, first, target)
