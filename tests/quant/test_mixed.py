"""The forms that are chosen are the best there are."""

from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from edgec.quant.mixed import FORMS, Mixed


@st.composite
def choices(draw: st.DrawFn) -> Mixed:
    sizes, noise = {}, {}
    for k in range(draw(st.integers(1, 4))):
        weights = draw(st.integers(1, 1000)) * 8
        for form, bits in zip(FORMS, (8, 4, 4, 3, 2), strict=True):
            sizes[f"l{k}", form] = weights * bits // 8 + (form != FORMS[0])
            noise[f"l{k}", form] = draw(st.floats(0, 1)) if form != FORMS[0] else 0.0
    if draw(st.booleans()):
        return Mixed(sizes, noise)
    return Mixed(sizes, noise, {k: draw(st.integers(0, 1000)) for k in sizes})


@settings(max_examples=40, deadline=None)
@given(choices(), st.floats(0.2, 1.1))
def test_no_other_forms_have_less_noise(mixed: Mixed, share: float) -> None:
    limit = int(mixed.most * share)
    layers = mixed.layers
    every = [dict(zip(layers, forms, strict=True)) for forms in itertools.product(FORMS, repeat=len(layers))]
    fitting = [f for f in every if sum(mixed.bytes[k] for k in f.items()) <= limit]
    found = mixed.best(limit)
    if found is None:
        assert not fitting
        return
    assert found.bytes == sum(mixed.bytes[k] for k in found.forms.items()) <= limit
    noise = [sum(mixed.noise[k] for k in f.items()) for f in fitting]
    cycles = [sum(mixed.cycles.get(k, 0) for k in f.items()) for f in fitting]
    assert found.noise <= min(noise) * (1.02 if mixed.cycles else 1.0) + 1e-6
    assert found.cycles <= min(c for c, x in zip(cycles, noise, strict=True) if x <= 1.0199 * min(noise))


@settings(max_examples=20, deadline=None)
@given(choices())
def test_the_frontier_goes_down(mixed: Mixed) -> None:
    found = mixed.frontier(mixed.best(mixed.least))
    assert found[0].bytes <= mixed.most and found[-1].bytes == mixed.least
    assert all(a.bytes > b.bytes for a, b in itertools.pairwise(found))
