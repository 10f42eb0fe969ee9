"""What cannot be compiled is refused with one clear error."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from torch import Tensor, nn  # noqa: E402

from edgec.diagnostics import Diagnostic  # noqa: E402
from edgec.frontends.torch import is_callable_spec, load_torch, resolve_callable  # noqa: E402
from tests.frontends.torch_check import IMAGE, TOKENS, Call  # noqa: E402


def refused(spec: object) -> Diagnostic:
    with pytest.raises(Diagnostic) as caught:
        load_torch(spec)  # type: ignore[arg-type]
    return caught.value


def test_every_unsupported_op_is_listed_with_its_layer() -> None:
    class Odd(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.sort(x, -1)[0]

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem, self.odd = nn.Linear(8, 8), nn.Sequential(Odd(), nn.ReLU(), Odd())

        def forward(self, x: Tensor) -> Tensor:
            return torch.fft.rfft(self.odd(self.stem(x))).abs() + torch.topk(x, 5)[0]

    error = refused((Model(), (TOKENS,)))
    listed = [text for _, text in error.facts]
    assert error.code == "E202"
    assert "sort in odd.0" in listed and "sort in odd.2" in listed
    assert any(t.startswith("topk") for t in listed) and any("complex numbers" in t for t in listed)


def test_random_numbers_are_refused() -> None:
    error = refused((Call(lambda x: x + torch.rand(8)), (TOKENS,)))
    assert error.code == "E202" and "random numbers" in error.facts[0][1]


def test_training_mode_is_named() -> None:
    model = nn.Sequential(nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4), nn.Dropout(0.5)).train()
    error = refused(torch.export.export(model, (torch.randn(2, 4, 4, 4),)))
    assert error.code == "E202"
    assert "eval()" in error.remedies[0]


def test_dynamic_shapes_are_refused_in_memory_and_from_a_file(tmp_path: Path) -> None:
    program = torch.export.export(
        nn.Linear(8, 2), (torch.randn(4, 8),), dynamic_shapes={"input": {0: torch.export.Dim("batch")}}
    )
    torch.export.save(program, tmp_path / "m.pt2")
    for spec in (program, tmp_path / "m.pt2"):
        error = refused(spec)
        assert error.code == "E203" and error.remedies
        assert error.facts[0][1].startswith("input [")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_named(value: float) -> None:
    model = nn.Sequential(nn.Linear(8, 4), nn.ReLU(), nn.Linear(4, 2))
    with torch.no_grad():
        model[2].weight[0, 1] = value
    error = refused((model, (TOKENS,)))
    assert error.code == "E204" and error.facts == (("weight", "2.weight"),)


def test_nan_that_arises_in_folding_is_named() -> None:
    error = refused((Call(lambda x: x + torch.log(-torch.ones(8))), (TOKENS,)))
    assert error.code == "E204"


def test_integer_inputs_are_refused() -> None:
    error = refused((nn.Embedding(9, 4), (torch.zeros(1, 5, dtype=torch.int64),)))
    assert error.code == "E202" and "int64" in error.facts[0][1]
    wraps = refused((Call(lambda x: (x + x).float()), (torch.zeros(1, 4, dtype=torch.uint8),)))
    assert "uint8" in wraps.facts[0][1]


def test_a_model_that_changes_its_input_is_refused() -> None:
    error = refused((Call(lambda x: x.add_(1)), (TOKENS.clone(),)))
    assert error.code == "E202"


@pytest.mark.parametrize(
    ("fn", "op"), [(lambda x: torch.nonzero(x > 0), "nonzero"), (lambda x: x[x > 0].sum(), "index.Tensor")]
)
def test_shapes_that_values_decide_are_refused(fn: Callable[[Tensor], Tensor], op: str) -> None:
    error = refused((Call(fn), (TOKENS,)))
    assert error.code == "E202" and f"{op} in " in error.render()
    assert len(error.facts) == 1  # what follows from it is not listed


def test_control_flow_on_values_is_refused(capfd: pytest.CaptureFixture[str]) -> None:
    error = refused((Call(lambda x: x if x.sum() > 0 else -x), (TOKENS,)))
    assert capfd.readouterr() == ("", "")  # torch prints the graph it has so far
    assert error.code == "E201" and "torch.export" in error.title


def test_callable_specs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "zoo_of_mine.py").write_text(
        "import torch\n"
        "def small():\n    return torch.nn.Linear(4, 2), torch.zeros(1, 4)\n"
        "def pair():\n    return torch.nn.Linear(4, 2), (torch.zeros(1, 4),)\n"
        "def wrong():\n    return 3\n"
        "def fails():\n    raise ValueError('no weights here')\n"
    )
    (tmp_path / "broken_of_mine.py").write_text("import torch\n1 / 0\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    assert is_callable_spec("zoo_of_mine:small") and not is_callable_spec("a/b.pt2")
    assert len(load_torch("zoo_of_mine:small")) == len(load_torch("zoo_of_mine:pair")) == 1
    assert resolve_callable("zoo_of_mine:small")[1][0].shape == (1, 4)
    cases = {
        "not_of_mine:small": "E205",
        "zoo_of_mine:large": "E205",
        "zoo_of_mine:wrong": "E201",
        "zoo_of_mine:fails": "E201",
        "broken_of_mine:small": "E201",
    }
    for spec, code in cases.items():
        assert refused(spec).code == code, spec
    assert "no weights here" in refused("zoo_of_mine:fails").render()


def test_a_missing_file_is_no_model(tmp_path: Path) -> None:
    assert refused(tmp_path / "none.pt2").code == "E205"


def test_a_batch_stays_as_exported() -> None:
    graph = load_torch((nn.Flatten(), (IMAGE.repeat(3, 1, 1, 1),)))
    assert graph.type(graph.outputs[0]).shape == (3, 256)
