"""What doubtful calibration data costs a model, in decibels that are measured with it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from edgec.diagnostics import Diagnostic
from edgec.ir import Graph
from edgec.options import Progress
from edgec.quant.choose import Quantized
from edgec.quant.data import Samples
from edgec.quant.snr import compare, float_outputs

_ALONE = 4
"""So many samples are left out one after the other; of more, every third is, at once."""
_SEEN, _NOISE = 4, 2
"""Samples that are calibrated with beside noise, and those of noise."""


def weighed(samples: Samples, chosen: Quantized, model: Graph, progress: Progress) -> list[str]:
    """A sentence for each doubt about the samples: what is wrong, what it costs, and the remedy.

    chosen: came of the samples; model: the float graph it is to compute. Takes 32 inferences at
    most, of the float and the integer model.
    """
    if not samples.doubts:
        return []
    progress.stage("weigh the calibration data")
    noise, told = "", []
    for doubt in samples.doubts:
        if doubt.distinct:
            cost = _left_out(samples.part(doubt.distinct), chosen, model)
        else:
            cost = noise = noise or _on_noise(samples, chosen, model)
        told.append(f"{doubt.what}: {cost}; {doubt.remedy}")
    return told


def _left_out(samples: Samples, chosen: Quantized, model: Graph) -> str:
    """What the outputs keep on the samples that formats were chosen by, and on others."""
    count, each = len(samples), len(samples) <= _ALONE
    noise = []
    for out in [[k] for k in range(count)] if each else [range(1, count, 3)]:
        held, part = chosen.again(samples.part([k for k in range(count) if k not in out])), samples.part(out)
        noise.append(10 ** (-_decibels(part, held, model, float_outputs(model, part)) / 10))
    left, which = -10 * math.log10(sum(noise) / len(noise)), "each" if each else f"{len(out)} of them"
    own = f"outputs keep {chosen.fidelity.snr:.1f} dB on them"
    return f"{own}, {left:.1f} dB on {which} when left out of calibration"


def _on_noise(samples: Samples, chosen: Quantized, model: Graph) -> str:
    """What the outputs keep on inputs that look like no sample, and what they could keep."""
    some, noise = samples.head(_SEEN), _noise(samples)
    both = {n: np.concatenate([a, noise.arrays[n]]) for n, a in some.arrays.items()}
    try:
        held = chosen.again(replace(some, arrays=both))
    except Diagnostic:
        return "on noise about their mean the model's values are no numbers"
    want = float_outputs(model, noise)
    have, could = (_decibels(noise, g, model, want) for g in (chosen.graph, held))
    return f"outputs keep {have:.1f} dB on noise about their mean, {could:.1f} dB if calibrated with it"


def _noise(samples: Samples) -> Samples:
    """Normal noise with the mean and deviation of the samples, in their range; integers are drawn from them.

    Samples that hold next to nothing do not say how far inputs can be from them: the deviation is 1 at least.
    """
    rng, arrays = np.random.default_rng(0), {}
    blank = any(doubt.blank for doubt in samples.doubts)
    for name, a in samples.arrays.items():
        shape = (_NOISE, *a.shape[1:])
        if a.dtype.kind != "f":
            arrays[name] = rng.choice(a.ravel(), shape)
            continue
        deviation, wide = float(a.std()), blank or a.min() == a.max()
        x = rng.normal(float(a.mean()), max(deviation, 1.0) if wide else deviation, shape).astype(a.dtype)
        arrays[name] = x if wide else x.clip(a.min(), a.max())
    return replace(samples, arrays=arrays)


def _decibels(samples: Samples, held: Graph, model: Graph, want: Sequence[dict[str, np.ndarray]]) -> float:
    return compare(model, held, samples, layers=False, want=want).snr
