"""Where learning and fine-tuning stand, in a file: written whole or not at all."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from edgec.diagnostics import Diagnostic
from edgec.ir import Graph
from edgec.ops.forms import INT8
from edgec.quant.forms import has_weights
from edgec.quant.learn.student import Student

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
    state = load_state(path)
    if not isinstance(state.get("about"), dict):
        raise _damaged(path, "it is no checkpoint of edgec's fine-tuning")
    _compare(path, state["about"], about)
    return state


def load_state(path: Path) -> dict[str, Any]:
    """What `save_checkpoint` wrote. Raises Diagnostic E106 for a file that is damaged."""
    try:
        state = torch.load(path, weights_only=True)
        same = isinstance(state, dict) and state["format"] == _FORMAT
    except Exception as e:  # whatever a damaged archive makes torch and zipfile throw
        raise _damaged(path, (str(e) or type(e).__name__).splitlines()[0][:120]) from e
    if not same:
        raise _damaged(path, "it is no checkpoint of edgec's fine-tuning")
    found: dict[str, Any] = state
    return found


def described(teacher: Graph, student: Student, settings: Mapping[str, Any]) -> dict[str, Any]:
    """What a checkpoint must have in common with a run that takes it up.

    teacher: the float graph. student: before its first step.
    """
    layers = [n for n in teacher.nodes() if has_weights(teacher, n)]
    formats = repr((sorted(student.ranges.items()), sorted(student.wide))).encode()
    return {
        "shapes": {v: list(x.type.shape) for v, x in teacher.values.items() if x.data is not None},
        "forms": {n.path: student.forms.get(n.name, INT8) for n in layers},
        "settings": dict(settings),
        "weights": _digests(teacher),
        "start": {"formats of activations": _digest(formats), **_digests(student.real)},
    }


def _digests(graph: Graph) -> dict[str, str]:
    return {v: _digest(x.data.tobytes()) for v, x in graph.values.items() if x.data is not None}


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:12]


_OWN = "go on with the model and the data that it is of, or give resume another path to start anew"
_AGAIN = "go on with the options that it was written with, or give resume another path to start anew"
_PARTS = (
    ("shapes", "is of another model", _OWN),
    ("forms", "has other forms of weights", _AGAIN),
    ("settings", "was written with other settings", _AGAIN),
    ("weights", "is of the same model with other weights", _OWN),
    ("start", "was begun with other calibration data", _OWN),
)


def _compare(path: Path, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    """Raise Diagnostic E106 with the first thing that differs."""
    for part, title, remedy in _PARTS:
        have, need = dict(old.get(part, {})), dict(new[part])
        for name in [*need, *(n for n in have if n not in need)]:
            facts = [
                ("name", name),
                ("need", str(need.get(name, "nothing of this name"))),
                ("have", str(have.get(name, "nothing of this name"))),
            ]
            if facts[1][1] != facts[2][1]:
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
