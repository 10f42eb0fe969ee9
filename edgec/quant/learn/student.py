"""The quantized model as what is learned: real weights, of which every step makes an integer graph."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import torch
from torch import Tensor, nn

from edgec.ir import Graph, Node, Quant
from edgec.ops.base import call_of, op_of
from edgec.ops.forms import ATTRIBUTE, Form
from edgec.quant.formats import Range
from edgec.quant.forms import has_weights, project_graph
from edgec.quant.learn.coded import Coded
from edgec.quant.learn.exact import Held, run_exact
from edgec.quant.learn.torch_graph import fronts
from edgec.quant.ptq import quantize_graph

_LEAST = 1e-3
"""Scales of a form stay above this part of what they were."""
_OTHER = 0.1
"""What a bias or a factor of a norm may go in a step, of the rate, as a share of its usual size."""
_NORMS = ("layer_norm", "group_norm")


class Student(nn.Module):
    """A float graph whose weights, biases and norms are parameters, computed as its integer graph does.

    real: the graph, ranges and wide: as for `quantize_graph`. forms: of weights, by node name. Weights in a
    codebook or in int4 are `Coded`; others are rounded, or projected onto their form, anew in every step.
    """

    def __init__(
        self, real: Graph, ranges: Mapping[str, Range], wide: Collection[str], forms: Mapping[str, str]
    ) -> None:
        super().__init__()
        self.real = real = _untied(real)
        self.ranges, self.wide = ranges, wide
        self.forms = {n.name: forms[n.name] for n in real.nodes() if n.name in forms and has_weights(real, n)}
        self.names = [v for v, x in real.values.items() if x.data is not None]
        plain = quantize_graph(real, ranges, wide)
        coded: dict[str, Coded] = {}
        for name, text in self.forms.items():
            form, value = Form.parse(text), real.node(name).inputs[1]
            if form is not None and form.learns and value not in coded:
                quant = plain.type(plain.node(name).inputs[1]).q
                data = real.values[value].data
                assert data is not None
                coded[value] = Coded(data, np.broadcast_to(np.array(quant.scale), len(data)), form)
        # Names of values may have dots, which those of modules must not.
        self.places = {v: str(k) for k, v in enumerate(self.names)}
        self.coded = nn.ModuleDict({self.places[v]: m for v, m in coded.items()})
        self.others = nn.ParameterDict(
            {
                self.places[v]: nn.Parameter(torch.from_numpy(_array(real, v).copy()))
                for v in _learned(real)
                if v not in coded
            }
        )
        self.floors = {k: _LEAST * m.scale.detach().clone() for k, m in self._codes()}
        self._fixed = {v: torch.from_numpy(_array(real, v).copy()) for v in self.names}

    def constants(self) -> dict[str, Tensor]:
        """All float constants as they are now, by name, with their gradients."""
        now = dict(self._fixed)
        for value, place in self.places.items():
            if place in self.others:
                now[value] = self.others[place]
            elif place in self.coded:
                now[value] = self.coded[place]()
        return now

    def graph(self) -> Graph:
        """The integer graph of the weights as they are now."""
        made = self.real.copy()
        for value, place in self.places.items():
            held = made.values[value]
            if place in self.others:
                held.data = self.others[place].detach().numpy().copy()
                held.type = held.type.with_(quant=None)
            elif place in self.coded:
                q, scale = self._code(place).stored()
                held.data = (q * scale.reshape(-1, *(1,) * (q.ndim - 1))).astype(np.float32)
                held.type = held.type.with_(quant=Quant(tuple(scale.tolist()), (0,) * len(scale), 0))
        held_graph = quantize_graph(made, self.ranges, self.wide)
        stated = {n for n in self.forms if self.places[self.real.node(n).inputs[1]] in self.coded}
        for name in stated:
            held_graph.node(name).attrs[ATTRIBUTE] = self.forms[name]
        project_graph(held_graph, {n: f for n, f in self.forms.items() if n not in stated})
        return held_graph

    def forward(self, inputs: Mapping[str, Tensor]) -> list[Held]:
        """What is learned by (`fronts`), exact; inputs: [samples, *shape]."""
        with torch.no_grad():
            held = self.graph()
        return run_exact(self.real, held, inputs, self.constants(), fronts(held))

    def outputs(self, inputs: Mapping[str, Tensor]) -> list[Held]:
        """The outputs, exact; inputs: [samples, *shape]."""
        with torch.no_grad():
            held = self.graph()
            return run_exact(self.real, held, inputs, self.constants(), held.outputs)

    def steps(self, rate: float) -> list[dict[str, object]]:
        """What an optimizer changes: rate is a share of the distance of two weights in their form."""
        groups: list[dict[str, object]] = [
            g for _, m in self._codes() for g in m.steps(rate, is_settled=False)
        ]
        kinds = _learned(self.real)
        for value, place in self.places.items():
            if place not in self.others:
                continue
            p = self.others[place]
            if kinds[value]:
                size = float(p.detach().abs().max()) / 127 + 1e-12
            else:
                size = _OTHER * (float(p.detach().abs().mean()) + 1e-3)
            groups.append({"params": [p], "lr": rate * size})
        return groups

    def keep_apart(self) -> None:
        """After a step: scales stay positive."""
        with torch.no_grad():
            for place, m in self._codes():
                torch.maximum(m.scale, self.floors[place], out=m.scale.data)

    def pull(self, share: float) -> None:
        """The proximal step of all coded weights."""
        for _, m in self._codes():
            m.pull(share)

    def is_finite(self) -> bool:
        """Whether all parameters are numbers."""
        return all(bool(torch.isfinite(p).all()) for p in self.parameters())

    def _codes(self) -> list[tuple[str, Coded]]:
        return [(place, self._code(place)) for place in self.coded]

    def _code(self, place: str) -> Coded:
        found = self.coded[place]
        assert isinstance(found, Coded)
        return found


def _untied(graph: Graph) -> Graph:
    """The graph with biases and factors of norms of its own for every node: equal ones were merged."""
    made = graph.copy()
    seen = set[str]()
    for node in made.nodes():
        for k, v in enumerate(node.inputs):
            if _role(made, node, k) is False and made.is_constant(v):
                if v in seen:
                    made.set_operand(
                        node, k, made.add_constant(v, _array(made, v), layout=made.type(v).layout)
                    )
                seen.add(v)
    return made


def _array(graph: Graph, value: str) -> np.ndarray:
    data = graph.data(value)
    assert data is not None
    return data


def _learned(graph: Graph) -> dict[str, bool]:
    """The constants that are learned; whether they are weights."""
    found: dict[str, bool] = {}
    for node in graph.nodes():
        for k, v in enumerate(node.inputs):
            role = _role(graph, node, k)
            if role is not None and graph.is_constant(v):
                found[v] = found.get(v, False) or role
    return found


def _role(graph: Graph, node: Node, k: int) -> bool | None:
    """Whether operand k is a weight; None where it is nothing to be learned."""
    role = op_of(node).quantization(call_of(graph, node)).constants.get(k, "")
    if role.startswith(("channel", "tensor")):
        return True
    return False if role == "bias" or (node.op in _NORMS and k > 0) else None
