"""The Keras front end: what it says without tensorflow, and a model where tensorflow is installed."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from edgec.diagnostics import Diagnostic
from edgec.frontends.keras import load_keras


def test_without_tensorflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "m.keras").write_bytes(b"x")
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(Diagnostic) as e:
        load_keras(tmp_path / "m.keras")
    assert e.value.code == "E401" and e.value.remedies == ("pip install edgec[keras]",)


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(Diagnostic) as e:
        load_keras(tmp_path / "m.h5")
    assert e.value.code == "E205"


@pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="tensorflow is not installed")
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_models(tmp_path: Path, suffix: str) -> None:
    import tensorflow as tf

    from edgec.ops.interpret import evaluate

    layers = tf.keras.layers
    inputs = tf.keras.Input((12, 10, 3))
    x = layers.Conv2D(8, 3, strides=2, padding="same", activation="relu")(inputs)
    x = layers.DepthwiseConv2D(3, padding="same")(x)
    x = layers.BatchNormalization()(x)
    x = layers.GlobalAveragePooling2D()(x)
    model = tf.keras.Model(inputs, layers.Dense(5)(x))
    model.save(tmp_path / f"m{suffix}")
    graph = load_keras(tmp_path / f"m{suffix}")
    feed = np.random.default_rng(0).normal(size=(1, 12, 10, 3)).astype(np.float32)
    (got,) = evaluate(graph, {graph.inputs[0]: feed}).values()
    np.testing.assert_allclose(got, model(feed).numpy(), rtol=1e-3, atol=1e-5)
    (tmp_path / f"bad{suffix}").write_bytes(b"junk")
    with pytest.raises(Diagnostic) as e:
        load_keras(tmp_path / f"bad{suffix}")
    assert e.value.code == "E201"
