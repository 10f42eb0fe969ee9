"""What all tests share."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

Builder = Callable[..., Path]


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real models and data; skips the test where it is absent."""
    folder = Path(os.environ.get("EDGEC_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no test data at {folder} (set EDGEC_DATA)")
    return folder


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Builder:
    """built(model, target, **options) -> the build directory, made on first use."""
    from edgec.build import build
    from edgec.options import BuildOptions, Silent

    made: dict[tuple[object, ...], Path] = {}

    def get(model: Path | str, target: str, **options: object) -> Path:
        key = (str(model), target, *sorted(options.items()))
        if key not in made:
            out = tmp_path_factory.mktemp("build") / "out"
            build(BuildOptions(str(model), target, out, **options), Silent())  # type: ignore[arg-type]
            made[key] = out
        return made[key]

    return get
