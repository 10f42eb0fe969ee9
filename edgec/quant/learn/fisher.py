"""Which of a network's values matter to its outputs: the diagonal of the Fisher information.

BRECQ (Li et al., ICLR 2021) weighs the errors of a block's results by it, so that what later layers do not
look at is not learned at the cost of what they do.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from edgec.ir import Graph
from edgec.quant.learn.torch_graph import PART, fronts, in_parts, is_reached, part_of, run

_SEED = 7


def importance(
    graph: Graph, values: Mapping[str, Tensor], constants: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Weights for the errors of the values that a float graph reads from there on.

    values: [samples, ...]. Of each that gradients reach, [1, ...]: in proportion to the mean square of the
    outputs' gradient, with the outputs' errors drawn at random, and 1 on the average. Empty where no
    gradients get to the values.
    """
    ends = [v for v in values if is_reached(graph, v)]
    outputs, sums = fronts(graph), {v: torch.zeros_like(values[v][:1]) for v in ends}
    rng = torch.Generator().manual_seed(_SEED)
    for p in in_parts(len(next(iter(values.values()))), PART):
        given = {v: x.clone().requires_grad_(v in sums) for v, x in part_of(values, p).items()}
        got = [y for y in run(graph, given, constants, outputs) if y.requires_grad]
        if not got:
            return {}
        drawn = [torch.randn(y.shape, generator=rng) / y.detach().std().clamp_min(1e-6) for y in got]
        total = torch.stack([(y * d).sum() for y, d in zip(got, drawn, strict=True)]).sum()
        gradients = torch.autograd.grad(total, [given[v] for v in ends], allow_unused=True)
        for v, g in zip(ends, gradients, strict=True):
            if g is not None:
                sums[v] += g.square().sum(0, keepdim=True)
    weights = {v: x * values[v].var() for v, x in sums.items()}
    mean = sum(float(x.mean()) for x in weights.values()) / max(len(weights), 1)
    return {v: x / mean for v, x in weights.items()} if mean > 0 else {}
