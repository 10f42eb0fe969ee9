"""ExportedPrograms: made from modules, checked, and decomposed to the ops that are lowered."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from edgec.diagnostics import Diagnostic

if TYPE_CHECKING:
    from torch import nn
    from torch.export import ExportedProgram

_KEEP = """
linear.default matmul.default scaled_dot_product_attention.default
layer_norm.default rms_norm.default _fused_rms_norm.default group_norm.default instance_norm.default
silu.default hardswish.default hardsigmoid.default mish.default softplus.default log_sigmoid.default
selu.default celu.default prelu.default relu6.default softshrink.default hardshrink.default
threshold.default square.default
softmax.int log_softmax.int _safe_softmax.default
adaptive_avg_pool1d.default adaptive_avg_pool2d.default adaptive_max_pool1d.default
upsample_nearest1d.default upsample_nearest1d.vec upsample_nearest2d.default
_upsample_nearest_exact1d.default _upsample_nearest_exact1d.vec
_upsample_nearest_exact2d.default _upsample_nearest_exact2d.vec
upsample_linear1d.default upsample_linear1d.vec upsample_bicubic2d.vec
_upsample_bilinear2d_aa.vec _upsample_bicubic2d_aa.vec
pad.default reflection_pad1d.default reflection_pad2d.default
replication_pad1d.default replication_pad2d.default
roll.default im2col.default col2im.default unbind.int split.Tensor
masked_fill.Scalar masked_fill.Tensor tril.default triu.default
repeat_interleave.self_int select_scatter.default
"""
"""ATen ops that are lowered whole, because edgec has an op or a short form for each of them
that their decomposition would hide. Everything else that torch can decompose, is."""


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep what torch says about itself (warnings, logs, printed graphs) from the user's terminal."""
    loggers = [logging.getLogger(n) for n in ("torch", "torch.export", "torch._export")]
    before = [(x.level, x.disabled) for x in loggers]
    sink = io.StringIO()
    with warnings.catch_warnings(), contextlib.redirect_stdout(sink), contextlib.redirect_stderr(sink):
        warnings.simplefilter("ignore")
        for x in loggers:
            x.setLevel(logging.CRITICAL)
        previous = logging.root.manager.disable
        logging.disable(logging.CRITICAL)
        try:
            yield
        finally:
            logging.disable(previous)
            for x, (level, disabled) in zip(loggers, before, strict=True):
                x.level, x.disabled = level, disabled


def export_module(model: nn.Module, inputs: tuple[Any, ...], where: str) -> ExportedProgram:
    """Export a module for inference; raises Diagnostic E201 with torch's reason."""
    import torch

    training = {m: m.training for m in model.modules()}
    fast_path = torch.backends.mha.get_fastpath_enabled()
    try:
        # The fused inference kernels of nn.TransformerEncoder hide the ops they are made of.
        torch.backends.mha.set_fastpath_enabled(False)
        with quiet():
            return torch.export.export(model.eval(), inputs)
    except Exception as e:
        raise Diagnostic(
            "E201",
            "torch.export cannot export the model",
            where=where,
            facts=(("error", f"{type(e).__name__}: {first_line(e)}"),),
            remedies=("control flow in forward must not depend on the values of tensors",),
        ) from e
    finally:
        torch.backends.mha.set_fastpath_enabled(fast_path)
        for module, flag in training.items():
            module.training = flag


def decompose(program: ExportedProgram, where: str) -> ExportedProgram:
    """The program in functional form with only _KEEP and core ATen ops."""
    import torch

    table: Any = torch.export.default_decompositions()
    for name in _KEEP.split():
        op, overload = name.split(".")
        table.pop(getattr(getattr(torch.ops.aten, op), overload), None)
    try:
        with quiet():
            return program.run_decompositions(table)
    except Exception as e:
        raise Diagnostic(
            "E201",
            "torch cannot decompose the exported program",
            where=where,
            facts=(("error", f"{type(e).__name__}: {first_line(e)}"),),
        ) from e


def require_static(program: ExportedProgram, where: str) -> None:
    """Raise Diagnostic E203 where an input has a dimension without a number."""
    import torch

    dynamic = []
    for node in program.graph.nodes:
        value = node.meta.get("val")
        if node.op != "placeholder" or not isinstance(value, torch.Tensor):
            continue
        if any(not isinstance(d, int) for d in value.shape):
            dynamic.append((node.name, "[" + ", ".join(str(d) for d in value.shape) + "]"))
    if dynamic:
        raise dynamic_shapes(dynamic, where)


def dynamic_shapes(inputs: list[tuple[str, str]], where: str) -> Diagnostic:
    """The error for a program whose inputs have no fixed shape; pairs of (input, shape)."""
    return Diagnostic(
        "E203",
        "the exported program has dynamic shapes",
        where=where,
        facts=tuple(("input", f"{name} {shape}") for name, shape in inputs),
        remedies=("export without dynamic_shapes: torch.export.export(model.eval(), (x,))",),
    )


def first_line(error: BaseException) -> str:
    """The first line of an error's message."""
    return (str(error).strip() or "no message").splitlines()[0][:300]
