"""docs/finetuning.md does what it says: its example is run as it stands there, and built."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.invoke import edgec
from tests.conftest import ROOT
from tests.effort import slow

for _package in ("torch", "sklearn"):
    pytest.importorskip(_package)

PAGE = (ROOT / "docs" / "finetuning.md").read_text("utf-8")


@slow
@pytest.mark.timeout(600)
def test_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (script,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    (command,) = re.findall(r"```bash\nedgec (.*?)\n```", PAGE, re.DOTALL)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    real, tuned, before, after = map(float, re.findall(r"([\d.]+)%", done.stdout))
    assert real > 90 and tuned > real - 4 and after > before + 2
    assert "epoch 5 of 5" in done.stderr and "best step" in done.stderr
    monkeypatch.chdir(tmp_path)
    assert edgec(*command.split(), "--no-verify").status == 0


def test_the_arguments_are_those_of_the_function() -> None:
    import inspect

    from edgec.quant import finetune

    (listed,) = re.findall(r"    finetune\((.*?)\)\n", PAGE, re.DOTALL)
    given = {a.strip() for a in listed.replace("\n", " ").split(", ")}
    parameters = inspect.signature(finetune).parameters.values()
    own = {p.name if p.default is p.empty else f"{p.name}={p.default!r}" for p in parameters} | {"*"}
    assert given == {a.replace("'", '"') for a in own}
