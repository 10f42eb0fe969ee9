"""The labels of data, checked against the classes of a model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from edgec.quant.data import Data
from edgec.quant.images import bad

_RAW = "edgec run DIR --input x.npy --output y.npy keeps the raw outputs, to compare with values"


def labels_of(data: Data, classes: int) -> np.ndarray:
    """int64 [n], each of 0 .. classes-1. Raises Diagnostic E104."""
    y, path = data.labels, data.path
    if y is None:
        raise bad(path, "there are no labels", _where(path))
    have = [("need", f"{data.count} labels, 0 to {classes - 1}"), ("have", f"{list(y.shape)}, {y.dtype}")]
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim != 1 or len(y) != data.count:
        one_hot = y.ndim == 2 and y.shape == (data.count, classes)
        remedy = "one number for each sample: labels.argmax(1)" if one_hot else "one number for each sample"
        raise bad(path, "labels are of another shape", remedy, have)
    if y.dtype.kind not in "iufb":
        raise bad(path, "labels are no numbers", "numpy.unique(labels, return_inverse=True)[1]", have)
    if y.dtype.kind == "f" and not (np.isfinite(y).all() and (y == np.rint(y)).all()):
        raise bad(path, "labels are no whole numbers: only classifiers can be evaluated", _RAW, have)
    _check_range(data, y, classes)
    labels: np.ndarray = y.astype(np.int64)
    return labels


def class_names(data: Data, classes: int) -> list[str]:
    """The names of all classes; their numbers where names are not known. Raises Diagnostic E104."""
    names = data.classes or tuple(str(k) for k in range(classes))
    have = [("need", f"{classes} classes, as the model's output has"), ("have", _some(names))]
    if len(names) != classes:
        remedy = "a folder per class, or folders named by the classes' numbers: 0, 1, ..."
        remedy = remedy if data.path.is_dir() else "as many names as the output has values"
        raise bad(data.path, f"{len(names)} names of classes", remedy, have)
    if len(set(names)) < classes:
        raise bad(data.path, "two classes have the same name", "another name for each", have)
    return list(names)


def _check_range(data: Data, y: np.ndarray, classes: int) -> None:
    beyond = (y < 0) | (y >= classes)
    if not beyond.any():
        return
    first = int(np.argmax(beyond))
    have = [
        ("need", f"0 to {classes - 1}, as the output has {classes} values"),
        (
            "have",
            f"{int(y.min())} to {int(y.max())}; {int(beyond.sum())} beyond, the first of sample {first}",
        ),
    ]
    counted_from_1 = y.min() == 1 and y.max() == classes
    remedy = (
        "count classes from 0: labels - 1" if counted_from_1 else "another model, or labels of its classes"
    )
    raise bad(data.path, "labels beyond the model's classes", remedy, have)


def _where(path: Path) -> str:
    if path.is_dir():
        return "images in a folder for each class: cat/1.png, dog/2.png"
    if path.suffix.lower() == ".parquet":
        return "a column `label` with the class of each row"
    return "an .npz with both: numpy.savez(path, x=inputs, y=labels)"


def _some(names: Sequence[str]) -> str:
    more = f", ... ({len(names)})" if len(names) > 6 else ""
    return ", ".join(names[:6]) + more
