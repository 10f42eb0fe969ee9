"""Proving a build: inputs to try, the reference's outputs, and the comparison with what ran."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from edgec.codegen.library import Library
from edgec.diagnostics import Diagnostic
from edgec.ir import Graph
from edgec.ops.interpret import evaluate
from edgec.report.schema import Check

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


def require_same(graph: Graph, proof: Proof) -> None:
    """Raise AssertionError, a bug in edgec, unless the graph gives the first golden outputs.

    graph: as it was lowered; the proof may be of a form of it that takes less memory, or has less to compute.
    """
    for name, want in evaluate(graph, proof.inputs[0]).items():
        assert np.array_equal(proof.outputs[0][name], want), f"rewriting the graph changed {name}"


def pack_inputs(library: Library, sample: Inputs) -> bytes:
    """The bytes the device is fed: all inputs in the graph's order."""
    return b"".join(
        np.ascontiguousarray(sample[p.value].astype(p.type.dtype.numpy)).tobytes() for p in library.inputs
    )


def unpack_outputs(library: Library, raw: bytes) -> dict[str, np.ndarray]:
    """What the device sent, as arrays by value name."""
    outputs, at = {}, 0
    for p in library.outputs:
        chunk = np.frombuffer(raw, p.type.dtype.numpy, p.type.size, at)
        outputs[p.value] = chunk.reshape(p.type.shape)
        at += p.bytes
    return outputs


def require_equal(library: Library, proof: Proof, raw: Sequence[bytes], where: str) -> None:
    """Raise Diagnostic E501 unless what the device sent equals the golden outputs, byte for byte."""
    for k, (got_bytes, want) in enumerate(zip(raw, proof.outputs, strict=True)):
        got = unpack_outputs(library, got_bytes)
        for name, w in want.items():
            differ = np.flatnonzero(got[name].ravel() != w.ravel())
            if not differ.size:
                continue
            i = int(differ[0])
            raise Diagnostic(
                "E501",
                f"outputs differ from the integer reference on {where}",
                where=f"output {name}, inference {k}",
                facts=[
                    ("differ", f"{differ.size:,} of {w.size:,} elements"),
                    ("first", f"element {i} is {got[name].flat[i]}, must be {w.flat[i]}"),
                ],
                remedies=["edgec build ... --no-verify --out DIR, then edgec test DIR: names the layer"],
            )


def within(what: str, measured: int, planned: int) -> Check:
    """The check that a high-water mark stays within the plan; Diagnostic E501 where it does not."""
    if measured > planned:
        raise Diagnostic(
            "E501",
            f"the {what} grew beyond its plan",
            facts=[("need", f"{measured:,} B measured"), ("have", f"{planned:,} B planned")],
        )
    return Check(name=what, passed=True, detail=f"{measured:,} of {planned:,} B used")
