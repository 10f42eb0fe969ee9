"""Where fine-tuning stands, in a file: written whole or not at all, and compared before it is taken up."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from edgec.diagnostics import Diagnostic
from edgec.ir import Graph

_FORMAT = 1


def save_checkpoint(path: Path, state: Mapping[str, Any]) -> None:
    """Write a state, whole: the file that was there before stays until this one is complete."""
    beside = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with beside.open("wb") as file:
            torch.save({**state, "format": _FORMAT}, file)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def load_checkpoint(path: Path, about: Mapping[str, Any]) -> dict[str, Any]:
    """The state in a checkpoint.

    about: as `described` gives it. Raises Diagnostic E106 for a file that is damaged, or of another model or
    other settings.
    """
    try:
        state = torch.load(path, weights_only=True)
        same = isinstance(state, dict) and state["format"] == _FORMAT and isinstance(state["about"], dict)
    except Exception as e:  # whatever a damaged archive makes torch and zipfile throw
        raise _damaged(path, (str(e) or type(e).__name__).splitlines()[0][:120]) from e
    if not same:
        raise _damaged(path, "it is no checkpoint of edgec's fine-tuning")
    _compare(path, state["about"], about)
    return state


def described(
    constants: Mapping[str, tuple[str, list[int]]], graph: Graph, settings: Mapping[str, Any]
) -> dict[str, Any]:
    """What a checkpoint must have in common with a run that takes it up.

    constants: of each its form and its shape. graph: the float graph that is tuned.
    """
    digests = {
        v: hashlib.sha256(np.ascontiguousarray(x.data).tobytes()).hexdigest()
        for v, x in graph.values.items()
        if x.data is not None
    }
    return {
        "shapes": {v: shape for v, (_, shape) in constants.items()},
        "forms": {v: form for v, (form, _) in constants.items()},
        "settings": dict(settings),
        "weights": digests,
    }


def _compare(path: Path, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    """Raise Diagnostic E106 with the first thing that differs."""
    own = "continue with the model that it is of, or give resume another path to start anew"
    again = "continue with the settings that it was written with, or give resume another path to start anew"
    for kind, say, title, remedy in (
        ("shapes", list, "is of another model", own),
        ("forms", lambda f: f or "int8", "has other forms of weights", again),
        ("settings", str, "was written with other settings", again),
        (
            "weights",
            lambda d: f"weights {d[:12]}",
            "is of another state of the model, or other calibration",
            own,
        ),
    ):
        have, need = dict(old.get(kind, {})), dict(new[kind])
        for name in [*need, *(n for n in have if n not in need)]:
            if name not in have or name not in need or have[name] != need[name]:
                facts = [
                    ("name", name),
                    ("need", str(say(need[name])) if name in need else "nothing of this name"),
                    ("have", str(say(have[name])) if name in have else "nothing of this name"),
                ]
                raise _bad(path, f"the checkpoint {title}", facts, remedy)


def _damaged(path: Path, why: str) -> Diagnostic:
    return _bad(
        path,
        "the checkpoint cannot be read",
        [("error", why)],
        f"delete {path.name} to start anew: fine-tuning replaces it whole, so something else wrote it",
    )


def _bad(path: Path, title: str, facts: list[tuple[str, str]], remedy: str) -> Diagnostic:
    return Diagnostic("E106", title, where=f"resume: {path}", facts=facts, remedies=[remedy])
