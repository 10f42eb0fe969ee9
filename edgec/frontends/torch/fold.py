"""Evaluates with torch, at import, whatever does not depend on the model's inputs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from edgec.frontends.torch.builder import Act, Const, Unsupported

if TYPE_CHECKING:
    import torch

_LIMIT = 1 << 28
"""Elements a folded tensor may have; more is a damaged program or a mistake."""

_SHAPE_ONLY = {
    "full_like", "zeros_like", "ones_like", "empty_like",
    "new_full", "new_zeros", "new_ones", "new_empty",
}  # fmt: skip
_DROPPED = {
    "_assert_async", "_assert_tensor_metadata", "_assert_scalar", "sym_constrain_range",
    "sym_constrain_range_for_size",
}  # fmt: skip
_TRAINING = {"native_dropout", "dropout", "_native_batch_norm_legit_functional", "alpha_dropout"}


def is_dropped(name: str) -> bool:
    """Whether an op only asserts something."""
    return name.partition(".")[0] in _DROPPED


def reason(name: str) -> str:
    """Why an op without a converter is unsupported, where more than its name can be said."""
    if name.partition(".")[0] in _TRAINING:
        return "the model was exported in training mode"
    return ""


def is_sane(data: torch.Tensor, is_parameter: bool) -> bool:
    """Whether a weight is finite; buffers may hold infinities, as masks do."""
    import torch

    if not data.is_floating_point():
        return True
    return bool(torch.isfinite(data).all() if is_parameter else not torch.isnan(data).any())


def leaves(tree: Any) -> Iterator[Any]:
    """The leaves of nested sequences and mappings."""
    if isinstance(tree, dict):
        tree = tuple(tree.values())
    if isinstance(tree, list | tuple):
        for x in tree:
            yield from leaves(x)
    else:
        yield tree


def try_fold(node: torch.fx.Node, name: str, args: Any, kwargs: Any) -> Any:
    """The op's results as Const (nested as the op returns them), None where it must run on the device.

    Raises Unsupported for random numbers, complex numbers and for results beyond any reason.
    """
    import torch

    value = node.meta.get("val")
    target: Any = node.target
    tensors = [v for v in leaves(value) if isinstance(v, torch.Tensor)]
    if any(v.is_complex() for v in tensors):
        raise Unsupported("complex numbers")
    operands = list(leaves((args, kwargs)))
    tainted = [x for x in operands if not isinstance(x, Const) and _is_symbolic(x)]
    if tainted:
        return _despite_inputs(name, args, value)
    if torch.Tag.nondeterministic_seeded in target.tags and not _is_certain(name, args, kwargs):
        raise Unsupported("random numbers at inference")
    sizes = [v.numel() for v in tensors]
    if any(isinstance(n, int) and n > _LIMIT for n in sizes):
        raise Unsupported(f"a constant of {max(sizes)} elements")
    with torch.no_grad():
        results = target(*_plain(args), **_plain(kwargs))
    return _wrap(results, node, operands)


def _is_certain(name: str, args: Any, kwargs: Any) -> bool:
    """Whether an op that may draw random numbers does not: attention without dropout."""
    dropout = args[4] if len(args) > 4 else kwargs.get("dropout_p", 0.0)
    return name.startswith("scaled_dot_product_attention") and dropout == 0.0


def _is_symbolic(x: Any) -> bool:
    """Whether a leaf is an activation, or the result of an op that could not be converted."""
    return isinstance(x, Act) or type(x) is object


def _despite_inputs(name: str, args: Any, value: Any) -> Const | int | None:
    """Constants that are made from an activation's shape only, or that hold for all finite values."""
    import torch

    base = name.partition(".")[0]
    if base == "sym_size":
        return args[0].shape[args[1]] if isinstance(args[0], Act) else None
    if base in _SHAPE_ONLY:
        fill = {"zeros": 0, "ones": 1, "empty": 0}
        kind = next((v for k, v in fill.items() if k in base), None)
        if kind is None:
            kind = args[1] if base == "full_like" else args[2]
        return Const(torch.full(tuple(value.shape), kind, dtype=value.dtype), base)
    if base in ("isnan", "isinf") or (base == "eq" and args[1] in (float("-inf"), float("inf"))):
        return Const(torch.zeros(tuple(value.shape), dtype=torch.bool), base)
    return None


def _plain(tree: Any) -> Any:
    if isinstance(tree, Const):
        return tree.data
    if isinstance(tree, dict):
        return {k: _plain(v) for k, v in tree.items()}
    if isinstance(tree, list | tuple):
        return type(tree)(_plain(x) for x in tree)
    return tree


def _wrap(results: Any, node: torch.fx.Node, operands: list[Any]) -> Any:
    import torch

    if isinstance(results, list | tuple):
        return [_wrap(r, node, operands) for r in results]
    if not isinstance(results, torch.Tensor):
        return results
    sources = [x for x in operands if isinstance(x, Const)]
    # A cast, view or permutation of one parameter keeps that parameter's name.
    same = len(sources) == 1 and sources[0].data.numel() == results.numel()
    return Const(results.detach(), sources[0].origin if same else node.name)
