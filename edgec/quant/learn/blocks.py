"""Blocks of layers whose weights are learned together.

Q-VLM (Wang et al., NeurIPS 2024) partitions a network by the entropy of activations: where it is high, what a
layer rounds wrong depends much on what the layer before it did, and the two are searched jointly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from edgec.ir import Graph

_BINS = 256
_LONGEST = 4
"""Layers of a block at most: beyond, a few samples do not tell their weights apart."""


def entropy(values: np.ndarray) -> float:
    """Bits an element, of values in 256 even steps between their extremes."""
    counts, _ = np.histogram(values, _BINS)
    share = counts[counts > 0] / max(counts.sum(), 1)
    return float(-(share * np.log2(share)).sum())


def partition(
    layers: Sequence[str], entropies: Mapping[str, float], longest: int = _LONGEST
) -> list[list[str]]:
    """Layers in order, as blocks: one goes on after a layer whose results have more entropy than most have.

    entropies: of every layer's results. longest: layers of a block at most, 1 for every layer by itself.
    """
    middle = float(np.median([entropies[n] for n in layers])) if layers else 0.0
    blocks: list[list[str]] = []
    goes_on = False
    for name in layers:
        if goes_on and len(blocks[-1]) < longest:
            blocks[-1].append(name)
        else:
            blocks.append([name])
        goes_on = entropies[name] >= middle
    return blocks


def leaving(graph: Graph, last: str) -> list[str]:
    """The values computed up to and with a node that later nodes, or the user, read."""
    nodes = graph.nodes()
    at = next(k for k, n in enumerate(nodes) if n.name == last)
    made = {v for n in nodes[: at + 1] for v in n.outputs} | set(graph.inputs)
    used = {v for n in nodes[at + 1 :] for v in n.inputs} | set(graph.outputs)
    return sorted(made & used)
