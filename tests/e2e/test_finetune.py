"""Fine-tuning: what was trained with is, byte for byte, what the compiled code computes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from edgec import run_io  # noqa: E402
from edgec.options import Silent  # noqa: E402
from edgec.quant import finetune  # noqa: E402
from edgec.report import files  # noqa: E402
from edgec.runners import open_runner  # noqa: E402
from tests.conftest import Builder  # noqa: E402
from tests.e2e import models  # noqa: E402

FORMS = {
    "tiny_vit": {"": "int8", "patch": "int4", "blocks": "codebook3", "blocks.0.mlp": "int4"},
    "separable": {"": "codebook3", "0": "int8", "8": "int4"},
}


@pytest.mark.parametrize("name", FORMS)
def test_the_compiled_code_gives_what_was_trained_with(built: Builder, tmp_path: Path, name: str) -> None:
    torch.manual_seed(3)
    model, example = getattr(models, name)()
    x, y = torch.randn(24, *example[0].shape[1:]), torch.randint(0, 2, (24,))
    tuned = finetune(
        model, example, (x, y), forms=FORMS[name], epochs=2, batch=8, prepare=False, progress=Silent()
    )
    assert tuned.best == min(tuned.history, key=lambda c: c.loss) and not tuned.diverged
    assert len({c.loss for c in tuned.history}) > 1, "nothing was learned"
    folder, drawn = built(tuned.save(tmp_path / "t.edgec"), "host", verify=False), x * 1.5
    report = files.load(folder)
    with open_runner(folder, "host") as runner:
        arrays = run_io.fit({report["inputs"][0]["name"]: drawn.numpy()}, report["inputs"])
        ran = runner.run(run_io.pack(arrays, report["inputs"]))
    (got,) = run_io.unpack([r.outputs for r in ran], report["outputs"]).values()
    (want,) = tuned(drawn)
    np.testing.assert_array_equal(got.reshape(24, -1), want.integers.reshape(24, -1))
    assert len(np.unique(got)) > 8, "inputs that tell nothing"
    stored = {layer["weights"]["form"] for layer in report["layers"] if "weights" in layer}
    assert stored == {"int8", "int4", "codebook3"}
