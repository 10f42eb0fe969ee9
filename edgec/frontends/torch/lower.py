"""Walks a decomposed ExportedProgram: folds what is constant, converts the rest."""

from __future__ import annotations

import operator
import re
from typing import TYPE_CHECKING, Any

from edgec.diagnostics import Diagnostic
from edgec.frontends.torch import fold
from edgec.frontends.torch.builder import CONVERTERS, Act, Builder, Const, Unsupported
from edgec.ir import Graph, TensorType

if TYPE_CHECKING:
    import torch
    from torch.export import ExportedProgram

_POISON = object()
"""The result of an op that could not be converted."""


def lower(program: ExportedProgram, where: str) -> Graph:
    """The float graph of a program that `decompose` returned.

    Raises Diagnostic E202 with every unsupported op, E204 for weights that are not finite.
    """
    from edgec.frontends.torch import (  # noqa: F401  (they register converters)
        activations,
        attention,
        compare,
        convs,
        indexing,
        norms,
        pools,
        products,
        reductions,
        resize,
        views,
    )

    return _Lowering(program, where).run()


class _Lowering:
    def __init__(self, program: ExportedProgram, where: str) -> None:
        self.program, self.where = program, where
        self.builder = Builder(Graph(_identifier(where)))
        self.env: dict[str, Any] = {}
        self.problems: list[tuple[str, str, str]] = []
        """(layer, op, why) of what cannot be converted."""

    def run(self) -> Graph:
        graph = self.builder.graph
        self._placeholders()
        for node in self.program.graph.nodes:
            if node.op == "call_function":
                self._node(node)
            elif node.op not in ("placeholder", "output"):
                raise Diagnostic("E202", f"an FX node of kind {node.op}", where=self.where)
        outputs = self._outputs()
        if self.problems:
            raise self._unsupported()
        graph.outputs = outputs
        graph.prune()
        self._name_input_layouts()
        return graph

    # -- inputs and outputs -------------------------------------------------

    def _placeholders(self) -> None:
        from torch.export.graph_signature import InputKind

        state = {**self.program.state_dict, **self.program.constants}
        nodes = {n.name: n for n in self.program.graph.nodes if n.op == "placeholder"}
        bad = []
        for spec in self.program.graph_signature.input_specs:
            node = nodes[spec.arg.name]
            if spec.kind == InputKind.USER_INPUT:
                self._input(node)
            elif spec.kind in (InputKind.PARAMETER, InputKind.BUFFER, InputKind.CONSTANT_TENSOR):
                data = state[str(spec.target)]
                self.env[node.name] = Const(data.detach(), str(spec.target))
                if node.users and not fold.is_sane(data, spec.kind == InputKind.PARAMETER):
                    bad.append(str(spec.target))
            else:
                raise Diagnostic("E202", f"an input of kind {spec.kind.name}", where=self.where)
        if bad:
            raise Diagnostic(
                "E204",
                "NaN or infinite weights",
                where=self.where,
                facts=tuple(("weight", name) for name in bad),
                remedies=("the training diverged, or the checkpoint is damaged: train or load again",),
            )

    def _input(self, node: torch.fx.Node) -> None:
        import torch

        value = node.meta.get("val")
        if not isinstance(value, torch.Tensor):
            self.env[node.name] = value  # a Python number: it was fixed by the export
            return
        if not value.is_floating_point() and not _read_as_float(node):
            self.problems.append((node.name, "input", f"holds {_dtype(value)}; inputs must be float"))
            self.env[node.name] = _POISON
            return
        shape = tuple(int(d) for d in value.shape)
        self.env[node.name] = Act(self.builder.graph.add_input(node.name, TensorType(shape)), shape)

    def _outputs(self) -> list[str]:
        from torch.export.graph_signature import OutputKind

        names = []
        for spec in self.program.graph_signature.output_specs:
            value = self.env.get(getattr(spec.arg, "name", ""))
            if spec.kind == OutputKind.USER_OUTPUT and isinstance(value, Act):
                names.append(value.name)
            elif spec.kind == OutputKind.USER_INPUT_MUTATION:
                self.problems.append(("the model", "in-place write", f"changes its input {spec.target}"))
        if not names and not self.problems:
            raise Diagnostic("E202", "no output depends on an input", where=self.where)
        return names

    def _name_input_layouts(self) -> None:
        """Inputs that go straight into a channels-last op have named axes."""
        graph = self.builder.graph
        for name in graph.inputs:
            type = graph.type(name)
            letters = {4: ("NCHW", (0, 2, 3, 1)), 3: ("NCL", (0, 2, 1))}.get(len(type.shape))
            users = [node for node, _ in graph.consumers(name)]
            if letters and users and all(u.attrs.get("perm") == letters[1] for u in users):
                graph.set_type(name, type.with_(layout=letters[0]))

    # -- ops ----------------------------------------------------------------

    def _node(self, node: torch.fx.Node) -> None:
        target: Any = node.target
        args, kwargs = self._arguments(node.args), self._arguments(node.kwargs)
        if target is operator.getitem:
            source, index = args
            self.env[node.name] = source if source is _POISON else source[index]
            return
        leaves = list(fold.leaves((args, kwargs)))
        if not hasattr(target, "_schema"):  # Python arithmetic on sizes, which values may decide
            unknown = any(leaf is _POISON for leaf in leaves)
            self.env[node.name] = _POISON if unknown else target(*args, **kwargs)
            return
        name = f"{target._schema.name.rpartition('::')[2]}.{target._overloadname}"
        path = module_path(node)
        self.builder.path, self.builder.label = path, node.name
        try:
            if fold.is_dropped(name):
                self.env[node.name] = None
                return
            folded = fold.try_fold(node, name, args, kwargs)
            if folded is not None:
                self.env[node.name] = folded
            elif name not in CONVERTERS and not name.startswith("sym_"):  # sizes are no ops of the user's
                raise Unsupported(fold.reason(name))
            elif any(leaf is _POISON for leaf in leaves):
                self.env[node.name] = _POISON
            else:
                call = _by_schema(target, args, kwargs)
                self.env[node.name] = CONVERTERS[name](self.builder, *call)
        except Unsupported as e:
            self.problems.append((path or "the model", name.removesuffix(".default"), str(e)))
            self.env[node.name] = _POISON

    def _arguments(self, tree: Any) -> Any:
        import torch

        return torch.fx.node.map_arg(tree, lambda n: self.env[n.name])

    def _unsupported(self) -> Diagnostic:
        unique = list(dict.fromkeys(self.problems))
        training = any("training" in why for _, _, why in unique)
        return Diagnostic(
            "E202",
            "unsupported operators",
            where=self.where,
            facts=tuple(
                ("op", f"{op} in {layer}" + (f": {why}" if why else "")) for layer, op, why in unique
            ),
            remedies=("call model.eval() before torch.export.export",) if training else (),
        )


def module_path(node: torch.fx.Node) -> str:
    """The user's module path of a node, such as `blocks.3.attn.qkv`; empty at the top."""
    stack = node.meta.get("nn_module_stack") or {}
    path = str(list(stack.values())[-1][0]) if stack else ""
    path = re.sub(r"@\d+", "", path.removeprefix("L['self']").removeprefix("."))
    return re.sub(r"\._modules\['(\w+)'\]|\['?(\w+)'?\]", r".\1\2", path).removeprefix(".")


def _by_schema(target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
    """All arguments in the order of the op's schema, defaults filled in."""
    call = list(args)
    for argument in target._schema.arguments[len(args) :]:
        call.append(kwargs.get(argument.name, argument.default_value))
    return call


_MOVES = {
    "permute",
    "transpose",
    "view",
    "reshape",
    "unsqueeze",
    "squeeze",
    "clone",
    "slice",
    "select",
    "flip",
}
_PROMOTES = {"_to_copy", "add", "sub", "mul", "div"}
"""Ops that take integers as the floats they are equal to, if their result is float."""


def _read_as_float(node: torch.fx.Node) -> bool:
    """Whether an integer value is only moved and then taken as float, as pixels in a byte are."""
    import torch

    for user in node.users:
        name, value = str(user.target).removeprefix("aten."), user.meta.get("val")
        base = name.partition(".")[0]
        if fold.is_dropped(name):
            continue
        if base in _PROMOTES and isinstance(value, torch.Tensor) and value.is_floating_point():
            continue
        if base not in _MOVES or not _read_as_float(user):
            return False
    return True


def _dtype(value: torch.Tensor) -> str:
    return str(value.dtype).removeprefix("torch.")


def _identifier(where: str) -> str:
    stem = re.split(r"[/\\:]", where)[-1].removesuffix(".pt2")
    return re.sub(r"\W+", "_", stem) or "model"
