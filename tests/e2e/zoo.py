"""The zoo's models as attributes, so that `package.module:callable` finds them."""

from tests.zoo import MODELS

globals().update(MODELS)
