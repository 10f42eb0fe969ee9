"""Fine-tuning: exact, seeded, resumable at any point, and honest where it cannot go on."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import Tensor, nn  # noqa: E402
from torch.utils.data import DataLoader, TensorDataset  # noqa: E402

from edgec.diagnostics import Diagnostic  # noqa: E402
from edgec.frontends import load_model  # noqa: E402
from edgec.frontends.torch import load_torch  # noqa: E402
from edgec.ir import Graph  # noqa: E402
from edgec.ir.store import to_bytes  # noqa: E402
from edgec.ops.interpret import evaluate  # noqa: E402
from edgec.options import Silent  # noqa: E402
from edgec.quant import finetune  # noqa: E402
from edgec.quant.formats import to_integers  # noqa: E402
from edgec.quant.learn import tune  # noqa: E402
from edgec.quant.learn.recipe import Recipe  # noqa: E402

EXAMPLE = torch.zeros(1, 2, 4, 4)
LOADED: dict[bytes, Graph] = {}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Equal models are exported once; one thread is faster where so little is computed."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)

    def load(spec: tuple[nn.Module, tuple[Tensor, ...]]) -> Graph:
        key = b"".join(p.detach().numpy().tobytes() for p in spec[0].parameters())
        if key not in LOADED:
            LOADED[key] = load_torch(spec)
        return LOADED[key].copy()

    monkeypatch.setattr("edgec.finetune.load_torch", load)
    yield
    torch.set_num_threads(threads)


class Small(nn.Module):
    """A convolution, a norm and an MLP."""

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(2, width, 3), nn.LayerNorm(width)
        self.up, self.head = nn.Linear(width, 16), nn.Linear(16, 3)

    def forward(self, x: Tensor) -> Tensor:
        y = torch.relu(self.conv(x)).flatten(2).transpose(1, 2)
        out: Tensor = self.head(torch.relu(self.up(self.norm(y))).mean(1))
        return out


def small(width: int = 8, seed: int = 0) -> Small:
    torch.manual_seed(seed)
    return Small(width)


def data(count: int = 48) -> tuple[Tensor, Tensor]:
    rng = torch.Generator().manual_seed(5)
    x = torch.randn(count, 2, 4, 4, generator=rng)
    return x, (x.mean((1, 2, 3)) > 0).long()


def tuned(given: object = None, **options: Any) -> Any:
    options = {
        "forms": "codebook2",
        "epochs": 2,
        "batch": 8,
        "prepare": False,
        "progress": Silent(),
        **options,
    }
    return finetune(
        options.pop("model", None) or small(), EXAMPLE, data() if given is None else given, **options
    )


class Said(Silent):
    """Remembers warnings and notes."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def note(self, text: str) -> None:
        self.lines.append(text)

    warn = note


FORMS = [
    "int8",
    "int8+huffman",
    "int4",
    "int4/16",
    "codebook3",
    {"": "codebook2", "head": "int8", "up": "int4"},
]


@pytest.mark.parametrize("forms", FORMS)
def test_what_is_saved_computes_what_was_trained_with(tmp_path: Path, forms: object) -> None:
    result, (x, _) = tuned(forms=forms), data()
    graph = load_model(str(result.save(tmp_path / "t.edgec")))
    assert to_bytes(graph) == to_bytes(result.graph)
    (want,) = result(x)
    name = graph.inputs[0]
    inputs = to_integers(x.numpy().transpose(0, *graph.input_perms[name][1:]), graph.type(name))
    for k in range(len(x)):
        (got,) = evaluate(graph, {name: inputs[k : k + 1]}).values()
        np.testing.assert_array_equal(got[0], want.integers[k])
    forms_of = {n.path: n.attrs.get("form") for n in graph.nodes() if n.op in ("conv2d", "linear")}
    if isinstance(forms, dict):
        assert forms_of == {"conv": "codebook2", "up": "int4", "head": None}
    else:  # groups of 16 inputs do not divide the 8 of up, nor the 18 of conv
        fits = ["head"] if forms == "int4/16" else ["conv", "up", "head"]
        assert [p for p, f in forms_of.items() if f == forms] == ([] if forms == "int8" else fits)


def test_it_learns() -> None:
    result = tuned(epochs=6, labels=0.0)
    assert result.best.loss < 0.7 * result.history[0].loss
    labelled = tuned(epochs=6, labels=1.0, forms="int4", rate=0.05)
    assert labelled.best.top1 > labelled.history[0].top1 + 0.1


class Codec(nn.Module):
    """An autoencoder of [N, 12]; with places it tells the largest of what it restores."""

    def __init__(self, places: bool = False) -> None:
        super().__init__()
        torch.manual_seed(places)
        self.places, self.inner, self.out = places, nn.Linear(12, 6), nn.Linear(6, 12)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.out(torch.relu(self.inner(x)))
        return y.argmax(1) if self.places else y


def codec(places: bool = False, **options: Any) -> Any:
    x = torch.randn(48, 12, generator=torch.Generator().manual_seed(1))
    given = options.pop("given", lambda x: x)(x)
    return finetune(
        *(Codec(places), x[:1], given),
        **{"forms": "codebook2", "epochs": 4, "batch": 8, "prepare": False, "progress": Silent(), **options},
    )


def test_values_are_compared_by_mean_squares() -> None:
    said = Said()
    result = codec(loss="values", rate=0.05, progress=said)
    assert result.best.loss < 0.9 * result.history[0].loss and not any("classes" in s for s in said.lines)
    x = torch.randn(48, 12, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        want = Codec()(x)
    share = ((result(x)[0].real - want) ** 2).mean() / want.var(correction=0)
    assert result.best.loss == pytest.approx(float(share), rel=1e-3)


def test_what_stands_beside_values_is_not_read() -> None:
    want = to_bytes(codec(loss="values", epochs=1).graph)
    for given in (lambda x: (x, x), lambda x: list(zip(x, x, strict=True))):
        assert to_bytes(codec(loss="values", epochs=1, given=given).graph) == want
    with pytest.raises(Diagnostic, match="whole numbers") as raised:
        codec(given=lambda x: list(zip(x, x, strict=True)))
    assert 'loss="values"' in raised.value.remedies[0]


def test_rows_without_labels_are_said_to_be_taken_for_classes() -> None:
    said = Said()
    codec(epochs=1, progress=said)
    assert any('loss="values"' in s for s in said.lines)


@pytest.mark.parametrize("prepare", [False, True])
def test_an_argmax_is_trained_by_what_it_looks_at(monkeypatch: pytest.MonkeyPatch, prepare: bool) -> None:
    monkeypatch.setattr("edgec.finetune.recipe_for", lambda _: Recipe(10, 10))
    said = Said()
    result = codec(places=True, labels=0.5, prepare=prepare, progress=said, given=lambda x: (x, x.argmax(1)))
    assert result.best.loss < result.history[0].loss and result.best.top1 is not None
    (at,) = result(torch.randn(9, 12))
    assert at.integers.shape == (9,) and at.integers.dtype == np.int32


def test_it_begins_with_what_a_build_learns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgec.finetune.recipe_for", lambda _: Recipe(40, 40))
    plain, prepared = tuned(epochs=1, labels=0.0), tuned(epochs=1, labels=0.0, prepare=True)
    assert prepared.history[0].loss < 0.8 * plain.history[0].loss
    assert prepared.best.loss < plain.best.loss


def test_factors_of_low_rank_are_trained() -> None:
    options = {"model": small(32), "forms": "int8", "labels": 0.0, "rate": 0.02}
    whole, cut = tuned(epochs=1, **options), tuned(epochs=4, rank=0.4, **options)
    sizes = [sum(x.data.size for x in t.graph.values.values() if x.data is not None) for t in (whole, cut)]
    assert sizes[1] < sizes[0]
    assert cut.best.loss < 0.9 * cut.history[0].loss


def test_the_model_and_random_numbers_stay_as_they_were() -> None:
    model = small()
    before = [p.detach().clone() for p in model.parameters()]
    torch.manual_seed(9)
    state = torch.get_rng_state()
    tuned(model=model, epochs=1)
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))
    assert torch.equal(state, torch.get_rng_state())


# -- data -------------------------------------------------------------------------


def test_data_in_any_shape_is_the_same_data() -> None:
    x, y = data()
    want = to_bytes(tuned((x, y)).graph)
    assert to_bytes(tuned((x.numpy(), y.numpy())).graph) == want
    assert to_bytes(tuned(TensorDataset(x, y)).graph) == want
    assert to_bytes(tuned([(a, int(b)) for a, b in zip(x, y, strict=True)]).graph) == want
    batches = list(zip(x.split(8), y.split(8), strict=True))
    ordered = to_bytes(tuned(batches).graph)
    assert ordered == to_bytes(tuned(DataLoader(TensorDataset(x, y), 8)).graph) != want


def test_seeds() -> None:
    loader = DataLoader(TensorDataset(*data()), 8, shuffle=True)
    torch.manual_seed(1)
    first = to_bytes(tuned(loader, epochs=1).graph)
    torch.manual_seed(2)
    assert to_bytes(tuned(loader, epochs=1).graph) == first
    assert to_bytes(tuned(loader, epochs=1, seed=1).graph) != first


BAD: dict[str, tuple[Callable[[], object], str]] = {
    "none": (lambda: (torch.zeros(0, 2, 4, 4), torch.zeros(0).long()), "no samples"),
    "empty": (list, "no samples"),
    "once": (lambda: iter([data()]), "read only once"),
    "labels": (lambda: (data()[0], data()[1] + 2), "label 3 is out of range"),
    "few labels": (lambda: (data()[0], data()[1][:5]), "differ in their number"),
    "real labels": (lambda: (data()[0], data()[1].float()), "whole numbers"),
    "nan": (lambda: (data()[0] / 0, data()[1]), "NaN or infinity"),
    "shape": (lambda: (torch.zeros(4, 4, 4, 2), data()[1][:4]), "wrong shape"),
    "integers": (lambda: ((data()[0] * 9).int(), data()[1]), "takes floats"),
    "nothing": (lambda: 7.5, "wrong shape"),
    "object": (object, "is no data"),
    "names": (lambda: [{"a": data()[0]}], "not the model's inputs"),
}


@pytest.mark.parametrize("name", BAD)
def test_data_that_cannot_be_used(name: str) -> None:
    make, words = BAD[name]
    with pytest.raises(Diagnostic, match=words) as raised:
        tuned(make(), calib=data()[0], valid_data=data())
    assert raised.value.code == "E104" and raised.value.where == "train_data" and raised.value.remedies


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"epochs": 0}, "epochs cannot be 0"),
        ({"rate": float("nan")}, "rate cannot be nan"),
        ({"labels": 1.5}, "labels cannot be"),
        ({"loss": "mse"}, "loss cannot be mse"),
        ({"forms": "int3"}, "int3 is no form"),
        ({"forms": {"hed": "int4"}}, "at hed"),
    ],
)
def test_options_that_make_no_sense(options: dict[str, Any], words: str) -> None:
    with pytest.raises(Diagnostic, match=words) as raised:
        tuned(**options)
    assert raised.value.code == "E101"


# -- where it cannot go on -----------------------------------------------------------


def test_it_stops_where_it_diverges() -> None:
    said = Said()
    result = tuned(rate=1.0, epochs=20, labels=0.0, forms="int8", progress=said)
    assert "above that of the start" in result.diverged and any(result.diverged in s for s in said.lines)
    assert result.history[-1].step < 120 and result.best == result.history[0]


def test_it_stops_where_the_loss_is_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = tune.Loss.__call__, iter(range(100))

    def breaks(self: Any, *arguments: Any) -> Tensor:
        loss: Tensor = real(self, *arguments)
        return loss * float("nan") if torch.is_grad_enabled() and next(calls) == 8 else loss

    monkeypatch.setattr(tune.Loss, "__call__", breaks)
    result = tuned()
    assert "no number" in result.diverged and result.history[-1].step <= 8
    (y,) = result(data()[0])
    assert torch.isfinite(y.real).all()


@pytest.mark.parametrize("at", [1, 6, 10])
def test_a_resumed_run_is_one_without_interruption(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    """Interrupted in step `at`, of 12 in two epochs, with a checkpoint after every step."""
    monkeypatch.setattr(tune, "_KEEP", 0.0)
    loader = DataLoader(TensorDataset(*data()), 8, shuffle=True)
    want, resume, said = to_bytes(tuned(loader).graph), tmp_path / "run.ckpt", Said()
    real, calls = tune.Student.keep_apart, iter(range(100))

    def interrupted(self: Any) -> None:
        if next(calls) == at:
            raise KeyboardInterrupt
        real(self)

    with monkeypatch.context() as patch:
        patch.setattr(tune.Student, "keep_apart", interrupted)
        with pytest.raises(KeyboardInterrupt):
            tuned(loader, resume=resume, progress=said)
    assert any(str(resume) in s for s in said.lines)
    torch.manual_seed(77)
    assert to_bytes(tuned(loader, resume=resume).graph) == want
    assert to_bytes(tuned(loader, resume=resume).graph) == want, "nothing is left to be done"
    assert [p.name for p in tmp_path.iterdir()] == ["run.ckpt"]


def test_a_write_that_fails_leaves_the_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    resume = tmp_path / "run.ckpt"
    tuned(resume=resume)
    before = resume.read_bytes()

    def killed(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("os.fsync", killed)
    from edgec.quant.learn.checkpoint import save_checkpoint

    with pytest.raises(KeyboardInterrupt):
        save_checkpoint(resume, {"half": 1})
    assert resume.read_bytes() == before and [p.name for p in tmp_path.iterdir()] == ["run.ckpt"]


OTHER: dict[str, tuple[dict[str, Any], str, str]] = {
    "shape": ({"model": small(12)}, "of another model", "conv.weight"),
    "weights": ({"model": small(seed=1)}, "same model with other weights", "conv.weight"),
    "forms": ({"forms": {"": "codebook2", "up": "int4"}}, "other forms", "up"),
    "calibration": ({"calib": 3 * data()[0]}, "other calibration", "formats of activations"),
    "settings": ({"epochs": 3}, "other settings", "epochs"),
    "data": ({"given": data(64)}, "other settings", "steps"),
}


@pytest.mark.parametrize("name", OTHER)
def test_a_checkpoint_of_something_else(tmp_path: Path, name: str) -> None:
    options, title, first = OTHER[name]
    tuned(resume=tmp_path / "run.ckpt", calib=data()[0])
    with pytest.raises(Diagnostic, match=title) as raised:
        tuned(**{"resume": tmp_path / "run.ckpt", "calib": data()[0], **options})
    assert raised.value.code == "E106" and dict(raised.value.facts)["name"] == first


@pytest.mark.parametrize("damage", [lambda b: b"", lambda b: b[: len(b) // 2], lambda b: b"PK" + b[9:]])
def test_a_damaged_checkpoint(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    resume = tmp_path / "run.ckpt"
    tuned(resume=resume, epochs=1)
    resume.write_bytes(damage(resume.read_bytes()))
    with pytest.raises(Diagnostic, match="cannot be read") as raised:
        tuned(resume=resume, epochs=1)
    assert raised.value.code == "E106"


def every_part(data: bytes) -> Iterator[bytes]:
    for k in range(0, len(data), max(1, len(data) // 150)):
        yield data[:k]
        yield data[:k] + bytes([data[k] ^ 0x55]) + data[k + 1 :]


def test_a_damaged_model_is_told(tmp_path: Path) -> None:
    path = tuned(epochs=1).save(tmp_path / "t.edgec")
    whole = path.read_bytes()
    codes: list[str] = []
    for part in every_part(whole):
        path.write_bytes(part)
        try:
            load_model(str(path))
        except Diagnostic as error:
            codes.append(error.code)
    assert set(codes) == {"E201"} and len(codes) > 250


def test_edgec_loads_no_torch() -> None:
    code = "import sys, edgec, edgec.quant, edgec.cli; assert not {'torch', 'tensorflow'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
