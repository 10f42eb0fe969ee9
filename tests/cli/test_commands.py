"""run, profile and test on a real build."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.cli.invoke import edgec

pytest.importorskip("torch")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small build for the simulated board."""
    out = tmp_path_factory.mktemp("build") / "out"
    done = edgec("build", "tests.errors.models:image", "--target", "stm32f746", "--out", out)
    assert done.status == 0, done.err
    return out


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    path = tmp_path / "x.npy"
    np.save(path, np.random.default_rng(0).normal(size=(20, 3, 8, 8)).astype(np.float32))
    return path


def test_run_gives_the_same_bytes_everywhere(folder: Path, inputs: Path, tmp_path: Path) -> None:
    outputs = []
    for place in ("sim", "host"):
        done = edgec(
            "run", folder, "--on", place, "--input", inputs, "--output", tmp_path / "y.npy", "--json"
        )
        assert done.status == 0, done.err
        facts = json.loads(done.out)
        assert facts["samples"] == 20
        assert ("instructions" in facts) == (place == "sim")
        outputs.append(np.load(tmp_path / "y.npy"))
    assert outputs[0].shape == (20, 4, 6, 6)
    assert outputs[0].dtype == np.int8
    assert len(np.unique(outputs[0])) > 10
    assert (outputs[0] == outputs[1]).all()


def test_many_samples_come_back_in_their_order(folder: Path, tmp_path: Path) -> None:
    x, outputs = np.random.default_rng(1).normal(size=(70, 3, 8, 8)).astype(np.float32), []
    np.save(tmp_path / "x.npy", x)
    for place in ("sim", "host"):
        to = tmp_path / f"{place}.npy"
        done = edgec("run", folder, "--on", place, "--input", tmp_path / "x.npy", "--output", to)
        assert done.status == 0, done.err
        outputs.append(np.load(to))
    assert (outputs[0] == outputs[1]).all()


def test_boards_have_one_thread(folder: Path, inputs: Path) -> None:
    done = edgec("run", folder, "--on", "host", "--threads", "2", "--input", inputs)
    assert done.status == 2
    assert "one thread only: stm32f746, whole input, on host" in done.err
    assert edgec("run", folder, "--on", "host", "--threads", "0", "--input", inputs).status == 2


def test_threads_of_a_build_for_linux(inputs: Path, tmp_path: Path) -> None:
    out, got = tmp_path / "out", []
    done = edgec("build", "tests.errors.models:image", "--target", "cortex-a76", "--out", out)
    assert done.status == 0, done.err
    report = json.loads((out / "report.json").read_text())
    assert report["instructions"] > sum(x["instructions"] for x in report["layers"]) > 0
    assert "cycles" not in report and "Cortex-A" in report["cycles_model"]
    assert "instructions and bytes only" in edgec("profile", out).out
    for threads in ("1", "3"):
        to = tmp_path / f"{threads}.npy"
        arguments = ("--on", "host", "--threads", threads, "--input", inputs, "--output", to)
        assert edgec("run", out, *arguments).status == 0
        got.append(np.load(to))
    assert (got[0] == got[1]).all()
    assert "one thread only" in edgec("run", out, "--on", "sim", "--threads", "2", "--input", inputs).err


def test_run_without_a_file_shows_the_outputs(folder: Path, inputs: Path) -> None:
    facts = json.loads(edgec("run", folder, "--on", "host", "--input", inputs, "--json").out)
    (values,) = facts["outputs"].values()
    assert np.array(values).shape == (20, 4, 6, 6)
    assert "[20, 4, 6, 6] int8" in edgec("run", folder, "--on", "host", "--input", inputs).out


def test_run_is_the_model(folder: Path, inputs: Path, tmp_path: Path) -> None:
    """Axis orders in and out are the user's: the outputs follow the float model."""
    import torch

    from tests.errors.models import image

    edgec("run", folder, "--on", "host", "--input", inputs, "--output", tmp_path / "y.npy")
    (port,) = json.loads((folder / "report.json").read_text())["outputs"]
    got = port["scale"] * (np.load(tmp_path / "y.npy").astype(float) - port["zero_point"])
    want = image()[0](torch.from_numpy(np.load(inputs))).detach().numpy()
    assert (got * want).sum() / np.linalg.norm(got) / np.linalg.norm(want) > 0.99


def test_profile_measures_again(folder: Path) -> None:
    own = json.loads(edgec("profile", folder, "--json").out)
    again = json.loads(edgec("profile", folder, "--on", "sim", "--json").out)
    assert [x["name"] for x in own["layers"]] == [x["name"] for x in again["layers"]]
    assert sum(x["instructions"] for x in again["layers"]) <= again["instructions"]
    table = edgec("profile", folder)
    assert "features.0" in table.out
    assert "total" in table.out


def test_profile_where_nothing_is_counted(folder: Path) -> None:
    done = edgec("profile", folder, "--on", "host")
    assert done.status == 2
    assert "nothing is counted by layer on host" in done.err


@pytest.mark.parametrize("place", ["sim", "host"])
def test_the_tests_of_a_build_pass(folder: Path, place: str) -> None:
    done = edgec("test", folder, "--on", place)
    assert done.status == 0, done.err
    assert f"tests passed on {place}" in done.out


def test_a_failing_layer_is_named(folder: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(folder, broken)
    cases = json.loads((broken / "tests" / "cases.json").read_text())
    layer = cases["layers"][0]
    (result,) = layer["results"]
    vector = broken / "tests" / "vectors" / result["file"]
    data = bytearray(vector.read_bytes())
    data[2 * result["row_bytes"] + 7] ^= 1
    vector.write_bytes(data)
    done = edgec("test", broken, "--on", "host")
    assert done.status == 6
    assert f"--> {layer['name']}" in done.err
    assert f"row 2 of {result['name']}: element 7 is" in done.err


def test_damaged_tests_are_said(folder: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(folder, broken)
    next((broken / "tests" / "vectors").iterdir()).write_bytes(b"")
    done = edgec("test", broken, "--on", "host")
    assert done.status == 2
    assert "edgec build writes them anew" in done.err
    (broken / "tests" / "cases.json").unlink()
    assert edgec("test", broken, "--on", "host").status == 2
