"""Every board builds the keyword-spotting model and runs it, simulated, with the right bytes."""

from __future__ import annotations

import shutil
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from edgec.build import write_files
from edgec.codegen.library import Library, generate
from edgec.codegen.toolchain import build_firmware, build_runner
from edgec.frontends import load_model
from edgec.ir import Graph
from edgec.ops.interpret import evaluate
from edgec.options import BuildOptions, Silent
from edgec.pipeline import bind, lower
from edgec.prove import draw_inputs, pack_inputs
from edgec.runners import simulated
from edgec.schedule import make_plan
from edgec.schedule.plan import Plan
from edgec.sim.linux import LinuxRunner
from edgec.sim.runner import Runner
from edgec.target import FEATURES, Target, load_target, targets

SAME = {
    "raspberry-pi-zero-2": "cortex-a53",
    "raspberry-pi-3": "cortex-a53",
    "raspberry-pi-4": "cortex-a72",
    "raspberry-pi-5": "cortex-a76",
    "stm32mp157": "cortex-a7",
    "nucleo-f746zg": "stm32f746",
}
"""Boards whose builds are another target's."""
BOARDS = [name for name in targets() if load_target(name).kind != "host" and name not in SAME]


@pytest.mark.parametrize(("name", "other"), SAME.items())
def test_the_same_build(name: str, other: str) -> None:
    a, b = load_target(name), load_target(other)
    assert replace(a, name=b.name, description=b.description, clock_hz=b.clock_hz) == b
    assert a.clock_hz == b.clock_hz or a.kind == "linux"


@cache
def lowered(model: str, like: str) -> tuple[Graph, Plan]:
    """The model for one instruction set, by the name of a target that has it."""
    graph = lower(load_model(model), BuildOptions(model, like, Path("unused")), Silent()).graph
    bind(graph)
    return graph, make_plan(graph, regions=False)


def running(target: Target, library: Library, folder: Path) -> Runner:
    write_files(folder, library.files)
    if target.is_mcu:
        return simulated(build_firmware(folder / "src", target, strict=True).elf, target, folder / "src")
    return LinuxRunner(build_runner(folder / "src", target, strict=True), target)


@pytest.mark.parametrize("name", BOARDS)
def test_keyword_spotting(name: str, data_dir: Path, tmp_path: Path) -> None:
    target = load_target(name)
    if target.is_qemu and shutil.which("qemu-system-arm") is None:
        pytest.skip("needs qemu-system-arm")
    like = next(n for n in BOARDS if load_target(n).features == target.features)
    graph, plan = lowered(str(data_dir / "models" / "mlperf_tiny_kws_dscnn_int8.tflite"), like)
    library = generate(graph, plan, target)
    (sample,) = draw_inputs(graph, 1)
    want = b"".join(np.ascontiguousarray(y).tobytes() for y in evaluate(graph, sample).values())
    with running(target, library, tmp_path) as runner:
        (result,) = runner.run([pack_inputs(library, sample)])
    assert result.outputs == want
    assert target.cpu in FEATURES and (result.cycles is None) == (not target.is_mcu or target.is_qemu)
