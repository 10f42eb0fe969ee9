"""The Keras front end: through tensorflow's own TFLite converter."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from edgec.diagnostics import Diagnostic
from edgec.ir import Graph


def load_keras(path: str | Path) -> Graph:
    """Import a .keras or .h5 model as a float graph with a batch of one.

    Raises Diagnostic: E401 without tensorflow, E201 for a file that Keras cannot read or
    tensorflow cannot convert, E203 for inputs whose size is open; and what `load_tflite` raises.
    """
    path = Path(path)
    if not path.is_file():
        raise Diagnostic("E205", "no such model file", where=str(path))
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        import tensorflow as tf
    except ImportError:
        raise Diagnostic(
            "E401",
            "tensorflow is missing, it reads .keras and .h5 files",
            where=str(path),
            remedies=["pip install edgec[keras]"],
        ) from None
    from edgec.frontends.tflite import load_tflite

    try:
        model = tf.keras.models.load_model(path, compile=False)
    except Exception as e:  # whatever Keras makes of a damaged file
        raise _failed(path, "Keras cannot load the model", e) from e
    signature = _signature(tf, model, path)
    try:
        function = tf.function(lambda *xs: model(xs[0] if len(xs) == 1 else list(xs), training=False))
        frozen = _frozen(function.get_concrete_function(*signature))
        converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen], model)
        data = converter.convert()
    except Exception as e:  # ops that TFLite has not, and the converter's own troubles
        raise _failed(path, "tensorflow cannot convert the model to TFLite", e) from e
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"{path.stem}.tflite"
        file.write_bytes(data)
        return load_tflite(file)


def _frozen(function: Any) -> Any:
    """The function with its variables made constants, as edgec wants weights."""
    from tensorflow.python.framework import convert_to_constants

    return convert_to_constants.convert_variables_to_constants_v2(function)


def _signature(tf: Any, model: Any, path: Path) -> list[Any]:
    """The inputs' types with a batch of one."""
    found = []
    for x in model.inputs:
        shape = [1, *x.shape[1:]]
        if any(d is None for d in shape):
            raise Diagnostic(
                "E203",
                "dynamic shapes",
                where=str(path),
                facts=[("input", f"{x.name}: {list(x.shape)}")],
                remedies=["build the model with a fixed input shape"],
            )
        found.append(tf.TensorSpec(shape, x.dtype, name=x.name.split(":")[0]))
    return found


def _failed(path: Path, title: str, error: Exception) -> Diagnostic:
    lines = [s.strip() for s in str(error).splitlines() if s.strip()]
    reason = f"{type(error).__name__}: {lines[0][:200] if lines else 'no message'}"
    return Diagnostic("E201", title, where=str(path), facts=[("error", reason)])
