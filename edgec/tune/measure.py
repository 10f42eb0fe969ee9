"""One layer, compiled and linked by itself and run on the simulated board: what it takes there."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from edgec.codegen.library import Library, generate
from edgec.codegen.toolchain import build_firmware
from edgec.diagnostics import Diagnostic
from edgec.ir import Graph
from edgec.output_dir import write_files
from edgec.prove import draw_inputs, pack_inputs
from edgec.runners import simulated
from edgec.schedule.cost import weight_memory
from edgec.schedule.planner import make_plan
from edgec.sim.runner import Cost
from edgec.target import Target
from edgec.target_parts import Region

ROOM = 16 << 20
"""Bytes of SRAM where layers are measured: in a build a row loop may hold only a part of their operands."""


def bench(target: Target, graph: Graph) -> Target:
    """The board on which layers of a graph are measured.

    It has more SRAM, and weights are where those of the whole graph would be. A board of QEMU's own stays as
    it is.
    """
    if target.is_qemu:
        return target
    memory, last = weight_memory(target, graph), target.sram.end

    def changed(region: Region) -> Region:
        if region.end == last:
            later = [r.address for r in target.regions if r.address >= last]
            return replace(region, size=min([ROOM, *(at - region.address for at in later)]))
        if "weights" in region.holds and region != memory:
            return replace(region, holds=tuple(h for h in region.holds if h != "weights"))
        return region

    return replace(target, regions=tuple(map(changed, target.regions)))


def compiled(layer: Graph, target: Target) -> Library:
    """The library of a layer, all of whose rows are computed in one step."""
    return generate(layer, make_plan(layer, "speed", regions=False), target)


def measure(layer: Graph, target: Target) -> Cost:
    """What all rows of a layer take.

    Raises DoesNotFit, Diagnostic E401 and E501, and E101 where nothing is counted.
    """
    library = compiled(layer, target)
    with tempfile.TemporaryDirectory(prefix="edgec-tune-") as folder:
        write_files(Path(folder), library.files)
        source = Path(folder) / "src"
        with simulated(build_firmware(source, target).elf, target, source) as runner:
            (result,) = runner.run([pack_inputs(library, draw_inputs(layer, 1)[0])])
    if result.per_layer is None:
        raise uncounted(target)
    return result.per_layer[0]


def uncounted(target: Target) -> Diagnostic:
    """The error where layers cannot be measured."""
    return Diagnostic(
        "E101",
        f"nothing is counted by layer on {target.name}",
        where="--tune",
        facts=[("reason", "kernels are compared by what they take on the simulated board")],
        remedies=[
            "leave --tune out: a model of the cost chooses",
            "--target stm32f746 or another board",
        ],
    )
