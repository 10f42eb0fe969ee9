"""Calibration data: what is read, and what is refused and how."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path

import numpy as np
import pytest

from edgec.diagnostics import Diagnostic
from edgec.ir import DType, TensorType
from edgec.quant.data import load_samples, open_data, random_samples
from edgec.quant.images import ImageOptions, split_options
from edgec.quant.labels import class_names, labels_of

IMAGE = {"x": TensorType((1, 3, 8, 6))}


def refused(path: Path | str, inputs: dict[str, TensorType]) -> Diagnostic:
    with pytest.raises(Diagnostic) as e:
        load_samples(str(path), inputs)
    assert e.value.code == "E104" and e.value.remedies and e.value.where
    return e.value


def save(path: Path, **arrays: np.ndarray) -> Path:
    np.savez(path, **arrays)
    return path


def test_npz_by_name_only_array_and_common_names(tmp_path: Path) -> None:
    a = np.random.default_rng(0).normal(size=(5, 3, 8, 6))
    for name in ("x", "whatever"):
        samples = load_samples(str(save(tmp_path / "a.npz", **{name: a})), IMAGE)
        np.testing.assert_array_equal(samples.arrays["x"], a.astype(np.float32))
    two = save(tmp_path / "b.npz", images=a, labels=np.zeros(5, np.int64))
    assert len(load_samples(str(two), IMAGE)) == 5
    np.save(tmp_path / "c.npy", a)
    samples = load_samples(str(tmp_path / "c.npy"), IMAGE, limit=2)
    np.testing.assert_array_equal(samples.arrays["x"], a[[0, 2]].astype(np.float32))
    assert samples.sample(1)["x"].shape == (1, 3, 8, 6)


def test_npz_of_two_inputs(tmp_path: Path) -> None:
    inputs = {"a": TensorType((1, 2)), "b": TensorType((1, 3))}
    a, b = np.ones((4, 2), np.float32), np.zeros((4, 3), np.float32)
    assert len(load_samples(str(save(tmp_path / "n.npz", b=b, a=a)), inputs)) == 4
    np.savez(tmp_path / "p.npz", a, b)
    assert load_samples(str(tmp_path / "p.npz"), inputs).arrays["b"].shape == (4, 3)
    assert "b [1, 3]" in dict(refused(save(tmp_path / "o.npz", a=a, c=b), inputs).facts)["need"]
    assert "differ" in refused(save(tmp_path / "q.npz", a=a, b=b[:2]), inputs).title


@pytest.mark.parametrize(
    ("array", "says"),
    [
        (np.zeros((0, 3, 8, 6), np.float32), "empty"),
        (np.zeros((4, 3, 8, 5), np.float32), "shape"),
        (np.zeros((4, 3, 8, 6), np.uint8), "floats"),
        (np.zeros((4, 3, 8, 6), np.complex64), "floats"),
        (np.full((4, 3, 8, 6), np.nan, np.float32), "NaN"),
        (np.full((4, 3, 8, 6), np.inf, np.float32), "infinity"),
    ],
)
def test_unfit_arrays_are_refused(tmp_path: Path, array: np.ndarray, says: str) -> None:
    e = refused(save(tmp_path / "a.npz", x=array), IMAGE)
    assert says in e.title and {"need", "have"} <= dict(e.facts).keys()


def test_remedies_name_the_repair(tmp_path: Path) -> None:
    swapped = save(tmp_path / "a.npz", x=np.zeros((4, 8, 6, 3), np.float32))
    assert "x.transpose(0, 3, 1, 2)" in refused(swapped, IMAGE).remedies[0]
    single = save(tmp_path / "b.npz", x=np.zeros((3, 8, 6), np.float32))
    assert "x[None]" in refused(single, IMAGE).remedies[0]
    flat = save(tmp_path / "c.npz", x=np.zeros((2, 144), np.float32))
    assert "reshape" in refused(flat, IMAGE).remedies[0]


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    refused(tmp_path / "missing.npz", IMAGE)
    good = save(tmp_path / "good.npz", x=np.zeros((4, 3, 8, 6), np.float32)).read_bytes()
    for name, data in (("a.npz", b""), ("b.npz", good[:200]), ("c.npy", b"junk"), ("d.parquet", b"PAR1")):
        (tmp_path / name).write_bytes(data)
        refused(tmp_path / name, IMAGE)
    (tmp_path / "e.txt").write_text("1")
    refused(tmp_path / "e.txt", IMAGE)
    objects = np.array([{"a": 1}], dtype=object)
    np.savez(tmp_path / "f.npz", x=objects, allow_pickle=True)
    refused(tmp_path / "f.npz", IMAGE)
    rng = np.random.default_rng(1)
    for _ in range(60):
        flipped = bytearray(good)
        for at in rng.integers(0, len(good), 5):
            flipped[at] ^= 1 << int(rng.integers(8))
        (tmp_path / "g.npz").write_bytes(bytes(flipped))
        with contextlib.suppress(Diagnostic):
            load_samples(str(tmp_path / "g.npz"), IMAGE)


def picture(width: int, height: int) -> bytes:
    from PIL import Image

    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[..., 0], pixels[..., 2] = 255, 51
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "png")
    return out.getvalue()


def test_folder_of_images(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    for k, size in enumerate([(6, 8), (40, 20), (3, 9)]):
        (tmp_path / "sub" / f"{k}.png").write_bytes(picture(*size))
    x = load_samples(str(tmp_path), IMAGE).arrays["x"]
    assert x.shape == (3, 3, 8, 6)
    np.testing.assert_allclose(x.mean(axis=(0, 2, 3)), [1, 0, 0.2], atol=1e-6)
    last = {"x": TensorType((1, 8, 6, 3), layout="NHWC")}
    y = load_samples(f"{tmp_path}@signed", last).arrays["x"]
    np.testing.assert_allclose(y.mean(axis=(0, 1, 2)), [1, -1, -0.6], atol=1e-6)
    raw = load_samples(f"{tmp_path}@raw@mean=1,2,3@std=2", last).arrays["x"]
    np.testing.assert_allclose(raw[0, 0, 0], [127, -1, 24])
    gray = load_samples(str(tmp_path), {"x": TensorType((1, 1, 8, 6))}).arrays["x"]
    assert gray.shape == (3, 1, 8, 6)
    integers = load_samples(str(tmp_path), {"x": TensorType((1, 8, 6, 3), DType.U8)}).arrays["x"]
    assert integers.dtype == np.uint8 and integers.max() == 255


def test_bad_folders(tmp_path: Path) -> None:
    assert "no images" in refused(tmp_path, IMAGE).title
    (tmp_path / "a.png").write_bytes(b"not a picture")
    assert "a.png" in refused(tmp_path, IMAGE).title
    assert "not an image" in refused(tmp_path, {"x": TensorType((1, 10))}).title
    assert "@imagenet" in refused(f"{tmp_path}@nonsense", IMAGE).remedies[0]


def test_parquet(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [{"bytes": picture(6, 8), "path": None}] * 4
    pq.write_table(pa.table({"image": rows, "label": [0, 1, 2, 3]}), tmp_path / "a.parquet")
    assert load_samples(str(tmp_path / "a.parquet"), IMAGE).arrays["x"].shape == (4, 3, 8, 6)
    pq.write_table(pa.table({"label": [0, 1]}), tmp_path / "b.parquet")
    assert "no image column" in refused(tmp_path / "b.parquet", IMAGE).title


def test_cifar_parquet(data_dir: Path) -> None:
    samples = load_samples(
        str(data_dir / "cifar10" / "test.parquet"), {"x": TensorType((1, 3, 32, 32))}, limit=20
    )
    assert len(samples) == 20 and 0.3 < samples.arrays["x"].mean() < 0.6


def test_a_path_with_at_sign_is_a_path(tmp_path: Path) -> None:
    odd = tmp_path / "a@b"
    odd.mkdir()
    assert split_options(str(odd)) == (odd, ImageOptions())


def test_random_samples_say_so() -> None:
    a, b = random_samples(IMAGE), random_samples(IMAGE)
    np.testing.assert_array_equal(a.arrays["x"], b.arrays["x"])
    assert a.random and "not established" in a.notes[0]


def labelled(path: Path, inputs: dict[str, TensorType] = IMAGE, classes: int = 4) -> list[int]:
    return labels_of(open_data(str(path), inputs), classes).tolist()


def test_labels_of_all_kinds_of_data(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    x = np.zeros((3, 3, 8, 6), np.float32)
    for k, name in enumerate(("y", "labels", "label")):
        assert labelled(save(tmp_path / f"{k}.npz", x=x, **{name: np.array([2, 0, 3.0])})) == [2, 0, 3]
    named = open_data(str(save(tmp_path / "n.npz", x=x, y=np.zeros((3, 1), int), classes=["a", "b"])), IMAGE)
    assert class_names(named, 2) == ["a", "b"] and labels_of(named, 2).tolist() == [0, 0, 0]
    for k, folder in enumerate(("dog", "cat", "dog")):
        (tmp_path / "f" / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / "f" / folder / f"{k}.png").write_bytes(picture(6, 8))
    data = open_data(str(tmp_path / "f"), IMAGE)
    assert labels_of(data, 2).tolist() == [0, 1, 1] and class_names(data, 2) == ["cat", "dog"]
    assert len(data.take([2, 0])) == 2
    (tmp_path / "f" / "dog").rename(tmp_path / "f" / "3")
    (tmp_path / "f" / "cat").rename(tmp_path / "f" / "1")
    assert labelled(tmp_path / "f") == [1, 3, 3]
    table = pa.table({"image": [picture(6, 8)] * 3, "label": [2, 1, 0]})
    kept = {"info": {"features": {"label": {"names": ["a", "b", "c"]}}}}
    pq.write_table(table.replace_schema_metadata({"huggingface": json.dumps(kept)}), tmp_path / "p.parquet")
    data = open_data(str(tmp_path / "p.parquet"), IMAGE)
    assert labels_of(data, 3).tolist() == [2, 1, 0] and class_names(data, 3) == ["a", "b", "c"]
    assert class_names(open_data(str(tmp_path / "0.npz"), IMAGE), 3) == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("labels", "says", "remedy"),
    [
        ([0, 1, 4], "beyond", "labels of its classes"),
        ([1, 2, 4], "beyond", "labels - 1"),
        ([-1, 2, 3], "beyond", "labels of its classes"),
        ([0.5, 1, 2], "only classifiers", "raw outputs"),
        ([0, np.nan, 2], "only classifiers", "raw outputs"),
        ([0, 1], "shape", "one number"),
        (np.eye(3, 4), "shape", "argmax"),
        (["a", "b", "c"], "no numbers", "return_inverse"),
    ],
)
def test_labels_that_are_no_classes(tmp_path: Path, labels: object, says: str, remedy: str) -> None:
    path = save(tmp_path / "a.npz", x=np.zeros((3, 3, 8, 6), np.float32), y=np.array(labels))
    with pytest.raises(Diagnostic) as e:
        labelled(path)
    assert e.value.code == "E104" and says in e.value.title and remedy in e.value.remedies[0]


def test_names_that_do_not_fit_the_classes(tmp_path: Path) -> None:
    data = open_data(
        str(save(tmp_path / "a.npz", x=np.zeros((2, 3, 8, 6)), y=[0, 1], classes=["a", "a"])), IMAGE
    )
    for count, says in ((2, "same name"), (3, "2 names of classes")):
        with pytest.raises(Diagnostic, match=says):
            class_names(data, count)


def test_integers_that_a_type_does_not_hold(tmp_path: Path) -> None:
    quantized = {"x": TensorType((1, 8), DType.I8)}
    assert "beyond int8" in refused(save(tmp_path / "a.npz", x=np.full((2, 8), 200)), quantized).title


def test_the_quantized_form_of_an_input(tmp_path: Path) -> None:
    path = save(tmp_path / "a.npz", x=np.full((2, 8), -3, np.int16))
    inputs = {"x": TensorType((1, 8))}
    data = open_data(str(path), inputs, integers={"x": DType.I8})
    assert data.take([1]).arrays["x"].tolist() == [[-3] * 8]
    assert "takes floats" in refused(path, inputs).title
