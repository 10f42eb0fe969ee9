"""Constants copied to SRAM at start, where a build is asked for speed and its memory has room for them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edgec.codegen.library import Library, generate
from edgec.codegen.toolchain import DoesNotFit, Firmware, build_firmware
from edgec.ir import Graph
from edgec.options import BuildOptions
from edgec.schedule.cost import table_reads
from edgec.schedule.fast import Table, fast_tables, fewer
from edgec.schedule.plan import Plan
from edgec.target import Target

WEIGHTS = "src/weights.c"


def with_fast_weights(
    options: BuildOptions, target: Target, graph: Graph, plan: Plan, library: Library, firmware: Firmware
) -> Firmware:
    """The firmware with the constants in SRAM that save cycles there, as many as fit, and its weights.c.

    library, firmware: as they are without. Where nothing is gained the firmware is handed back as it is.
    """
    limit = min(options.budget or target.sram.size, target.sram.size)
    home = next(r for r in target.regions if r.name == firmware.weights_region)
    tables = fast_tables(_tables(graph, plan, library, target), target, home, firmware.sizes.sram, limit)
    source = options.out / WEIGHTS
    while tables:
        _write(source, generate(graph, plan, target.name, [t.symbol for t in tables]))
        try:
            return build_firmware(
                source.parent, target, sram_limit=options.budget, flash_limit=options.flash_budget
            )
        except DoesNotFit as error:  # what alignment takes is known when it is linked
            tables = fewer(tables, error.need - error.have)
    _write(source, library)
    return firmware


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
