"""--max-drop: weights in as few bits as the flash asks for, learned, measured, every byte right."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from edgec.frontends import load_model
from edgec.ir.text import to_text
from edgec.ops.base import call_of, op_of
from edgec.options import BuildOptions, Silent
from edgec.pipeline import FLOAT_PASSES, LEAST, lower, run_passes
from edgec.quant.data import Samples
from edgec.quant.learn import recipe, weights
from edgec.quant.learn.recipe import Recipe
from edgec.quant.learn.torch_graph import constants_of, inputs_of, outputs_with
from edgec.quant.learn.weights import learn
from edgec.report import files, precision, table

from .conftest import Builder

KB = 1024
MODEL = "tests.e2e.models:vit_64"
TINY = "tests.e2e.models:tiny_vit"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Samples with the float model's own answers as labels."""
    path = tmp_path_factory.mktemp("data") / "x.npz"
    x = np.random.default_rng(0).normal(size=(400, 3, 16, 16)).astype(np.float32)
    from tests.e2e.models import vit_64

    module, _ = vit_64()
    with torch.no_grad():
        y = module(torch.from_numpy(x)).argmax(1).numpy()
    np.savez(path, x=x, y=y)
    return path


def test_weights_fit_the_flash_that_there_is(
    built: Builder, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recipe, "_WORK", 3e9)  # some 30 steps
    budget = 80 * KB
    folder = built(MODEL, "stm32f746", flash_budget=budget, max_drop=60.0, calib=data)
    report = files.load(folder)
    assert report["flash"]["total"] <= budget
    assert all(c["passed"] for c in report["checks"])
    weighing = report["weighing"]
    assert weighing["samples"] == 133 and weighing["drop"] <= 60
    assert weighing["drop"] == pytest.approx(weighing["top1_float"] - weighing["top1"])
    (built_one,) = [p for p in weighing["frontier"] if p["chosen"]]
    assert "codebook" in built_one["forms"] or "int4" in built_one["forms"]
    stored = {x["weights"]["form"] for x in report["layers"] if "weights" in x}
    assert stored == {w.split(" x")[0] for w in built_one["forms"].split(", ")}
    assert built_one["forms"] in table.plain(precision.frontier(report))
    assert (folder / precision.PICTURE).read_text("utf-8") == precision.svg(report["model"], weighing)


@pytest.mark.parametrize(("name", "of"), [("segmentation", "answers"), ("super_resolution", "values")])
def test_maps_of_places_and_of_values(
    name: str, of: str, built: Builder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recipe, "_WORK", 3e8)
    x = np.random.default_rng(0).normal(size=(60, 3, 12, 12)).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    model, calib = f"tests.e2e.models:{name}", tmp_path / "x.npy"
    folder = built(model, "stm32f746", flash_budget=47 * KB, max_drop=30.0, calib=calib)
    report = files.load(folder)
    assert report["flash"]["total"] <= 47 * KB and all(c["passed"] for c in report["checks"])
    weighing = report["weighing"]
    assert weighing["of"] == of and "top1" not in weighing and 0 < weighing["drop"] < 30
    stored = {x["op"] for x in report["layers"] if "weights" in x and x["weights"]["form"] != "int8"}
    assert stored, "nothing was shrunk"
    assert ("variance" if of == "values" else "answers") in table.plain(precision.frontier(report))


WIDE = "tests.errors.models:wide"


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Samples of WIDE."""
    path = tmp_path_factory.mktemp("data") / "x.npy"
    np.save(path, np.random.default_rng(0).normal(size=(60, 256)).astype(np.float32))
    return path


def test_doubts_about_the_samples_are_in_the_report(
    built: Builder, rows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recipe, "_WORK", 3e8)
    calib = tmp_path / "x.npz"
    np.savez(calib, x=np.load(rows), y=np.full(60, 7))
    options = {"calib": calib, "max_drop": 100.0, "verify": False}
    whole = files.load(built(WIDE, "stm32f746", **options))
    shrunk = files.load(built(WIDE, "stm32f746", flash_budget=64 * KB, **options))
    assert "weighing" in shrunk
    for report, count in ((whole, 60), (shrunk, 40)):
        (told,) = [w for w in report["warnings"] if "one class" in w]
        assert told.startswith(f"all {count} calibration samples are of one class, 7: ") and "dB" in told


def test_a_program_fits_what_there_is_of_it(
    built: Builder, rows: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recipe, "_WORK", 3e8)
    folder = built(WIDE, "cortex-a53", flash_budget=85 * KB, max_drop=60.0, calib=rows)
    report = files.load(folder)
    assert report["flash"]["total"] <= report["flash"]["budget"] == 85 * KB
    assert report["flash"]["weights"] + report["flash"]["code"] == report["flash"]["total"]
    assert report["weighing"]["drop"] <= 60 and all(c["passed"] for c in report["checks"])


@pytest.mark.parametrize(("target", "why"), [("cortex-a53", "no end of flash"), ("stm32f746", "fits flash")])
def test_nothing_to_do_is_said(built: Builder, rows: Path, target: str, why: str) -> None:
    report = files.load(built(WIDE, target, max_drop=1.0, calib=rows, verify=False))
    assert "weighing" not in report
    (note,) = [n for n in report["notes"] if "--max-drop" in n]
    assert why in note


def test_what_loses_nothing_is_not_learned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "learn", lambda *_: pytest.fail("learned"))
    graph, calib = load_model(TINY), tmp_path / "x.npz"
    np.savez(calib, x=np.random.default_rng(0).random((LEAST, *graph.type(graph.inputs[0]).shape[1:])))
    options = BuildOptions(TINY, "stm32f746", tmp_path, weights="int8+huffman", calib=calib)
    lowered = lower(graph, options, Silent())
    assert "int8+huffman" in [n.attrs.get("form") for n in lowered.graph.nodes()]


def dead_inside() -> tuple[nn.Module, tuple[torch.Tensor, ...]]:
    """A perceptron one of whose neurons never fires."""
    torch.manual_seed(0)
    first, last = nn.Linear(27, 128), nn.Linear(128, 70)
    with torch.no_grad():
        first.bias[5] = -100.0
    return nn.Sequential(first, nn.ReLU(), last), (torch.zeros(1, 27),)


@pytest.mark.parametrize("form", ["codebook2/64", "int4/32"])
def test_groups_outlive_dead_neurons(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipe, "_WORK", 1e3)
    calib = tmp_path / "x.npy"
    np.save(calib, np.random.default_rng(0).normal(size=(LEAST, 27)).astype(np.float32))
    graph = load_model(f"{__name__}:dead_inside")
    options = BuildOptions("m", "stm32f746", tmp_path, weights=form, calib=calib)
    lowered = lower(graph, options, Silent())
    stored = [
        op_of(n).kernel(call_of(lowered.graph, n)).form for n in lowered.graph.nodes() if n.op == "linear"
    ]
    assert stored == ["" if "int4" in form else form, form], "27 inputs are no groups of 32"


@pytest.mark.parametrize(("form", "longest"), [("codebook2", 1), ("codebook2", 4), ("int8", 1)])
def test_learned_weights_lose_less_than_the_nearest(form: str, longest: int) -> None:
    graph = load_model(MODEL)
    run_passes(graph, FLOAT_PASSES)
    x = np.random.default_rng(1).normal(size=(160, *graph.type(graph.inputs[0]).shape[1:])).astype(np.float32)
    learnt, other = (Samples({graph.inputs[0]: part}, "drawn") for part in (x[:128], x[128:]))
    forms = {n.name: form for n in graph.nodes() if n.op in ("linear", "conv2d")}

    def noise(steps: int) -> float:
        made = learn(graph, forms, learnt, Recipe(steps, steps, longest=longest), Silent())
        inputs = inputs_of(graph, other)
        ((want,), (got,)) = (outputs_with(g, inputs, constants_of(g), {}) for g in (graph, made))
        return float(np.square(got - want).mean() / np.var(want))

    assert noise(40) < 0.6 * noise(0)


class Interrupted(Silent):
    """Ctrl-C at a step."""

    def __init__(self, step: int) -> None:
        self.at = step

    def step(self, done: int, total: int) -> None:
        if done == self.at:
            raise KeyboardInterrupt


def test_learning_goes_on_where_it_was_interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = load_model(MODEL)
    run_passes(graph, FLOAT_PASSES)
    x = np.random.default_rng(1).normal(size=(20, *graph.type(graph.inputs[0]).shape[1:])).astype(np.float32)
    forms = {n.name: "codebook3/16" for n in graph.nodes() if n.op == "linear"}
    samples, recipe = Samples({graph.inputs[0]: x}, "drawn"), Recipe(16, 16, batch=4)
    monkeypatch.setenv("EDGEC_CACHE", str(tmp_path / "first"))
    first = learn(graph, forms, samples, recipe, Silent())
    monkeypatch.setenv("EDGEC_CACHE", str(tmp_path / "second"))
    total = 16 * len(forms) + 16
    for step in (5, total - 19, total - 3):
        with pytest.raises(KeyboardInterrupt):
            learn(graph, forms, samples, recipe, Interrupted(step))
    (stand,) = (tmp_path / "second" / "learned").iterdir()
    second = learn(graph, forms, samples, recipe, Silent())
    third = learn(graph, forms, samples, recipe, Interrupted(total - 1))
    assert to_text(first) == to_text(second) == to_text(third)
    stand.write_bytes(stand.read_bytes()[:1000])
    with pytest.raises(KeyboardInterrupt):
        learn(graph, forms, samples, recipe, Interrupted(1))
