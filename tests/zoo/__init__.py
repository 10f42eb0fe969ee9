"""Small models written as people write them, with random weights: `MODELS` by name."""

from __future__ import annotations

from tests.zoo import mobile, resnets, vits
from tests.zoo.common import Model

MODELS: dict[str, Model] = {**resnets.MODELS, **mobile.MODELS, **vits.MODELS}
