"""report.json from what a build knows: sizes, proofs, measurements."""

from __future__ import annotations

from edgec import __version__
from edgec.codegen.image import Sizes
from edgec.codegen.library import Library
from edgec.codegen.library import Port as CodePort
from edgec.ir import Graph
from edgec.ops.base import op_of
from edgec.ops.forms import INT8
from edgec.options import BuildOptions
from edgec.passes.collapse_views import remaining_copies
from edgec.report import files
from edgec.report.schema import SCHEMA, Copies, Flash, Layer, Port, Region, Report, Sram, Weights, Window
from edgec.schedule.plan import Plan, Step
from edgec.schedule.usage import Usage
from edgec.target import load_target


def sram(graph: Graph, plan: Plan, linked: Sizes | None, budget: int | None, window: int = 0) -> Sram:
    """The SRAM items; `linked` are an image's sizes, None where an operating system has the memory. window:
    bytes for weights that are fetched."""
    io = sum(graph.type(v).bytes for v in dict.fromkeys([*graph.inputs, *graph.outputs]))
    memory = Sram(
        arena=plan.arena,
        scratch=max((size for _, size in plan.scratch.values()), default=0),
        io=io,
        total=plan.arena,
        lower_bound=plan.lower_bound,
        optimal=plan.optimal,
    )
    if linked is not None:
        # What alignment adds to the arena counts as data.
        copied = linked.fast + linked.fast_code
        memory["data"] = linked.sram - linked.stack - plan.arena - window - copied
        memory["stack"], memory["total"] = linked.stack, linked.sram
        if linked.fast:
            memory["weights"] = linked.fast
        if window:
            memory["window"] = window
        if linked.fast_code:
            memory["code"] = linked.fast_code
    if budget is not None:
        memory["budget"] = budget
    return memory


def layers(library: Library, plan: Plan, usage: Usage) -> list[Layer]:
    """One entry per kernel call, in the order of execution; rows that are computed again count again."""
    rows: dict[str, int] = {}
    for step in plan.steps:
        if isinstance(step, Step):
            rows[step.node] = rows.get(step.node, 0) + step.last - step.first
    live, number = usage.per_layer, {n: k for k, nodes in enumerate(plan.regions) for n in nodes}
    entries = [
        Layer(
            name=x.title,
            op=x.node.op,
            region=number.get(x.node.name, x.index),
            macs=op_of(x.node).macs(x.call) * rows[x.node.name] // max(x.call.outs[0].rows, 1),
            live_bytes=live[x.node.name],
            rows=x.call.outs[0].rows,
            window=min(x.call.outs[0].rows, plan.windows[x.node.outputs[0]].capacity),
        )
        for x in library.layers
    ]
    for entry, x in zip(entries, library.layers, strict=True):
        if op_of(x.node).macs(x.call) and len(x.call.consts) > 1 and x.call.consts[1] is not None:
            size = sum(getattr(f.value, "nbytes", 0) for f in x.kernel.fields.values())
            entry["weights"] = Weights(form=x.kernel.form or INT8, bytes=size)
    return entries


def regions(graph: Graph, plan: Plan, usage: Usage) -> list[Region]:
    """What runs under one row loop, and the windows that hold its rows."""
    live = usage.per_layer
    rings = [s for s in usage.stays if s.capacity < s.rows]
    found = []
    for nodes in plan.regions:
        results = {v for n in nodes for v in graph.node(n).outputs}
        results |= {v for n in nodes for v in graph.node(n).inputs if v in graph.inputs}
        windows = [
            Window(name=s.name if s.kind == "input" else s.path, rows=s.capacity, of=s.rows, bytes=s.bytes)
            for s in rings
            if results.intersection(s.values)
        ]
        found.append(
            Region(
                layers=[graph.node(n).path or n for n in nodes],
                rows=graph.type(graph.node(nodes[-1]).outputs[0]).rows,
                live_bytes=max(live.get(n, 0) for n in nodes),
                windows=windows,
            )
        )
    return found


def _fill_peak(memory: Sram, graph: Graph, plan: Plan, usage: Usage) -> None:
    peak = usage.peak
    memory["gap"] = 0 if plan.optimal else plan.arena - plan.lower_bound
    memory["peak"], memory["peak_step"] = peak.bytes, peak.step
    memory["peak_layer"] = peak.node
    if peak.node and peak.node not in graph.inputs:
        memory["peak_layer"] = graph.node(peak.node).path or peak.node


def empty_report(
    options: BuildOptions, graph: Graph, library: Library, plan: Plan, memory: Sram, flash: Flash
) -> Report:
    """The report before anything ran: measured figures are absent."""
    copied, copied_bytes = remaining_copies(graph)
    usage = Usage.of(graph, plan)
    entries = layers(library, plan, usage)
    _fill_peak(memory, graph, plan, usage)
    return Report(
        schema=SCHEMA,
        version=__version__,
        model=graph.name,
        target=load_target(options.target).name,
        input_mode=options.input_mode,
        optimize=options.optimize or ("memory" if options.budget is None else "speed"),
        hash=library.hash,
        inputs=[_port(p, graph.input_perms.get(p.value)) for p in library.inputs],
        outputs=[_port(p, None) for p in library.outputs],
        sram=memory,
        flash=flash,
        macs=sum(x["macs"] for x in entries),
        layers=entries,
        checks=[],
        source=files.source(options.model),
        regions=regions(graph, plan, usage),
        copies=Copies(count=copied, bytes=copied_bytes),
    )


def _port(port: CodePort, perm: tuple[int, ...] | None) -> Port:
    shape = list(port.type.shape)
    if perm is not None:
        shape = [shape[perm.index(k)] for k in range(len(perm))]
    entry = Port(name=port.name, shape=shape, dtype=str(port.type.dtype.numpy))
    if port.type.quant is not None:
        entry["scale"], entry["zero_point"] = port.type.quant.s, port.type.quant.z
    if perm is not None:
        entry["perm"] = list(perm)
    return entry
