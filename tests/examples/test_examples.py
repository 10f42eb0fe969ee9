"""The examples: they train, export and compile, and their checkpoints are what the README says."""

from __future__ import annotations

import importlib
import json
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from tests.cli.invoke import edgec
from tests.conftest import ROOT

torch = pytest.importorskip("torch")
pytest.importorskip("sklearn")


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> object:
    """Imports a module of examples/ as its scripts do; works in a folder of its own."""
    monkeypatch.syspath_prepend(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    before = set(sys.modules)
    yield importlib.import_module
    torch.set_num_threads(threads)
    for name in set(sys.modules) - before:
        if Path(getattr(sys.modules[name], "__file__", None) or "/").parent == ROOT / "examples":
            del sys.modules[name]


@pytest.mark.parametrize(("name", "enough"), [("digits_cnn", 90)])
def test_digits_from_training_to_the_board(example: object, name: str, enough: float) -> None:
    digits, script, training = (example(m) for m in ("digits", name, "training"))  # type: ignore[operator]
    torch.manual_seed(0)
    images, model = digits.load(), script.build()
    top1 = training.fit(model, images, replace(script.RECIPE, epochs=12))
    assert top1 > enough
    training.export(model, images, name)
    built = edgec(
        *("build", f"{name}.pt2", "--target", "stm32f746", "--budget", "320KB"),
        *("--calib", f"{name}-calib.npz", "--out", "out"),
    )
    assert built.status == 0, built.err
    ran = edgec("eval", "out", "--data", f"{name}-test.npz", "--on", "sim", "--samples", "359", "--json")
    assert ran.status == 0, ran.err
    found = json.loads(ran.out)
    assert found["samples"] == found["of"] == 359 and found["float"]["model"] == f"{name}.pt2"
    assert abs(100 * found["float"]["top1"] - top1) < 0.01
    assert abs(100 * found["top1"] - top1) < 2 and found["float"]["agreement"] > 0.97


@pytest.mark.parametrize(("name", "enough"), [("cifar_vit", 70), ("cifar_cnn", 80)])
def test_cifar_checkpoints(example: object, data_dir: Path, name: str, enough: float) -> None:
    cifar10: ModuleType = example("cifar10")  # type: ignore[operator]
    model = cifar10.trained(name, example(name).build)  # type: ignore[operator]
    x, y = cifar10.read(data_dir / "cifar10" / "test.parquet")
    top1 = example("training").accuracy(model, x[:1000], y[:1000])  # type: ignore[operator]
    assert top1 > enough


def test_training_resumes_where_it_stopped(example: object, tmp_path: Path) -> None:
    digits, script, training = (example(m) for m in ("digits", "digits_cnn", "training"))  # type: ignore[operator]
    images = digits.load()
    few = training.Images(images.x[:100], images.y[:100], images.test_x[:50], images.test_y[:50])
    recipe = replace(script.RECIPE, epochs=3)

    def trained(stops: bool) -> list[np.ndarray]:
        torch.manual_seed(0)
        model = script.build()
        if stops:
            saved = tmp_path / "state"
            calls = iter(range(10))

            def interrupt(*arguments: object) -> float:
                if next(calls) == 1:
                    raise KeyboardInterrupt
                return 0.0

            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(training, "accuracy", interrupt)
                with pytest.raises(KeyboardInterrupt):
                    training.fit(model, few, recipe, resume=saved)
            torch.manual_seed(1)
            model = script.build()
            training.fit(model, few, recipe, resume=saved)
        else:
            training.fit(model, few, recipe)
        return [p.detach().numpy() for p in model.parameters()]

    for a, b in zip(trained(False), trained(True), strict=True):
        np.testing.assert_array_equal(a, b)
