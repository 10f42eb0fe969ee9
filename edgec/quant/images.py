"""Images as data: a folder, or a parquet file as Hugging Face writes it."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from edgec.diagnostics import Diagnostic
from edgec.ir import DType, TensorType

_SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".webp", ".gif", ".ppm", ".pgm", ".tif", ".tiff"}
_COLUMNS = ("image", "img", "images", "image.bytes", "bytes")
LABELS = ("label", "labels", "y")
"""Columns of parquet files and arrays of .npz files with labels."""


def spaced(total: int, limit: int) -> list[int]:
    """Indices of at most `limit` of `total` items, evenly spaced."""
    return list(range(total)) if total <= limit else [k * total // limit for k in range(limit)]


def bad(where: Path | str, title: str, remedy: str, facts: Sequence[tuple[str, str]] = ()) -> Diagnostic:
    """The diagnostic for data that cannot be used."""
    return Diagnostic("E104", f"bad data: {title}", where=str(where), facts=facts, remedies=[remedy])


@dataclass(frozen=True)
class ImageOptions:
    """value = (pixel * scale - mean) / std, pixel 0..255, per channel.

    Named sets: unit (0..1, the default), imagenet, signed (-1..1), raw (0..255).
    """

    scale: float = 1 / 255
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)

    def apply(self, pixels: np.ndarray) -> np.ndarray:
        """uint8 [..., C] to float32."""
        x = pixels.astype(np.float32) * np.float32(self.scale)
        y: np.ndarray = (x - np.asarray(self.mean, np.float32)) / np.asarray(self.std, np.float32)
        return y


PRESETS = {
    "unit": ImageOptions(),
    "imagenet": ImageOptions(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)),
    "signed": ImageOptions(mean=(0.5,), std=(0.5,)),
    "raw": ImageOptions(scale=1.0),
}


def split_options(spec: str) -> tuple[Path, ImageOptions]:
    """`path@option@option` to the path and the image options. Raises Diagnostic E104."""
    if "@" not in spec or Path(spec).exists():
        return Path(spec), ImageOptions()
    text, *words = spec.split("@")
    options = ImageOptions()
    for word in words:
        key, _, value = word.partition("=")
        try:
            if not value:
                options = PRESETS[key]
            elif key == "mean":
                options = replace(options, mean=_numbers(value))
            elif key == "std":
                options = replace(options, std=_numbers(value))
            elif key == "scale":
                options = replace(options, scale=_numbers(value)[0])
            else:
                raise KeyError(key)
        except (KeyError, ValueError):
            known = ", ".join(f"@{p}" for p in PRESETS)
            title = f"unknown image option @{word}"
            raise bad(spec, title, f"{known}, @mean=R,G,B, @std=R,G,B, @scale=NUMBER") from None
    return Path(text), options


@dataclass(frozen=True)
class Images:
    """Encoded images, of which parts are decoded when they are wanted.

    open: a name, and what Pillow opens, for each of some indices. labels: None where there are none. classes:
    their names, none where they are not known.
    """

    path: Path
    count: int
    open: Callable[[Sequence[int]], list[tuple[str, Any]]]
    labels: np.ndarray | None = None
    classes: tuple[str, ...] = ()

    def decode(self, pick: Sequence[int], type: TensorType, options: ImageOptions) -> tuple[np.ndarray, str]:
        """Those images as samples [n, ...] of the input's shape, and a note. Raises Diagnostic E104."""
        return _decode(self.open(pick), self.path, type, options)


def open_folder(path: Path) -> Images:
    """The images of a folder in order of their names; labelled where each is in a folder of its class.

    Classes are in order of their names, or numbered where those are numbers. Raises Diagnostic E104.
    """
    files = sorted(p for p in path.rglob("*") if p.suffix.lower() in _SUFFIXES)
    if not files:
        raise bad(path, "no images in the folder", f"put images there ({', '.join(sorted(_SUFFIXES))})")

    def opened(pick: Sequence[int]) -> list[tuple[str, Any]]:
        return [(str(files[k]), files[k]) for k in pick]

    parts = [p.relative_to(path).parts for p in files]
    if any(len(p) < 2 for p in parts):
        return Images(path, len(files), opened)
    classes = sorted({p[0] for p in parts})
    if all(c.isdecimal() for c in classes):
        return Images(path, len(files), opened, np.array([int(p[0]) for p in parts]))
    labels = np.array([classes.index(p[0]) for p in parts])
    return Images(path, len(files), opened, labels, tuple(classes))


def open_parquet(path: Path) -> Images:
    """The images of a parquet file, with its labels if it has them. Raises Diagnostic E104."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise Diagnostic(
            "E401", "pyarrow is missing, it reads parquet files", remedies=["pip install edgec[all]"]
        ) from None
    try:
        file = pq.ParquetFile(path)
        names = file.schema_arrow.names
        column = next((c for c in _COLUMNS if c in names), None)
        if column is None:
            raise bad(path, f"no image column, only {', '.join(names)}", f"name it {_COLUMNS[0]}")
        named = next((c for c in LABELS if c in names), None)
        table = file.read(columns=[column, *filter(None, [named])])
        labels = None if named is None else np.array(table.column(named).to_pylist())
    except Diagnostic:
        raise
    except Exception as e:  # whatever a damaged file makes the reader throw
        raise bad(path, "the file cannot be read", "check that it is a parquet file", _reason(e)) from e
    if not table.num_rows:
        raise bad(path, "the file has no rows", "give at least one image")

    def opened(rows: Sequence[int]) -> list[tuple[str, Any]]:
        found = []
        for row, v in zip(rows, table.column(column).take(pa.array(rows)).to_pylist(), strict=True):
            data = v["bytes"] if isinstance(v, dict) else v
            if not isinstance(data, bytes):
                title = f"row {row} of column {column} holds no image bytes"
                raise bad(path, title, "store encoded images")
            found.append((f"row {row}", io.BytesIO(data)))
        return found

    classes = _class_names(file.schema_arrow.metadata or {}, named)
    return Images(path, table.num_rows, opened, labels, classes)


def _class_names(metadata: dict[bytes, bytes], column: str | None) -> tuple[str, ...]:
    """The names of classes that Hugging Face's writers put beside the columns."""
    try:
        names = json.loads(metadata[b"huggingface"])["info"]["features"][column]["names"]
        return tuple(str(n) for n in names)
    except (KeyError, TypeError, ValueError):
        return ()


def _decode(
    items: Iterable[tuple[str, Any]], path: Path, type: TensorType, options: ImageOptions
) -> tuple[np.ndarray, str]:
    try:
        from PIL import Image
    except ImportError:
        raise Diagnostic(
            "E401", "Pillow is missing, it reads images", remedies=["pip install edgec[all]"]
        ) from None
    height, width, channels, first = _geometry(path, type)
    out = []
    for where, source in items:
        try:
            with Image.open(source) as image:
                pixels = _fit(image.convert("L" if channels == 1 else "RGB"), width, height)
        except Exception as e:  # whatever a damaged image makes the decoders throw
            raise bad(path, f"{where} is not a readable image", "remove it", _reason(e)) from e
        x = pixels.reshape(height, width, channels)
        if type.dtype == DType.F32:
            x = options.apply(x)
        out.append(x.transpose(2, 0, 1) if first else x)
    how = f"value = (pixel * {options.scale:.6g} - {options.mean}) / {options.std}"
    return np.stack(out), f"{len(out)} images, {width}x{height}, {how}"


def _fit(image: Any, width: int, height: int) -> np.ndarray:
    """Resize so that the image covers width x height, crop the centre."""
    if image.size != (width, height):
        factor = max(width / image.size[0], height / image.size[1])
        size = (max(width, round(image.size[0] * factor)), max(height, round(image.size[1] * factor)))
        image = image.resize(size)
        left, top = (size[0] - width) // 2, (size[1] - height) // 2
        image = image.crop((left, top, left + width, top + height))
    return np.asarray(image)


def _geometry(path: Path, type: TensorType) -> tuple[int, int, int, bool]:
    """Height, width, channels of the input, and whether the channels come first."""
    if len(type.shape) == 4:
        _, a, b, c = type.shape
        nchw = type.layout == "NCHW" or (type.layout != "NHWC" and a in (1, 3) and c not in (1, 3))
        if nchw and a in (1, 3):
            return b, c, a, True
        if c in (1, 3):
            return a, b, c, False
    raise bad(path, f"the model's input {list(type.shape)} is not an image", "give an .npz of samples")


def _numbers(text: str) -> tuple[float, ...]:
    return tuple(float(v) for v in text.split(","))


def _reason(e: Exception) -> list[tuple[str, str]]:
    return [("have", (str(e) or type(e).__name__).splitlines()[0])]
