"""Small models written as people write them, with random weights: `MODELS` by name."""

from __future__ import annotations

from tests.zoo import dense, hybrids, mixers, mobile, resnets, vits, windows
from tests.zoo.common import Model

MODELS: dict[str, Model] = {
    **resnets.MODELS,
    **mobile.MODELS,
    **vits.MODELS,
    **windows.MODELS,
    **hybrids.MODELS,
    **mixers.MODELS,
    **dense.MODELS,
}
