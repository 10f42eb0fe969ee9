"""What linking does for speed: constants copied to SRAM at start, code that runs together side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edgec.codegen.library import Library, generate
from edgec.codegen.toolchain import DoesNotFit, Firmware, build_firmware
from edgec.ir import Graph
from edgec.ops.base import op_of
from edgec.options import BuildOptions
from edgec.schedule.cost import table_reads
from edgec.schedule.fast import Table, fast_tables, fewer
from edgec.schedule.plan import Plan
from edgec.target import Target

WEIGHTS = "src/weights.c"


def fast_firmware(
    options: BuildOptions, target: Target, graph: Graph, plan: Plan, library: Library, firmware: Firmware
) -> Firmware:
    """The firmware with its code in the order of the work, and with the constants in SRAM that save cycles
    there, as many as fit; options.out gets the weights.c that goes with it.

    library, firmware: as they are without, which is what is handed back where it cannot be linked otherwise.
    """
    limit = min(options.budget or target.sram.size, target.sram.size)
    home = next(r for r in target.regions if r.name == firmware.weights_region)
    tables = fast_tables(_tables(graph, plan, library, target), target, home, firmware.sizes.sram, limit)
    source, kernels = options.out / WEIGHTS, _kernels(library)
    while True:
        _write(source, generate(graph, plan, target, [t.symbol for t in tables]))
        try:
            return build_firmware(
                source.parent,
                target,
                sram_limit=options.budget,
                flash_limit=options.flash_budget,
                kernels=kernels,
            )
        except DoesNotFit as error:  # what alignment takes is known when it is linked
            if not tables:
                return firmware
            tables = fewer(tables, error.need - error.have)


def _kernels(library: Library) -> list[str]:
    """The functions of the kernels, those with the most work first."""
    work: dict[str, int] = {}
    for layer in library.layers:
        own = op_of(layer.node).macs(layer.call) + layer.call.outs[0].size
        work[layer.kernel.function] = work.get(layer.kernel.function, 0) + own
    return sorted(work, key=lambda name: (-work[name], name))


def _write(path: Path, library: Library) -> None:
    path.write_bytes(library.files[WEIGHTS].encode())


def _tables(graph: Graph, plan: Plan, library: Library, target: Target) -> Sequence[Table]:
    """The arrays of a library with what an inference reads of them, all layers that share one together."""
    cache = target.dcache.size if target.dcache is not None else 0
    found = table_reads(graph, plan, cache)
    reads = dict.fromkeys((a.symbol for a in library.arrays), 0)
    for use, symbol in library.tables.items():
        reads[symbol] += found[use]
    return [Table(a.symbol, a.bytes, reads[a.symbol]) for a in library.arrays]
