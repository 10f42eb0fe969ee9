"""The five MLPerf Tiny models: every byte equal to TensorFlow Lite Micro's and to the integer reference."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from edgec import prove
from edgec.evaluate import EvalOptions
from edgec.evaluate import evaluate as evaluate_build
from edgec.frontends import load_model
from edgec.ir import Graph
from edgec.ops.interpret import evaluate
from edgec.report import files
from edgec.runners import Place, open_runner
from edgec.target import load_target

from .conftest import MLPERF, Builder

DRAWN = 40


def run(folder: Path, place: Place, inputs: np.ndarray) -> np.ndarray:
    with open_runner(folder, place) as runner:
        results = runner.run([x.tobytes() for x in inputs])
    return np.array([np.frombuffer(r.outputs, np.int8) for r in results])


def reference(graph: Graph, inputs: np.ndarray) -> np.ndarray:
    (name,), (out,) = graph.inputs, graph.outputs
    shape = graph.type(name).shape
    return np.array([evaluate(graph, {name: x.reshape(shape)})[out].ravel() for x in inputs])


@pytest.mark.parametrize("place", ["sim", "host", "qemu"])
@pytest.mark.parametrize("target", ["stm32f746", "stm32f446", "mps3-an547"])
@pytest.mark.parametrize("key", MLPERF)
def test_golden_outputs(key: str, target: str, place: Place, data_dir: Path, built: Builder) -> None:
    if place == "host" and target == "stm32f446":
        pytest.skip("the host runs the same library for either board")
    emulated = place == "qemu" or load_target(target).is_qemu
    if emulated and not (shutil.which("qemu-system-arm") and shutil.which("arm-none-eabi-gcc")):
        pytest.skip("needs qemu-system-arm and arm-none-eabi-gcc")
    golden = np.load(data_dir / "oracle" / f"{key}.npz")
    inputs = golden["inputs"][:4] if emulated else golden["inputs"]
    folder = built(data_dir / "models" / MLPERF[key], target)
    got = run(folder, place, inputs)
    assert np.array_equal(got, golden["output"][: len(inputs)].reshape(got.shape))


@pytest.mark.parametrize("key", MLPERF)
def test_drawn_inputs(key: str, data_dir: Path, built: Builder) -> None:
    model = data_dir / "models" / MLPERF[key]
    graph = load_model(str(model))
    drawn = np.array([next(iter(s.values())) for s in prove.draw_inputs(graph, DRAWN, seed=1)])
    assert np.array_equal(run(built(model, "stm32f746"), "sim", drawn), reference(graph, drawn))


def test_real_keyword_samples(data_dir: Path, built: Builder) -> None:
    data = np.load(data_dir / "kws01" / "kws01.npz")
    model = data_dir / "models" / MLPERF["kws"]
    got = run(built(model, "stm32f746"), "sim", data["x"])
    assert len(got) == 500
    assert np.array_equal(got[:200], reference(load_model(str(model)), data["x"][:200]))
    right = (got.argmax(axis=1) == data["y"]).mean()
    assert right == pytest.approx(0.902, abs=0.02)
    found = evaluate_build(EvalOptions(built(model, "stm32f746"), str(data_dir / "kws01" / "kws01.npz")))
    assert (found["samples"], found["top1"]) == (500, right)
    assert "quantized" in found["float_absent"]


@pytest.mark.parametrize("key", MLPERF)
def test_report(key: str, data_dir: Path, built: Builder) -> None:
    report = files.load(built(data_dir / "models" / MLPERF[key], "stm32f746"))
    sram = report["sram"]
    assert report["checks"]
    assert all(c["passed"] for c in report["checks"])
    assert sram["total"] == sram["arena"] + sram["data"] + sram["stack"] <= sram["budget"]
    # Windows end at multiples of 4 bytes, scratch has room for addresses of 64 bits, which the library may be
    # run with on a host, and the last value may be what the arena was painted with.
    assert sram["lower_bound"] <= sram["arena"]
    assert sram["arena"] - 64 < sram["measured_arena"] <= sram["arena"]
    assert sram["measured_stack"] <= sram["stack"]
    assert report["instructions"] >= sum(x["instructions"] for x in report["layers"])
