"""eval on a real build: against the float model, interrupted, and without the model."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from edgec import evaluate
from edgec.batches import Batches
from edgec.sim.runner import RunResult
from tests.cli.invoke import Outcome, edgec

torch = pytest.importorskip("torch")

from tests.errors.models import save_small, small  # noqa: E402

X = np.random.default_rng(3).normal(size=(300, 8)).astype(np.float32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A linear layer of four outputs in m-out, its model m.pt2 and data.npz with labels beside it."""
    place = tmp_path_factory.mktemp("eval")
    save_small(place / "m.pt2")
    y = small()[0](torch.from_numpy(X)).argmax(1).numpy()
    y[::10] = (y[::10] + 1) % 4
    np.savez(place / "data.npz", x=X, y=y)
    before = Path.cwd()
    os.chdir(place)
    try:
        np.savez("calib.npz", x=X[:64])
        done = edgec("build", "m.pt2", "--target", "stm32f746", "--out", "m-out", "--calib", "calib.npz")
    finally:
        os.chdir(before)
    assert done.status == 0, done.err
    return place


def evaluated(folder: Path, *arguments: object) -> Outcome:
    return edgec("eval", folder / "m-out", "--data", folder / "data.npz", *arguments)


def test_figures_of_all_samples(folder: Path, tmp_path: Path) -> None:
    done = evaluated(folder, "--json", "--out", tmp_path / "c.svg")
    assert done.status == 0, done.err
    e = json.loads(done.out)
    edgec(
        "run", folder / "m-out", "--on", "host", "--input", save(tmp_path, X), "--output", tmp_path / "y.npy"
    )
    said, y = np.load(tmp_path / "y.npy").argmax(1), np.load(folder / "data.npz")["y"]
    real = small()[0](torch.from_numpy(X)).detach().numpy().argmax(1)
    assert (e["samples"], e["of"], "seed" in e, "planned" in e) == (300, 300, False, False)
    assert e["right"] == (said == y).sum() and "top5" not in e
    assert e["float"]["agreement"] == (said == real).mean() > 0.9
    assert e["float"]["top1"] == 0.9 and e["float"]["model"] == "m.pt2"
    assert sum(c["count"] for c in e["confusions"]) == (said != y).sum()
    assert (tmp_path / "c.svg").read_text().startswith("<svg")


def save(place: Path, x: np.ndarray) -> Path:
    np.save(place / "x.npy", x)
    return place / "x.npy"


def test_drawn_samples_are_the_same_everywhere(folder: Path) -> None:
    found = [
        json.loads(evaluated(folder, "--json", "--no-float", "--samples", "50", "--on", place).out)
        for place in ("host", "sim", "host")
    ]
    assert found[0] == found[2] and found[0]["seed"] == 0 and found[0]["samples"] == 50
    assert {**found[1], "on": "host"} == found[0]
    assert "float" not in found[0] and "float_absent" not in found[0]


def test_boards_run_a_sample_by_default(folder: Path) -> None:
    done = evaluated(folder, "--no-float", "--on", "sim")
    assert "100 of 300 samples, drawn with seed 0" in done.out


def test_an_interrupt_leaves_what_is_known(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, calls = Batches.run, iter(range(9))

    def interrupted(self: Batches, samples: list[bytes]) -> list[RunResult]:
        if next(calls) == 2:
            raise KeyboardInterrupt
        return run(self, samples)

    monkeypatch.setattr(Batches, "run", interrupted)
    monkeypatch.setattr(evaluate, "_CHUNK", 16)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    done = evaluated(folder, "--json")
    assert done.status == 130
    e = json.loads(done.out)
    assert (e["samples"], e["planned"], sum(c["samples"] for c in e["classes"])) == (64, 300, 64)
    assert "interrupted: 64 of 300 samples ran" in done.err and "nothing was written" not in done.err
    monkeypatch.setattr(Batches, "run", run)
    whole = json.loads(evaluated(folder, "--json", "--no-float").out)
    assert whole["samples"] == 300 and e["right"] < whole["right"] and "planned" not in whole


def test_an_interrupt_before_the_first_answer(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(self: Batches, samples: list[bytes]) -> list[RunResult]:
        raise KeyboardInterrupt

    monkeypatch.setattr(Batches, "run", interrupted)
    done = evaluated(folder, "--no-float")
    assert (done.status, done.out) == (130, "")


def test_the_float_model_may_be_gone_or_another(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "m-out", tmp_path / "m-out")
    shutil.copy(folder / "data.npz", tmp_path)

    def absent() -> str:
        return str(json.loads(evaluated(tmp_path, "--json", "--samples", "9").out)["float_absent"])

    assert "no longer there" in absent()
    assert "no longer there" in evaluated(tmp_path, "--samples", "9").out
    (tmp_path / "m.pt2").write_bytes(b"another")
    assert "has changed" in absent()
    given = evaluated(tmp_path, "--json", "--samples", "9", "--model", folder / "m.pt2")
    assert json.loads(given.out)["float"]["agreement"] > 0.5
    report = json.loads((tmp_path / "m-out" / "report.json").read_text())
    assert report["source"]["model"] == "m.pt2" and len(report["source"].pop("sha256")) == 64
    (tmp_path / "m-out" / "report.json").write_text(json.dumps(report))
    (tmp_path / "m.pt2").unlink()
    assert "cannot be read: no such model" in absent()
    del report["source"]
    (tmp_path / "m-out" / "report.json").write_text(json.dumps(report))
    assert "names no model" in absent()


def test_sensitivities(folder: Path) -> None:
    done = evaluated(folder, "--sensitivity", "--samples", "40", "--json")
    assert done.status == 0, done.err
    (layer,) = json.loads(done.out)["sensitivity"]
    assert (layer["name"], layer["op"], layer["weights"], layer["share"]) == ("fc", "linear", 32, 1.0)
    assert 30 < layer["snr_db"] < 70
    assert "error[E101]: sensitivities" in evaluated(folder, "--sensitivity", "--no-float").err


def test_the_picture_goes_nowhere(folder: Path, tmp_path: Path) -> None:
    done = evaluated(folder, "--no-float", "--samples", "4", "--out", tmp_path / "no" / "c.svg")
    assert done.status == 2 and "error[E103]" in done.err
