"""A build's plan replayed step by step where it runs, every row compared with the golden one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from edgec.diagnostics import Diagnostic
from edgec.sim.runner import Block, Runner


@dataclass(frozen=True)
class Tensor:
    """Golden rows, and where they lie in the arena: row i at address + i % capacity * pitch; at address +
    slots[i] where each row has a place of its own."""

    name: str
    data: bytes
    address: int
    pitch: int
    capacity: int
    rows: int
    row_bytes: int
    element: int
    slots: list[int] = field(default_factory=list)

    def golden(self, row: int) -> bytes:
        """The bytes of a row."""
        return self.data[row * self.row_bytes : (row + 1) * self.row_bytes]

    def at(self, row: int) -> int:
        """Where the row lies, from the arena's start."""
        return self.address + (self.slots[row] if self.slots else row % self.capacity * self.pitch)

    def held(self, first: int, last: int) -> range:
        """Those of the rows first .. last-1, computed in one step, that the window still holds after it."""
        return range(first if self.slots else max(first, last - self.capacity), last)


@dataclass(frozen=True)
class Cases:
    """The tests of a build. layers: name and results, in the library's order."""

    inputs: list[Tensor]
    layers: list[tuple[str, list[Tensor]]]
    outputs: list[Tensor]

    @property
    def input(self) -> bytes:
        """All inputs, as `Runner.run` takes them."""
        return b"".join(t.data for t in self.inputs)


@dataclass(frozen=True)
class Difference:
    """What differs first: the layer, and the row and element in words."""

    where: str
    text: str


def load(folder: Path) -> Cases:
    """The tests of the build in `folder`; raises Diagnostic E105 where they cannot be read."""
    path = folder / "tests" / "cases.json"
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
        layers = [(x["name"], [_tensor(folder, t) for t in x["results"]]) for x in read["layers"]]
        inputs, outputs = ([_tensor(folder, t) for t in read[k]] for k in ("inputs", "outputs"))
    except (OSError, ValueError, KeyError, TypeError) as e:
        raise _damaged(folder, f"{path.name}: {e}") from e
    return Cases(inputs, layers, outputs)


def steps(runner: Runner, cases: Cases, tick: Callable[[int, int], None]) -> Difference | None:
    """Replay the plan; the first row that differs right after its step. tick: layers done, of all."""
    if not runner.identify().streamed:
        for tensor in cases.inputs:
            _fill(runner, tensor, 0, tensor.rows)
    done: set[int] = set()
    for block in _blocks(runner):
        if feed(runner, cases, block):
            continue
        name, results = cases.layers[block.layer]
        for tensor in results:
            for row in tensor.held(block.first, block.last):
                have = runner.read(tensor.at(row), tensor.row_bytes)
                if text := _differs(tensor, row, have):
                    return Difference(name, text)
            if block.last == tensor.rows:
                done.add(block.layer)
        tick(len(done), len(cases.layers))
    return None


def model(runner: Runner, cases: Cases) -> Difference | None:
    """Run a whole inference; the first output row that differs."""
    return differs(cases, runner.run([cases.input])[0].outputs)


def differs(cases: Cases, raw: bytes) -> Difference | None:
    """The first row of a run's outputs that is not the reference's."""
    for tensor in cases.outputs:
        have, raw = raw[: len(tensor.data)], raw[len(tensor.data) :]
        for row in range(tensor.rows):
            if text := _differs(tensor, row, have[row * tensor.row_bytes : (row + 1) * tensor.row_bytes]):
                return Difference("model", text)
    return None


def feed(runner: Runner, cases: Cases, block: Block) -> bool:
    """Write the rows of an input that are due, where a block says so. False: it is a layer's."""
    if block.layer < len(cases.layers):
        return False
    _fill(runner, cases.inputs[block.layer - len(cases.layers)], block.first, block.last)
    return True


def _blocks(runner: Runner) -> Iterator[Block]:
    block = runner.step(restart=True)
    while block is not None:
        yield block
        block = runner.step(restart=False)


def _fill(runner: Runner, tensor: Tensor, first: int, last: int) -> None:
    for row in tensor.held(first, last):
        runner.write(tensor.at(row), tensor.golden(row))


def _differs(tensor: Tensor, row: int, have: bytes) -> str:
    """The first element of a row that is wrong, in words."""
    kind = np.dtype(f"i{tensor.element}")
    got, want = np.frombuffer(have, kind), np.frombuffer(tensor.golden(row), kind)
    where = np.flatnonzero(got != want)
    if not where.size:
        return ""
    k = int(where[0])
    differ = f"{where.size} of {got.size} differ"
    return f"row {row} of {tensor.name}: element {k} is {got[k]}, must be {want[k]} ({differ})"


def _tensor(folder: Path, case: dict[str, Any]) -> Tensor:
    file = case.pop("file")
    path = folder / "tests" / "vectors" / file
    try:
        tensor = Tensor(data=path.read_bytes(), **case)
    except OSError as e:
        raise _damaged(folder, f"{file}: {e.strerror}") from e
    if len(tensor.data) != (wanted := tensor.rows * tensor.row_bytes):
        raise _damaged(folder, f"{file} has {len(tensor.data)} bytes, not {wanted}")
    return tensor


def _damaged(folder: Path, reason: str) -> Diagnostic:
    return Diagnostic(
        "E105",
        "the tests of the build cannot be read",
        where=str(folder),
        facts=[("reason", reason)],
        remedies=["edgec build writes them anew"],
    )
