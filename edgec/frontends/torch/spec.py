"""Model specs of the form `package.module:callable`."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgec.diagnostics import Diagnostic

if TYPE_CHECKING:
    from torch import nn

_SPEC = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")


def is_callable_spec(spec: str) -> bool:
    """Whether a string has the form `package.module:callable`."""
    return _SPEC.fullmatch(spec) is not None


def resolve_callable(spec: str) -> tuple[nn.Module, tuple[Any, ...]]:
    """Import the module, call the callable and return (model, example inputs).

    Modules are found in the working directory as well. Raises Diagnostic E205 where the
    module or the callable does not exist, E201 where it fails or returns something else.
    """
    module_name, _, attribute = spec.partition(":")
    cwd = str(Path.cwd())
    if cwd not in sys.path and "" not in sys.path:
        sys.path.insert(0, cwd)
    try:
        target: Any = importlib.import_module(module_name)
    except ModuleNotFoundError as e:
        raise Diagnostic(
            "E205",
            f"no Python module {e.name}",
            where=spec,
            remedies=("run from the folder that holds the module, or install its package",),
        ) from e
    except Exception as e:  # the user's module runs whatever it runs
        raise _failed(spec, f"importing {module_name} failed", e) from e
    try:
        for name in attribute.split("."):
            target = getattr(target, name)
    except AttributeError as e:
        raise Diagnostic("E205", f"{module_name} has no {attribute}", where=spec) from e
    try:
        result = target()
    except Exception as e:
        raise _failed(spec, f"calling {attribute}() failed", e) from e
    return _checked(spec, result)


def _checked(spec: str, result: object) -> tuple[nn.Module, tuple[Any, ...]]:
    import torch

    match result:
        case (torch.nn.Module() as model, torch.Tensor() as x):
            return model, (x,)
        case (torch.nn.Module() as model, tuple() | list() as inputs):
            return model, tuple(inputs)
    raise Diagnostic(
        "E201",
        "the callable does not return a module and example inputs",
        where=spec,
        facts=(("have", _describe(result)),),
        remedies=("return (model, (x,)) with x a tensor of the shape the device will see",),
    )


def _describe(result: object) -> str:
    if isinstance(result, tuple):
        return f"({', '.join(type(r).__name__ for r in result)})"
    return type(result).__name__


def _failed(spec: str, what: str, error: Exception) -> Diagnostic:
    first = (str(error).strip() or "no message").splitlines()[0]
    return Diagnostic("E201", what, where=spec, facts=(("error", f"{type(error).__name__}: {first}"),))
