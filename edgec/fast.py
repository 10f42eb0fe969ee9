"""What linking does for speed: constants and code copied to SRAM at start, and code put in order."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgec.codegen.library import Library, generate
from edgec.codegen.toolchain import DoesNotFit, Firmware, build_firmware
from edgec.ir import Graph
from edgec.ops.base import op_of
from edgec.options import BuildOptions
from edgec.schedule.cost import byte_cycles, table_reads
from edgec.schedule.fast import Table, code_pays, fast_tables, fewer, sram_cycles, waits
from edgec.schedule.plan import Plan, Step
from edgec.schedule.prefetch import Prefetch, cut_of, lost, slices, windows
from edgec.target import Target
from edgec.target_parts import Region

_SLACK = 256
"""Bytes of alignment, stack and data that a window may take besides."""


@dataclass(frozen=True)
class _Choice:
    """What is copied to SRAM at start, and what is fetched. cycles: of an inference, beyond what it takes
    without any wait, estimated."""

    cycles: float
    tables: Sequence[Table]
    prefetch: Prefetch | None


def fast_firmware(
    options: BuildOptions, target: Target, graph: Graph, plan: Plan, library: Library, firmware: Firmware
) -> tuple[Firmware, Library]:
    """The firmware with its code in the order of the work, and with the constants and the code in SRAM that
    save cycles there, as many as fit; and its library, which is in options.out.

    library, firmware: as they are without, which is what is handed back where it cannot be linked otherwise.
    """
    limit = min(options.budget or target.sram.size, target.sram.size)
    home = next(r for r in target.regions if r.name == firmware.weights_region)
    choice = _chosen(graph, plan, library, target, home, firmware.sizes.sram, limit)
    tables = list(choice.tables)
    while True:
        functions = _functions(library, choice.prefetch)
        kernels, quick = _kernels(library, functions), _quick(plan, functions, target, firmware)
        made = generate(graph, plan, target, [t.symbol for t in tables], choice.prefetch)
        _write(options.out, made)
        try:
            linked = build_firmware(
                options.out / "src",
                target,
                sram_limit=options.budget,
                flash_limit=options.flash_budget,
                kernels=kernels,
                fast=[name for name in kernels if name in quick],
            )
            return linked, made
        except DoesNotFit as error:  # what alignment and stack take is known when it is linked
            short = error.need - error.have
            if choice.prefetch is not None and error.memory == "SRAM":
                limit -= short
                choice = _chosen(graph, plan, library, target, home, firmware.sizes.sram, limit)
                tables = list(choice.tables)
            elif tables:
                tables = fewer(tables, short)
            else:
                _write(options.out, library)
                return firmware, library


def _chosen(
    graph: Graph, plan: Plan, library: Library, target: Target, home: Region, used: int, limit: int
) -> _Choice:
    """The fewest cycles by the model of the cost. used, limit: bytes of the SRAM, taken and to be taken."""
    nodes = {x.node.name: x.kernel for x in library.layers if home.fetch and x.kernel.cut is not None}
    reads = table_reads(graph, plan, target.dcache.size if target.dcache is not None else 0)
    uses = {name: (name, cut_of(kernel)[0].table) for name, kernel in nodes.items()}
    passes = {name: reads[uses[name]] // cut_of(kernel)[1].nbytes for name, kernel in nodes.items()}

    def choice(prefetch: Prefetch | None) -> _Choice:
        taken = {uses[n] for n in prefetch.nodes} if prefetch is not None else set()
        room = prefetch.room + _SLACK if prefetch is not None else 0
        tables = _tables(library, {use: n for use, n in reads.items() if use not in taken})
        fast = fast_tables(tables, target, home, used + room, limit)
        cycles = waits(tables, fast, target, home, used + room)
        if prefetch is not None:
            cycles += sum(lost(graph, plan, target, home, prefetch, passes).values())
            cycles += sum(reads[use] for use in taken) * sram_cycles(target, 0, room)
        return _Choice(cycles, fast, prefetch)

    found = [choice(None)]
    for half in windows(limit - used - _SLACK) if nodes else ():
        every = slices(nodes, half)
        costs = lost(graph, plan, target, home, every, passes)
        saved = byte_cycles(target, home) - sram_cycles(target, 0, every.room)
        pays = {name: nodes[name] for name in every.nodes if reads[uses[name]] * saved > costs[name]}
        if pays:
            found.append(choice(slices(pays, half)))
    return min(found, key=lambda c: c.cycles)


def _functions(library: Library, prefetch: Prefetch | None) -> dict[str, str]:
    """The kernel's function that computes each node."""
    fetched = prefetch.nodes if prefetch is not None else {}
    return {
        x.node.name: cut_of(x.kernel)[0].function if x.node.name in fetched else x.kernel.function
        for x in library.layers
    }


def _kernels(library: Library, functions: Mapping[str, str]) -> list[str]:
    """The functions of the kernels, those with the most work first."""
    work: dict[str, int] = {}
    for layer in library.layers:
        own = op_of(layer.node).macs(layer.call) + layer.call.outs[0].size
        name = functions[layer.node.name]
        work[name] = work.get(name, 0) + own
    return sorted(work, key=lambda name: (-work[name], name))


def _quick(plan: Plan, functions: Mapping[str, str], target: Target, firmware: Firmware) -> list[str]:
    """Those of the kernels whose code is worth a place in the memory for fast code. Those for slices are not,
    which are called for each."""
    calls = Counter(functions[s.node] for s in plan.steps if isinstance(s, Step) and s.node in functions)
    size = {f.name: f.size for f in firmware.image.functions}
    return [name for name, n in calls.items() if code_pays(target, size.get(name, 0), n)]


def _write(folder: Path, library: Library) -> None:
    shutil.rmtree(folder / "src")
    for name, text in library.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(text.encode())


def _tables(library: Library, found: Mapping[tuple[str, str], int]) -> Sequence[Table]:
    """The arrays of a library with what an inference reads of them, all layers that share one together."""
    reads = dict.fromkeys((a.symbol for a in library.arrays), 0)
    for use, symbol in library.tables.items():
        reads[symbol] += found.get(use, 0)
    return [Table(a.symbol, a.bytes, reads[a.symbol]) for a in library.arrays]
