"""Training data in whatever shape a user has it, as checked batches in an order that a seed decides.

(x, y) or x       arrays or tensors with a leading axis of samples; of several inputs ((a, b), y)
a Dataset         anything with a length and samples by index, each x or (x, y)
a DataLoader      or another iterable of batches that can be read once for every epoch
"""

from __future__ import annotations

import random
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from edgec.diagnostics import Diagnostic
from edgec.ir import TensorType
from edgec.quant.images import bad


@dataclass(frozen=True)
class Batch:
    """Samples: float32 [n, ...] by input, in the user's axis order. labels: int64 [n], or None."""

    inputs: dict[str, np.ndarray]
    labels: np.ndarray | None

    def __len__(self) -> int:
        return len(next(iter(self.inputs.values())))


class Feed:
    """Batches of some data, epoch by epoch.

    data: as the module says. inputs: types of the user's own inputs. size: samples of a batch, where the data
    do not say it. classes: how many there are, 0 where nothing has labels. where: the argument, for errors.
    An epoch has the same batches in the same order whenever it is asked for, as far as the random numbers of
    Python, numpy and torch decide it. Raises Diagnostic E104 for data that cannot be used.
    """

    def __init__(
        self,
        data: object,
        inputs: Mapping[str, TensorType],
        *,
        size: int,
        seed: int,
        classes: int,
        where: str = "train_data",
    ) -> None:
        self.inputs, self.size, self.seed = inputs, size, seed
        self.classes, self.where = classes, where
        self.arrays = self._stacked(data)
        self.data: Any = data
        self.by_index = self.arrays is None and self._is_dataset(data)
        if self.arrays is None and hasattr(data, "__next__"):
            raise self._bad("an iterator can be read only once", "give list(data), a Dataset or a DataLoader")
        self.steps = self._steps()
        if not self.steps:
            raise self._bad("there are no samples", "give at least one")

    def epoch(self, number: int, *, shuffled: bool = True) -> Generator[Batch, None, None]:
        """The batches of an epoch."""
        with _seeded(self.seed + 7919 * number):
            order = torch.randperm(self._count()) if self.arrays is not None or self.by_index else None
            if order is None:
                generator = getattr(self.data, "generator", None)
                if isinstance(generator, torch.Generator):
                    generator.manual_seed(self.seed + 7919 * number)
                for item in self.data:
                    yield self._batch(item)
                return
            if not shuffled:
                order = torch.arange(len(order))
            for pick in torch.split(order, self.size):
                if self.arrays is not None:
                    inputs, labels = self.arrays
                    at = pick.numpy()
                    parts = [x[at] for x in inputs]
                    yield self._checked(parts, None if labels is None else labels[at])
                else:
                    yield self._joined([self._batch(self.data[int(k)]) for k in pick])

    def head(self, count: int) -> list[Batch]:
        """The first batches, which hold `count` samples if there are so many."""
        found: list[Batch] = []
        with closing(self.epoch(0, shuffled=False)) as batches:
            for batch in batches:
                found.append(batch)
                if sum(map(len, found)) >= count:
                    break
        return found

    def like(self, data: object, where: str) -> Feed:
        """Other data for the same model."""
        return Feed(data, self.inputs, size=self.size, seed=self.seed, classes=self.classes, where=where)

    def short(self, count: int) -> Diagnostic:
        """The error for data that give fewer batches in a later epoch."""
        have = [("need", f"{self.steps} batches"), ("have", f"{count} batches")]
        return self._bad("an epoch has fewer batches than the first", "give data of a fixed length", have)

    # -- what the data are ------------------------------------------------

    def _stacked(self, data: object) -> tuple[list[np.ndarray], np.ndarray | None] | None:
        """Inputs and labels, where the data are arrays that hold all samples."""
        if isinstance(data, list):  # of samples, or of batches
            return None
        parts, labels = self._split(data)
        if not all(_is_array(x) for x in parts) or len(parts) != len(self.inputs):
            return None
        arrays = [_array(x) for x in parts]
        for x, (name, type) in zip(arrays, self.inputs.items(), strict=True):
            if x.shape[1:] != _sample(type):
                raise self._misshapen(name, type, x.shape)
        counts = {len(x) for x in arrays} | ({len(_array(labels))} if labels is not None else set())
        if len(counts) > 1:
            raise self._bad("arrays differ in their number of samples", "give as many of each")
        return arrays, None if labels is None else _array(labels)

    def _split(self, item: object) -> tuple[list[object], object]:
        """What of an item is inputs, and what is labels."""
        count = len(self.inputs)
        if isinstance(item, Mapping):
            labels = next((item[k] for k in ("labels", "label", "y") if k in item), None)
            if all(v in item for v in self.inputs):
                return [item[v] for v in self.inputs], labels
            have, want = ", ".join(map(str, item)), ", ".join(self.inputs)
            raise self._bad(f"{have}: these are not the model's inputs", f"name arrays as they are: {want}")
        if not isinstance(item, tuple | list):
            return [item], None
        if len(item) == 2 and isinstance(item[0], tuple | list) and len(item[0]) == count:
            return list(item[0]), item[1]
        if len(item) == count + 1:
            return list(item[:count]), item[count]
        return list(item), None

    def _is_dataset(self, data: object) -> bool:
        if not hasattr(data, "__getitem__") or not hasattr(data, "__len__"):
            return False
        if not len(data):
            raise self._bad("there are no samples", "give at least one")
        parts, _ = self._split(data[0])
        type = next(iter(self.inputs.values()))
        return bool(parts) and _is_array(parts[0]) and _array(parts[0]).shape == _sample(type)

    def _count(self) -> int:
        return len(self.arrays[0][0]) if self.arrays is not None else len(self.data)

    def _steps(self) -> int:
        if self.arrays is not None or self.by_index:
            return -(-self._count() // self.size)
        try:
            return len(self.data)
        except TypeError:
            pass
        try:
            return sum(1 for _ in self.data)
        except TypeError:
            raise self._bad(
                f"{type(self.data).__name__} is no data", "give (x, y), x, a Dataset or a DataLoader"
            ) from None

    # -- batches ----------------------------------------------------------

    def _batch(self, item: object) -> Batch:
        """A batch, or a sample as a batch of one."""
        parts, labels = self._split(item)
        if len(parts) != len(self.inputs) or not all(map(_is_array, parts)):
            need = ", ".join(f"{v} {list(t.shape)}" for v, t in self.inputs.items())
            raise self._bad("what it holds is not the model's inputs", "give x or (x, y)", [("need", need)])
        arrays = [_array(x) for x in parts]
        alone = arrays[0].shape == _sample(next(iter(self.inputs.values())))
        given = None if labels is None else _array(labels)
        if alone:
            arrays = [x[None] for x in arrays]
            given = None if given is None else given[None]
        return self._checked(arrays, given)

    def _joined(self, batches: Sequence[Batch]) -> Batch:
        labels = [b.labels for b in batches if b.labels is not None]
        inputs = {v: np.concatenate([b.inputs[v] for b in batches]) for v in self.inputs}
        return Batch(inputs, np.concatenate(labels) if len(labels) == len(batches) else None)

    def _checked(self, arrays: Sequence[np.ndarray], labels: np.ndarray | None) -> Batch:
        found: dict[str, np.ndarray] = {}
        for x, (name, type) in zip(arrays, self.inputs.items(), strict=True):
            if x.shape[1:] != _sample(type) or not len(x):
                raise self._misshapen(name, type, x.shape)
            if x.dtype.kind != "f":
                raise self._bad(
                    "the model takes floats, preprocessed as in training",
                    ".float(), scaled as in training (often x / 255)",
                    [("have", f"{name}: {x.dtype}")],
                )
            if not np.isfinite(x).all():
                raise self._bad(f"NaN or infinity in {name}", "remove such samples")
            found[name] = np.ascontiguousarray(x, np.float32)
        return Batch(found, self._checked_labels(labels, len(arrays[0])) if self.classes else None)

    def _checked_labels(self, labels: np.ndarray | None, count: int) -> np.ndarray | None:
        if labels is None:
            return None
        have = [("have", f"{labels.dtype} {list(labels.shape)} for {count} samples")]
        if labels.shape != (count,) or labels.dtype.kind not in "iu":
            remedy = 'y.long(), of shape [n]; loss="values" where the outputs are no scores of classes'
            raise self._bad("labels are whole numbers, one for each sample", remedy, have)
        beyond = labels[(labels < 0) | (labels >= self.classes)]
        if len(beyond):
            raise self._bad(
                f"label {beyond[0]} is out of range",
                "number the classes from 0 in the order of the outputs",
                [("need", f"0 to {self.classes - 1}, one for each output of the model")],
            )
        return labels.astype(np.int64)

    def _misshapen(self, name: str, type: TensorType, shape: tuple[int, ...]) -> Diagnostic:
        facts = [("need", f"{name}: {['n', *_sample(type)]}"), ("have", str(list(shape)))]
        return self._bad("wrong shape", "give samples of the shape of example_inputs", facts)

    def _bad(self, title: str, remedy: str, facts: Sequence[tuple[str, str]] = ()) -> Diagnostic:
        return bad(self.where, title, remedy, facts)


def _sample(type: TensorType) -> tuple[int, ...]:
    """The shape of one sample: without a batch axis of 1."""
    return type.shape[1:] if type.shape[:1] == (1,) else type.shape


def _is_array(x: object) -> bool:
    return isinstance(x, np.ndarray | np.generic | torch.Tensor | int | float)


def _array(x: object) -> np.ndarray:
    return x.detach().cpu().numpy() if isinstance(x, torch.Tensor) else np.asarray(x)


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Random numbers of Python, numpy and torch from a seed; theirs go on behind it."""
    python, arrays, tensors = random.getstate(), np.random.get_state(), torch.get_rng_state()
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(arrays)
        torch.set_rng_state(tensors)
