"""Packages of whole builds, made once a session, and what their samples have to print."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgec.output_dir import write_files
from edgec.package import package_files
from edgec.report import files
from edgec.runners import open_runner
from tests.conftest import Builder

IMAGE = "tests.errors.models:image"
STUBS = Path(__file__).parent / "stubs"

Packager = Callable[..., Path]


@pytest.fixture(scope="session")
def packaged(built: Builder, tmp_path_factory: pytest.TempPathFactory) -> Packager:
    """packaged(form, model, target, **options) -> a folder that has the package's name."""
    made: dict[tuple[object, ...], Path] = {}

    def get(form: str, model: str, target: str, **options: object) -> Path:
        key = (form, model, target, *sorted(options.items()))
        if key not in made:
            contents = package_files(built(model, target, **options), form)
            name = next(p for p in contents if p.endswith("edgec.json"))
            text = contents[name]
            assert isinstance(text, str)
            title = re.search(r'"name": "(\w+)"', text)
            assert title
            made[key] = tmp_path_factory.mktemp(form) / title[1]
            write_files(made[key], contents)
        return made[key]

    return get


@pytest.fixture(scope="session")
def zeros(built: Builder) -> Callable[..., list[int]]:
    """zeros(model, target, **options) -> the outputs for inputs that are all zero, as samples print them."""

    def get(model: str, target: str, **options: object) -> list[int]:
        folder = built(model, target, **options)
        report = files.load(folder)
        sizes = [np.dtype(p["dtype"]).itemsize * int(np.prod(p["shape"])) for p in report["inputs"]]
        with open_runner(folder, "host") as runner:
            raw = runner.run([bytes(sum(sizes))])[0].outputs
        return np.frombuffer(raw, report["outputs"][0]["dtype"]).tolist()

    return get


def printed(text: str) -> list[int]:
    """The values that a sample printed, one a line: `output[3] = 5`, `output 3: 5`."""
    return [int(v) for v in re.findall(r"^output\W+\d+\W+?(-?\d+)\s*$", text, re.MULTILINE)]
