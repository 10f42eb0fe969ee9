"""x.npy and y.npy: shapes, quantization, axis order, and what is refused."""

from pathlib import Path

import numpy as np
import pytest

from edgec.diagnostics import Diagnostic
from edgec.report.schema import Port
from edgec.run_io import load_inputs, pack, save_outputs, unpack

X: Port = {"name": "x", "shape": [1, 3, 4, 2], "dtype": "int8", "scale": 0.5, "zero_point": 3}
NCHW: Port = {**X, "perm": [0, 2, 3, 1]}
Y: Port = {"name": "y", "shape": [1, 5], "dtype": "int16"}


def save(path: Path, array: np.ndarray) -> Path:
    np.save(path, array)
    return path


def test_integers_are_taken_as_they_are(tmp_path: Path) -> None:
    x = np.arange(48, dtype=np.int64).reshape(2, 3, 4, 2) - 20
    (got,) = load_inputs(save(tmp_path / "x.npy", x), [X])
    assert got.dtype == np.int8
    assert (got == x).all()


def test_floats_are_quantized(tmp_path: Path) -> None:
    x = np.zeros((1, 3, 4, 2), np.float32)
    x[0, 0, 0] = 0.25, 0.75  # halves go to even: 0, 2
    x[0, 0, 1] = 1e9, -1e9
    (got,) = load_inputs(save(tmp_path / "x.npy", x), [X])
    assert got[0, 0, 0].tolist() == [3, 5]
    assert got[0, 0, 1].tolist() == [127, -128]
    assert got[0, 2, 3].tolist() == [3, 3]


def test_bytes_are_in_the_device_order(tmp_path: Path) -> None:
    x = np.arange(48, dtype=np.int8).reshape(2, 3, 4, 2)
    first, second = pack([x], [NCHW])
    assert np.frombuffer(first, np.int8).tolist() == x[0].transpose(1, 2, 0).ravel().tolist()
    assert np.frombuffer(second, np.int8).tolist() == x[1].transpose(1, 2, 0).ravel().tolist()
    back = unpack([first, second], [NCHW])["x"]
    assert (back == x).all()
    assert pack([x], [X]) == [x[0].tobytes(), x[1].tobytes()]


def test_several_outputs_follow_one_another(tmp_path: Path) -> None:
    y = np.arange(5, dtype=np.int16)
    z = np.arange(24, dtype=np.int8).reshape(1, 4, 2, 3)
    raw = y.tobytes() + z.tobytes()
    outputs = unpack([raw, raw], [Y, NCHW])
    assert outputs["y"].tolist() == [y.tolist()] * 2
    assert outputs["x"].shape == (2, 3, 4, 2)
    path = save_outputs(tmp_path / "y.npy", outputs)
    assert path.name == "y.npz"
    assert (np.load(path)["x"] == outputs["x"]).all()


def test_several_inputs_by_name(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", y=np.ones((2, 5), np.int16), x=np.zeros((2, 3, 4, 2), np.int8))
    x, y = load_inputs(tmp_path / "x.npz", [X, Y])
    assert x.shape == (2, 3, 4, 2)
    assert y.sum() == 10
    assert len(pack([x, y], [X, Y])[0]) == 24 + 10


@pytest.mark.parametrize(
    ("array", "text"),
    [
        (np.zeros((2, 3, 4, 3), np.int8), "another shape"),
        (np.zeros((3, 4, 2), np.int8), "batch axis is missing"),
        (np.zeros((0, 3, 4, 2), np.int8), "no samples"),
        (np.full((1, 3, 4, 2), 200, np.uint8), "integers beyond int8"),
        (np.full((1, 3, 4, 2), np.nan, np.float32), "NaN"),
        (np.zeros((1, 3, 4, 2), np.complex64), "cannot take complex64"),
        (np.zeros((1, 3, 4, 2), "S3"), "cannot take"),
    ],
)
def test_refuses(tmp_path: Path, array: np.ndarray, text: str) -> None:
    with pytest.raises(Diagnostic) as caught:
        load_inputs(save(tmp_path / "x.npy", array), [X])
    assert caught.value.code == "E105"
    assert text in caught.value.title


def test_refuses_damaged_and_missing_files(tmp_path: Path) -> None:
    bad = tmp_path / "x.npy"
    for data in (b"", b"\x93NUMPY junk", b"PK\x03\x04 no zip", np.arange(3).tobytes()):
        bad.write_bytes(data)
        with pytest.raises(Diagnostic, match="E105"):
            load_inputs(bad, [X])
    with pytest.raises(Diagnostic, match="no such file"):
        load_inputs(tmp_path / "none.npy", [X])
    np.save(bad, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(Diagnostic, match="cannot be read"):
        load_inputs(bad, [X])


def test_refuses_a_wrong_set_of_inputs(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", x=np.zeros((2, 3, 4, 2), np.int8))
    with pytest.raises(Diagnostic, match="missing: y"):
        load_inputs(tmp_path / "x.npz", [X, Y])
    with pytest.raises(Diagnostic, match="has 2 inputs"):
        load_inputs(save(tmp_path / "x.npy", np.zeros((2, 3, 4, 2), np.int8)), [X, Y])
    np.savez(tmp_path / "n.npz", x=np.zeros((2, 3, 4, 2), np.int8), y=np.zeros((3, 5), np.int16))
    with pytest.raises(Diagnostic, match="number of samples"):
        load_inputs(tmp_path / "n.npz", [X, Y])


def test_outputs_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(Diagnostic, match="E103"):
        save_outputs(tmp_path / "none" / "y.npy", {"y": np.zeros(3)})
