"""Data, to calibrate or to evaluate with: from a file or folder to checked samples.

    data.npz          one array per model input, by the input's name; or the only array; or
                      `x` or `images`; or arr_0, arr_1, ... in the order of the inputs; labels in
                      `label`, `labels` or `y`, the names of classes in `classes`
    data.npy          the array of the only input
    folder/           images (any depth), see edgec/quant/images.py; labelled by the folders they are in
    data.parquet      column `image` (bytes, or a struct with `bytes`), as Hugging Face writes it;
                      labels in `label`

Arrays have a leading sample axis and the model's own axis order. Floats are taken as they
are: they must be preprocessed as in training. Images are decoded to RGB, scaled so that
the shorter side fits, cropped in the centre and brought to 0..1; options that follow the
path change that: `photos@imagenet`, `photos@mean=0.5,0.5,0.5@std=0.5,0.5,0.5`, `photos@raw`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

import numpy as np

from edgec.ir import DType, TensorType
from edgec.quant.doubts import Doubt, doubts_of
from edgec.quant.images import LABELS, ImageOptions, bad, open_folder, open_parquet, spaced, split_options

_IMAGE_ARRAYS = ("x", "images")
_CLASSES = "classes"
_INTEGERS = "give the model's own quantized input"


@dataclass
class Samples:
    """Samples, one array per model input: [n, ...] without a batch axis of 1.

    whole: inputs of any other first axis; their arrays are [n, *shape]. source: the file, or
    "random". notes: sentences for the report. random: no data was given, so nothing is
    known of the accuracy. doubts: what is wrong with them, of all together; parts of them have none.
    """

    arrays: dict[str, np.ndarray]
    source: str
    notes: list[str] = field(default_factory=list)
    random: bool = False
    whole: frozenset[str] = frozenset()
    doubts: tuple[Doubt, ...] = ()

    def __len__(self) -> int:
        return min((len(a) for a in self.arrays.values()), default=0)

    def sample(self, k: int) -> dict[str, np.ndarray]:
        """The inputs of one inference, with a batch axis of 1."""
        return {name: a[k] if name in self.whole else a[k : k + 1] for name, a in self.arrays.items()}

    def permuted(self, perms: Mapping[str, tuple[int, ...]]) -> Samples:
        """The same with some inputs' axes permuted, as `Graph.input_perms` says."""
        arrays = dict(self.arrays)
        for name, perm in perms.items():
            # A whole input has the samples' axis in front of its own.
            order = (0, *(p + 1 for p in perm)) if name in self.whole else perm
            arrays[name] = arrays[name].transpose(order)
        return replace(self, arrays=arrays, notes=list(self.notes))

    def head(self, n: int) -> Samples:
        """At most n samples, evenly spaced."""
        return self.part(spaced(len(self), n))

    def part(self, pick: Sequence[int]) -> Samples:
        """The samples at some indices."""
        arrays = {k: a[list(pick)] for k, a in self.arrays.items()}
        return replace(self, arrays=arrays, notes=list(self.notes), doubts=())


@dataclass(frozen=True)
class Data:
    """Samples in a file or folder, read in parts.

    take: the samples at some indices; raises Diagnostic E104. labels: [n], or None where there are none;
    nothing is checked of them. classes: their names, none where they are not known.
    """

    path: Path
    count: int
    take: Callable[[Sequence[int]], Samples]
    labels: np.ndarray | None = None
    classes: tuple[str, ...] = ()

    def doubted(self, pick: Sequence[int]) -> Samples:
        """The samples at some indices, to calibrate with: with their doubts. Raises Diagnostic E104."""
        samples, labels = self.take(pick), self.labels
        known = labels[list(pick)] if labels is not None and labels.shape[:1] == (self.count,) else None
        return replace(samples, doubts=doubts_of(samples.arrays, known, self.classes))


def load_samples(spec: str, inputs: Mapping[str, TensorType], *, limit: int = 128) -> Samples:
    """Read at most `limit` calibration samples, evenly spaced over the data.

    spec: a path, with image options after `@`. inputs: the model's own inputs, in order.
    Raises Diagnostic E104.
    """
    data = open_data(spec, inputs)
    return data.doubted(spaced(data.count, limit))


def open_data(
    spec: str, inputs: Mapping[str, TensorType], *, integers: Mapping[str, DType] = MappingProxyType({})
) -> Data:
    """The data at a path, with image options after `@`.

    inputs: the model's own inputs, in order. integers: of float inputs, those of which an array of this type
    will do, too; it stays as it is. Raises Diagnostic E104.
    """
    path, options = split_options(spec)
    if not path.exists():
        raise bad(path, "there is no such file", f"check the path {path}")
    if path.is_dir() or path.suffix.lower() == ".parquet":
        name, type = _only_input(path, inputs)
        images = open_folder(path) if path.is_dir() else open_parquet(path)

        def decoded(pick: Sequence[int]) -> Samples:
            array, note = images.decode(pick, type, options)
            return Samples({name: _checked(path, name, array, type)}, str(path), [note])

        return Data(path, images.count, decoded, images.labels, images.classes)
    if options != ImageOptions():
        raise bad(path, "image options are for folders and parquet files", "leave out what follows the @")
    found = _read_arrays(path)
    named = next((n for n in LABELS if n in found and n not in inputs), None) if len(found) > 1 else None
    labels = None if named is None else found.pop(named)
    classes = found.pop(_CLASSES) if _CLASSES in found and _CLASSES not in inputs else ()
    arrays = _assign(path, found, inputs)
    counts = {len(a) if a.ndim else 0 for a in arrays.values()}
    if len(counts) > 1:
        facts = [("have", ", ".join(f"{k} {len(a)} samples" for k, a in arrays.items()))]
        raise bad(path, "the arrays differ in their number of samples", "give as many of each", facts)

    types = {
        name: type.with_(dtype=integers[name])
        if name in integers and arrays[name].dtype.kind in "iu"
        else type
        for name, type in inputs.items()
    }

    def picked(pick: Sequence[int]) -> Samples:
        checked = {n: _checked(path, n, a, _per_inference(types[n]), pick) for n, a in arrays.items()}
        return Samples(checked, str(path), whole=_whole(inputs))

    return Data(path, min(counts, default=0), picked, labels, tuple(str(c) for c in classes))


def random_samples(inputs: Mapping[str, TensorType], *, count: int = 8, seed: int = 0) -> Samples:
    """Normally distributed samples, mean 0 and deviation 1, for a build without data."""
    rng = np.random.default_rng(seed)
    arrays = {
        name: rng.standard_normal((count, *_per_inference(t).shape[1:])).astype(np.float32)
        for name, t in inputs.items()
    }
    note = "no calibration data: ranges come from random numbers, accuracy is not established; give --calib"
    return Samples(arrays, "random", [note], random=True, whole=_whole(inputs))


def _whole(inputs: Mapping[str, TensorType]) -> frozenset[str]:
    return frozenset(name for name, t in inputs.items() if t.shape[:1] != (1,))


def _per_inference(type: TensorType) -> TensorType:
    """The type with an axis for samples in front, which a batch axis of 1 is already."""
    return type if type.shape[:1] == (1,) else type.with_(shape=(1, *type.shape))


def _read_arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays of an .npz by name; of an .npy under the name ""."""
    suffix = path.suffix.lower()
    if suffix not in (".npz", ".npy"):
        kinds = "an .npz, an .npy, a .parquet file or a folder of images"
        raise bad(path, f"unknown kind of file {path.suffix!r}", f"give {kinds}")
    try:
        if suffix == ".npy":
            return {"": np.load(path, mmap_mode="r", allow_pickle=False)}
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except Exception as e:  # whatever a damaged archive makes numpy and zipfile throw
        reason = str(e).splitlines()[0] if str(e) else type(e).__name__
        raise bad(
            path, "the file cannot be read", "write it again with numpy.savez", [("have", reason)]
        ) from e


def _assign(
    path: Path, found: Mapping[str, np.ndarray], inputs: Mapping[str, TensorType]
) -> dict[str, np.ndarray]:
    """Which array is which input's."""
    names = list(inputs)
    if all(n in found for n in names):
        return {n: found[n] for n in names}
    if len(names) == 1:
        if len(found) == 1:
            return {names[0]: next(iter(found.values()))}
        for key in _IMAGE_ARRAYS:
            if key in found:
                return {names[0]: found[key]}
    numbered = [f"arr_{k}" for k in range(len(names))]
    if all(n in found for n in numbered):
        return dict(zip(names, (found[n] for n in numbered), strict=True))
    need = ", ".join(f"{n} {list(t.shape)}" for n, t in inputs.items())
    have = ", ".join(f"{k or path.name} {list(a.shape)}" for k, a in found.items()) or "no array"
    raise bad(
        path,
        "the arrays do not match the model's inputs",
        "name each array as the input: numpy.savez(path, " + ", ".join(f"{n}=..." for n in names) + ")",
        [("need", need), ("have", have)],
    )


def _only_input(path: Path, inputs: Mapping[str, TensorType]) -> tuple[str, TensorType]:
    if len(inputs) != 1:
        raise bad(
            path,
            f"images feed one input, the model has {len(inputs)}",
            "give an .npz with an array per input: " + ", ".join(inputs),
        )
    return next(iter(inputs.items()))


def _checked(
    path: Path, name: str, array: np.ndarray, type: TensorType, pick: Sequence[int] | None = None
) -> np.ndarray:
    """All samples, or those at some indices, as float32 [n, ...] (or the input's integer type), checked."""
    have = [
        ("need", f"{name}: n x {list(type.shape[1:])}, {type.dtype}"),
        ("have", f"{list(array.shape)}, {array.dtype}"),
    ]
    if array.ndim == 0 or array.size == 0:
        raise bad(path, "the array is empty", "give at least one sample", have)
    want_float = type.dtype == DType.F32
    if array.dtype.kind != "f" and want_float:
        raise bad(
            path,
            "the model takes floats, preprocessed as in training",
            ".astype('float32'), scaled as in training (often x / 255)",
            have,
        )
    if not want_float and array.dtype.kind not in "iub":
        raise bad(path, "the model takes integers", f".astype('{type.dtype.numpy}')", have)
    if array.shape[1:] != type.shape[1:]:
        raise bad(path, "wrong shape", _shape_remedy(array.shape, type.shape), have)
    if pick is not None:
        array = array[list(pick)]
    if not want_float and (beyond := _beyond(array, type.dtype)):
        raise bad(path, f"integers beyond {type.dtype.numpy}", _INTEGERS, [*have, ("range", beyond)])
    if want_float and not np.isfinite(array).all():
        where = np.argwhere(~np.isfinite(array))[0].tolist()
        raise bad(path, f"NaN or infinity at {name}{where}", "remove such samples", have)
    return np.ascontiguousarray(array, dtype=type.dtype.numpy)


def _beyond(array: np.ndarray, dtype: DType) -> str:
    """The range of integers that a type does not hold; empty where it does."""
    if array.dtype == bool or dtype == DType.BOOL:
        return ""
    lo, hi = int(array.min(initial=0)), int(array.max(initial=0))
    return "" if dtype.limits[0] <= lo and hi <= dtype.limits[1] else f"{lo} to {hi}"


def _shape_remedy(have: tuple[int, ...], need: tuple[int, ...]) -> str:
    """A sentence on how to bring an array into shape, the axis order first."""
    if have == need[1:]:
        return "add the sample axis: x[None]"
    if len(have) == len(need) == 4:
        for perm, order in (((0, 3, 1, 2), "NHWC"), ((0, 2, 3, 1), "NCHW")):
            if tuple(have[p] for p in perm)[1:] == need[1:]:
                return f"the channel order differs (the data are {order}): x.transpose{perm}"
    if math.prod(have[1:]) == math.prod(need[1:]):
        return f"reshape to {['n', *need[1:]]}"
    return f"preprocess to {['n', *need[1:]]} as in training"
