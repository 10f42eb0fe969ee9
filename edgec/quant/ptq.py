"""Post-training quantization: a float graph and ranges to an integer graph.

What an op asks of its operands and result stands in its `Op.quantization`. Values keep
their names, so that float and integer graph can be compared layer by layer. Weights are
int8 symmetric per channel, biases int32, activations int8 asymmetric; the values in
`wide` are int16 symmetric (residual streams that a layer norm reads). Where the file
carried parameters of its own (quantize and dequantize nodes) those are taken.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from edgec.ir import DType, Graph, Node, Quant
from edgec.ops.base import QuantRule, add_op, call_of, op_of
from edgec.quant import constants
from edgec.quant.floors import least_scale
from edgec.quant.formats import Range, asymmetric, symmetric, to_integers

Format = tuple[DType, Quant | None]

_CLOSE = 1.5
"""A concatenation's operand takes the result's scale if its own is not finer than by this."""
_STEPS = 16
"""Steps of the format that a softmax's even share should have."""


def quantize_graph(graph: Graph, ranges: Mapping[str, Range], wide: Collection[str] = ()) -> Graph:
    """The integer graph. `ranges`: per float value; `wide`: values to hold in int16.

    The float graph is left as it is.
    """
    return _Quantizer(graph, ranges, wide).run()


class _Quantizer:
    def __init__(self, graph: Graph, ranges: Mapping[str, Range], wide: Collection[str]) -> None:
        self.graph = graph.copy()
        self.ranges = dict(ranges)
        self.wide = frozenset(wide)
        self.converted: dict[tuple[str, Format], str] = {}
        self.rules = {n.name: op_of(n).quantization(call_of(graph, n)) for n in graph.nodes()}
        self.given = _stated_formats(graph, self.rules)

    def run(self) -> Graph:
        g = self.graph
        self._unify()
        for name in g.inputs:
            if g.type(name).dtype == DType.F32:
                self._set(name, (DType.I8, self._int8(name)))
        for node in g.nodes():
            if node.op in ("quantize", "dequantize"):
                self._given(node)
            else:
                self._quantize(node, self.rules[node.name])
        g.prune()
        return g

    # -- formats ----------------------------------------------------------

    def _int8(self, value: str, least: float = 0.0) -> Quant:
        if value in self.given:
            return self.given[value]
        return asymmetric(self._range(value), least)

    def _range(self, value: str) -> Range:
        """The range of a value; of a value that only moves another's elements, that one's."""
        while value not in self.ranges:
            node = self.graph.producer(value)
            if node is None or not node.inputs:
                return Range(0.0, 0.0)
            value = node.inputs[0]
        return self.ranges[value]

    def _unify(self) -> None:
        """Give a concatenation's range to the operands that nothing else reads."""
        for node in reversed(self.graph.nodes()):
            for k in self.rules[node.name].unify:
                origin = self._origin(node.inputs[k])
                if origin is not None and node.outputs[0] in self.ranges:
                    self.ranges[origin] = self.ranges[node.outputs[0]]

    def _origin(self, value: str) -> str | None:
        """The value whose calibrated format `value` shares, if its range may be changed."""
        while True:
            node = self.graph.producer(value)
            free = len(self.graph.consumers(value)) == 1 and value not in self.graph.outputs
            if node is None or value in self.given:
                return None
            rule = self.rules[node.name]
            if not free and not self._near(value):
                return None
            if rule.output == "same":
                value = node.inputs[0]
            else:
                return value if rule.output == "calibrated" else None

    def _near(self, value: str) -> bool:
        """Whether every concatenation that reads a shared value is hardly coarser than it."""
        own = self._range(value)
        spans = [
            self._range(n.outputs[0]) for n, k in self.graph.consumers(value) if k in self.rules[n.name].unify
        ]
        return all(r.hi - r.lo <= _CLOSE * (own.hi - own.lo) for r in spans)

    def _set(self, value: str, form: Format) -> None:
        dtype, quant = form
        self.graph.set_type(value, self.graph.type(value).with_(dtype=dtype, quant=quant))

    # -- nodes ------------------------------------------------------------

    def _quantize(self, node: Node, rule: QuantRule) -> None:
        g = self.graph
        for k, value in enumerate(node.inputs):
            if not g.is_constant(value) and g.type(value).dtype == DType.I16 and k not in rule.wide:
                self._convert(node, k, (DType.I8, self._int8(value)))
        for value in node.outputs:
            if g.type(value).dtype == DType.F32:
                self._set(value, self._format(node, value, rule))
        want = g.type(node.outputs[0])
        for k in rule.unify:
            t = g.type(node.inputs[k])
            kept = rule.rescales and t.dtype == want.dtype == DType.I8
            if not g.is_constant(node.inputs[k]) and not kept:
                self._convert(node, k, (want.dtype, want.quant))
        for k, value in enumerate(node.inputs):
            if g.is_constant(value) and g.type(value).dtype == DType.F32:
                self._store(node, k, "output" if k in rule.unify else rule.constants.get(k, "activation"))

    def _format(self, node: Node, value: str, rule: QuantRule) -> Format:
        if isinstance(rule.output, Quant):
            return rule.out_dtype, self._finer(value, rule.output) if rule.finer else rule.output
        if rule.output == "same":
            first = self.graph.type(node.inputs[0])
            return first.dtype, first.quant
        if rule.out_dtype not in (DType.I8, DType.I16):
            return rule.out_dtype, None
        if rule.unify and (common := self._common(node, rule)) is not None:
            return common
        least = least_scale(self.graph, node)
        if rule.out_dtype == DType.I16 or (value in self.wide and rule.wide_output):
            return DType.I16, symmetric(self._range(value).largest, 32767, least)
        return DType.I8, self._int8(value, least)

    def _finer(self, value: str, quant: Quant) -> Quant:
        """The format with its scale halved while even shares of one would have few steps.

        Four times the largest calibrated value still fits.
        """
        share, largest, scale = 1 / self.graph.type(value).shape[-1], self._range(value).hi, quant.s
        while share < _STEPS * scale and 8 * largest <= 256 * scale:
            scale /= 2
        return Quant.of(scale, quant.z)

    def _common(self, node: Node, rule: QuantRule) -> Format | None:
        """The format that all operands of a concatenation have, if they have one and it will do."""
        types = [self.graph.type(v) for v in node.inputs]
        formats = {(t.dtype, t.quant) for t in types if t.dtype != DType.F32}
        if len(formats) != 1 or len(types) != len(rule.unify) or any(t.dtype == DType.F32 for t in types):
            return None
        (form,) = formats
        return form if form[0] == DType.I16 or form[1] == self._int8(node.outputs[0]) else None

    def _convert(self, node: Node, k: int, form: Format) -> None:
        """Let operand k of a node have this format, through a requantize where it has another."""
        g, value = self.graph, node.inputs[k]
        if (g.type(value).dtype, g.type(value).quant) == form:
            return
        key = (value, form)
        if key not in self.converted:
            (out,) = add_op(
                g, "requantize", [value], path=node.path, name=f"{value}_as_{form[0]}", before=node
            )
            self._set(out, form)
            self.converted[key] = out
        g.set_operand(node, k, self.converted[key])

    def _given(self, node: Node) -> None:
        """Take a quantize or dequantize node of the file out: its format is already there."""
        g = self.graph
        if node.op == "quantize":
            want = g.type(node.outputs[0])
            self._convert(node, 0, (want.dtype, want.quant))
        g.replace_uses(node.outputs[0], node.inputs[0])

    # -- constants --------------------------------------------------------

    def _store(self, node: Node, k: int, role: str) -> None:
        """Replace float constant k of a node by its integers."""
        g, name = self.graph, node.inputs[k]
        data, stated, layout = g.values[name].data, g.type(name).quant, g.type(name).layout
        assert data is not None
        kind, _, axis = role.partition(":")
        if kind == "keep":
            return
        if kind in ("channel", "tensor") and stated is not None and not any(stated.zero_point):
            stored = constants.from_parameters(data, stated), stated
        elif kind == "channel":
            x, y = g.type(node.inputs[0]).q, g.type(node.outputs[0]).q
            b = next((g.data(node.inputs[j]) for j in self._biases(node)), None)
            stored = constants.per_channel(data, int(axis), b, x.s, y.s, x.z)
        elif kind == "tensor":
            stored = constants.per_tensor(data)
        elif kind == "output":
            t = g.type(node.outputs[0])
            stored = to_integers(data, t), t.q
        elif kind == "bias":
            stored = constants.bias(data, g.type(node.inputs[0]).q.s, g.type(node.inputs[1]).q)
        else:
            stored = constants.as_activation(data, self._bounds(node, k))
        g.set_operand(node, k, g.add_constant(f"{name}_q", *stored, layout))

    def _biases(self, node: Node) -> list[int]:
        roles = self.rules[node.name].constants
        return [j for j in roles if roles[j] == "bias" and j < len(node.inputs)]

    def _bounds(self, node: Node, k: int) -> Range | None:
        """Beyond which a constant summand changes nothing: the sum saturates anyway."""
        if node.op not in ("add", "sub"):
            return None
        other, out = self._operand_range(node, 1 - k), self._range(node.outputs[0])
        if node.op == "add":
            return Range(out.lo - other.hi, out.hi - other.lo)
        if k == 0:
            return Range(out.lo + other.lo, out.hi + other.hi)
        return Range(other.lo - out.hi, other.hi - out.lo)

    def _operand_range(self, node: Node, k: int) -> Range:
        t = self.graph.type(node.inputs[k])
        lo, hi = t.dtype.limits
        return Range((lo - t.q.z) * t.q.s, (hi - t.q.z) * t.q.s)


def _stated_formats(graph: Graph, rules: Mapping[str, QuantRule]) -> dict[str, Quant]:
    """The int8 formats that quantize nodes of the file give to what they read, views seen through."""
    found: dict[str, Quant] = {}
    for node in graph.nodes():
        if node.op != "quantize" or graph.type(node.outputs[0]).dtype != DType.I8:
            continue
        value, quant = node.inputs[0], graph.type(node.outputs[0]).q
        while value not in found:
            found[value] = quant
            made = graph.producer(value)
            if made is None or rules[made.name].output != "same" or made.op == "dequantize":
                break
            if len(graph.consumers(made.inputs[0])) > 1:
                break
            value = made.inputs[0]
    return found
