"""Proving a build: inputs to try, the reference's outputs, and the comparison with what ran."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from edgec.codegen.library import Library
from edgec.ir import Graph
from edgec.ops.interpret import evaluate

Inputs = dict[str, np.ndarray]
"""One inference's integer inputs by value name, as the device takes them."""


@dataclass
class Proof:
    """Golden results: per sample its inputs and outputs, and all activations of the first."""

    inputs: list[Inputs] = field(default_factory=list)
    outputs: list[dict[str, np.ndarray]] = field(default_factory=list)
    activations: dict[str, np.ndarray] = field(default_factory=dict)


def sample_count(macs: int) -> int:
    """How many inferences a build proves: eight for small models, one for large ones."""
    return max(1, min(8, 200_000_000 // max(macs, 1)))


def draw_inputs(graph: Graph, count: int, seed: int = 0) -> list[Inputs]:
    """Seeded inputs over the whole range of the input type: noise and gradients in turn."""
    rng = np.random.default_rng(seed)
    samples = []
    for k in range(count):
        sample = {}
        for name in graph.inputs:
            t = graph.type(name)
            lo, hi = t.dtype.limits
            if k % 2 == 0:
                x = rng.integers(lo, hi + 1, t.shape)
            else:
                ramp = np.cumsum(rng.normal(0, 4, t.size)).reshape(t.shape)
                x = np.clip(np.round(ramp), lo, hi)
            sample[name] = x.astype(t.dtype.numpy)
        samples.append(sample)
    return samples


def prepare(graph: Graph, inputs: Sequence[Inputs], tick: Callable[[int, int], None]) -> Proof:
    """Run the integer reference over the inputs."""
    proof = Proof()
    for k, sample in enumerate(inputs):
        seen: dict[str, np.ndarray] = dict(sample)
        observe = seen.__setitem__ if k == 0 else None
        proof.inputs.append(sample)
        proof.outputs.append(evaluate(graph, sample, observe))
        if k == 0:
            proof.activations = seen
        tick(k + 1, len(inputs))
    return proof


def pack_inputs(library: Library, sample: Inputs) -> bytes:
    """The bytes the device is fed: all inputs in the graph's order."""
    return b"".join(
        np.ascontiguousarray(sample[p.name].astype(p.type.dtype.numpy)).tobytes() for p in library.inputs
    )


def unpack_outputs(library: Library, raw: bytes) -> dict[str, np.ndarray]:
    """What the device sent, as arrays by output name."""
    outputs, at = {}, 0
    for p in library.outputs:
        chunk = np.frombuffer(raw, p.type.dtype.numpy, p.type.size, at)
        outputs[p.name] = chunk.reshape(p.type.shape)
        at += p.bytes
    return outputs


@dataclass(frozen=True)
class Mismatch:
    """The first element that differs."""

    sample: int
    output: str
    element: int
    got: int
    want: int
    differing: int

    def __str__(self) -> str:
        return (
            f"input {self.sample}: {self.differing} elements of {self.output} differ, "
            f"the first is {self.element}: {self.got}, must be {self.want}"
        )


def compare(library: Library, proof: Proof, raw: Sequence[bytes]) -> Mismatch | None:
    """The first mismatch between what the device sent and the golden outputs; None if none."""
    for k, (got_bytes, want) in enumerate(zip(raw, proof.outputs, strict=True)):
        got = unpack_outputs(library, got_bytes)
        for name, w in want.items():
            differ = np.flatnonzero(got[name].ravel() != w.ravel())
            if differ.size:
                i = int(differ[0])
                return Mismatch(k, name, i, int(got[name].flat[i]), int(w.flat[i]), int(differ.size))
    return None
