"""Low rank: a layer's weights as two factors, through fewer channels than it has.

Two ways to cut a layer (`Cut.way`):

    channels   a linear layer as two; a k x k convolution to fewer channels, and a 1 x 1 convolution behind
               it
    lines      a k x k convolution as k x 1 to fewer channels, and 1 x k behind it: filters one way, then
               the other (Rigamonti, Sironi, Lepetit, Fua: Learning Separable Filters, CVPR 2013; Jaderberg,
               Vedaldi, Zisserman: Speeding up Convolutional Neural Networks with Low Rank Expansions, BMVC
               2014)

What is kept is not what is large in the weights but in the layer's output: for inputs of covariance C the
best factors of W are the truncated singular value decomposition of W C^(1/2) (Chen, Yu, Dhillon, Hsieh:
DRONE, NeurIPS 2021; the same in Wang et al.: SVD-LLM, ICLR 2025, and by another measure in Yuan et al.: ASVD,
2023). Its left singular vectors P are the eigenvectors of W C W^T, and the factors P and P^T W: no root and
no inverse is needed. Biases make up for means, as in Zhang et al.: Accelerating Very Deep Convolutional
Networks, TPAMI 2016. Channels between the factors get a variance of one each, so that one scale of int8 suits
them all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np

from edgec.ir import Attr, Graph, Node
from edgec.ops.base import Call, add_op, call_of, op_of
from edgec.ops.windows2d import Window2d
from edgec.passes.fold_scales import weights_data
from edgec.quant.mixed import Key, Mixed
from edgec.quant.moments import Moments

RATIOS = tuple(r / 100 for r in range(40, 100, 5))
"""Ranks to choose among, as parts of the full rank: those of Liang et al.: MCUFormer, NeurIPS 2023."""
TABLES = 9
"""Bytes that an output takes beside its weights: bias, multiplier and shift."""
_FOURS = 4
"""Ranks are multiples of it: kernels take so many inputs at a time, and fill up others with zeros."""
_LEAST = 16
"""Full rank from which layers are cut: of a handful of outputs, such as classes, none is to spare."""
_SINGULAR = 1e-9
"""Part of the largest variance below which a channel between the factors is taken to be constant."""

Way = Literal["channels", "lines"]


@dataclass(frozen=True)
class Cut:
    """How a layer is cut in two, and how many channels are left between the factors."""

    way: Way
    rank: int


@dataclass(frozen=True)
class Candidate:
    """A cut of a layer that stores less than the layer.

    bytes: of its int8 weights and their tables (`stored`). macs: multiply-accumulates. error: what is lost of
    the output's variance, as a part of it, as calibration estimates it.
    """

    cut: Cut
    bytes: int
    macs: int
    error: float


@dataclass(frozen=True)
class _Factors:
    """first [rank, inputs], of a window of its own for lines; second [O, inputs of the second]; both: what
    they come to as weights of the layer, [O, K]."""

    first: np.ndarray
    second: np.ndarray
    both: np.ndarray


def divisible(graph: Graph) -> list[Node]:
    """The nodes that can be cut: linear layers, convolutions of one group, their float weights constant."""
    return [n for n in graph.nodes() if n.op in ("linear", "conv2d") and _is_plain(graph, n)]


def _is_plain(graph: Graph, node: Node) -> bool:
    weights = graph.data(node.inputs[1])
    if weights is None or weights.dtype != np.float32 or call_of(graph, node).int("groups", 1) != 1:
        return False
    return all(graph.is_constant(v) and graph.type(v).quant is None for v in node.inputs[1:])


def cuts_of(graph: Graph, node: Node) -> list[Cut]:
    """All cuts of a node of `divisible` at RATIOS that store less than the node does, without repetition."""
    return list(dict.fromkeys(cut for ratio in RATIOS for cut in cuts_at(graph, node, ratio)))


def cuts_at(graph: Graph, node: Node, ratio: float) -> list[Cut]:
    """The same at one ratio: at most one for each way.

    For lines the full rank is at most that at which they store as much as the node does.
    """
    shape = graph.type(node.inputs[1]).shape
    ways: list[tuple[Way, int]] = [("channels", min(shape[0], int(np.prod(shape[1:]))))]
    if len(shape) == 4 and shape[1] > 1 and shape[2] > 1:
        down, along = shape[1] * shape[3], shape[0] * shape[2]
        ways.append(("lines", min(down, along, int(np.prod(shape)) // (down + along))))
    cuts = [Cut(way, max(1, round(ratio * full / _FOURS)) * _FOURS) for way, full in ways]
    kept = [cut for cut, (_, full) in zip(cuts, ways, strict=True) if full >= _LEAST]
    return [cut for cut in kept if stored(graph, node, cut) < stored(graph, node)]


def stored(graph: Graph, node: Node, cut: Cut | None = None) -> int:
    """Bytes that a node takes in int8, its tables counted; as it is without a cut."""
    shape = graph.type(node.inputs[1]).shape
    if cut is None:
        return int(np.prod(shape)) + TABLES * shape[0]
    first, second = _sizes(shape, cut)
    return first + second + TABLES * (cut.rank + shape[0])


def candidates(graph: Graph, node: Node, moments: Moments | None = None) -> list[Candidate]:
    """Every cut of `cuts_of`, with what it takes and what it loses; the smallest first.

    moments: of what the node reads; pooled (`Moments.pooled`) where nodes have their weights in common.
    """
    found = [candidate(graph, node, cut, moments) for cut in cuts_of(graph, node)]
    return sorted(found, key=lambda c: (c.bytes, c.error))


def candidate(graph: Graph, node: Node, cut: Cut, moments: Moments | None = None) -> Candidate:
    """One of them."""
    weights = weights_data(graph, node, 1)
    known = moments or Moments.none(int(np.prod(weights.shape[1:])))
    whole, spread = weights.reshape(len(weights), -1), known.shrunk()
    lost = whole - _factors(weights, cut, known).both
    power = _power(whole, spread)
    error = _power(lost, spread) / power if power > 0 else 0.0
    first, second = _sizes(weights.shape, cut)
    between, out = _positions(graph, node, cut), graph.type(node.outputs[0]).size // len(weights)
    return Candidate(cut, stored(graph, node, cut), first * between + second * out, error)


def sharing(nodes: Iterable[Node]) -> list[list[Node]]:
    """Nodes by the weights they have in common: those of one list are best cut in the same way."""
    found: dict[str, list[Node]] = {}
    for node in nodes:
        found.setdefault(node.inputs[1], []).append(node)
    return list(found.values())


def reduced(graph: Graph, ratio: float, moments: Mapping[str, Moments]) -> tuple[Graph, list[str]]:
    """The float graph in as few bytes as with every layer cut at this ratio, and sentences on what was done.

    Each layer has a rank of its own, or stays as it is: those are taken with which the layers lose the least
    of their outputs in all.
    """
    groups = {nodes[0].name: nodes for nodes in sharing(divisible(graph))}
    limit, ways = 0, dict[Key, Candidate]()
    sizes, lost, work = dict[Key, int](), dict[Key, float](), dict[Key, int]()
    for name, nodes in groups.items():
        known = [moments[n.name] for n in nodes if n.name in moments]
        pooled = Moments.pooled(known) if known else None
        found = candidates(graph, nodes[0], pooled)
        at = [c for c in found if c.cut in cuts_at(graph, nodes[0], ratio)]
        whole = stored(graph, nodes[0])
        limit += min(at, key=lambda c: (c.error, c.bytes)).bytes if at else whole
        sizes[name, ""], lost[name, ""] = whole, 0.0
        work[name, ""] = op_of(nodes[0]).macs(call_of(graph, nodes[0]))
        for c in found:
            key = name, f"{c.cut.way} {c.cut.rank}"
            ways[key], sizes[key], lost[key], work[key] = c, c.bytes, c.error, c.macs
    best = Mixed(sizes, lost, work).best(limit)
    cuts, lines, before, after = dict[str, Cut](), list[str](), 0, 0
    for name, way in (best.forms if best else {}).items():
        before, after = before + sizes[name, ""], after + sizes[name, way]
        if (taken := ways.get((name, way))) is not None:
            cuts |= {n.name: taken.cut for n in groups[name]}
            told = f"{sizes[name, '']:,} -> {taken.bytes:,} B, {taken.error:.2%} of its output lost"
            lines.append(f"  {_title(graph, graph.node(name), taken)}: {told}")
    title = f"low rank: {len(lines)} of {len(groups)} layers are stored as two"
    return factored(graph, cuts, moments), [f"{title}, {before:,} -> {after:,} B of weights", *lines]


def _title(graph: Graph, node: Node, found: Candidate) -> str:
    shape = "x".join(map(str, graph.type(node.inputs[1]).shape))
    way = "one way, then the other, " if found.cut.way == "lines" else ""
    return f"{node.path or node.name} {shape}, {way}through {found.cut.rank} channels"


def factored(
    graph: Graph, cuts: Mapping[str, Cut], moments: Mapping[str, Moments] = MappingProxyType({})
) -> Graph:
    """The float graph with some nodes of `divisible` cut in two; values keep their names.

    cuts, moments: by node name; a node without moments is cut by its weights alone. Nodes with the same
    weights and the same cut have their factors in common.
    """
    made = graph.copy()
    groups: dict[tuple[str, Cut], list[Node]] = {}
    for node in divisible(made):
        if node.name in cuts:
            groups.setdefault((node.inputs[1], cuts[node.name]), []).append(node)
    for (name, cut), nodes in groups.items():
        weights = weights_data(made, nodes[0], 1)
        none = Moments.none(int(np.prod(weights.shape[1:])))
        known = [moments.get(n.name, none) for n in nodes]
        factors = _factors(weights, cut, Moments.pooled(known))
        first = factors.first.reshape(_first_shape(weights.shape, cut))
        second = (
            factors.second if weights.ndim == 2 else factors.second.reshape(len(weights), 1, -1, cut.rank)
        )
        constants = [
            made.add_constant(f"{name}.{part}", data.astype(np.float32))
            for part, data in (("in", first), ("out", second))
        ]
        for node, own in zip(nodes, known, strict=True):
            _cut(made, node, cut, constants, factors, own.mean)
    made.prune()
    return made


def _cut(
    graph: Graph, node: Node, cut: Cut, constants: list[str], factors: _Factors, mean: np.ndarray
) -> None:
    """One node into two that read these constants; mean: of its columns."""
    weights = weights_data(graph, node, 1)
    weights = weights.reshape(len(weights), -1)
    bias = weights_data(graph, node, 2) if len(node.inputs) > 2 else np.zeros(len(weights))
    before, behind = _attrs(call_of(graph, node), cut)
    operands = [node.inputs[0], constants[0]]
    if cut.way == "channels":
        shift = -(factors.first @ mean)
        operands.append(graph.add_constant(f"{node.name}.shift", shift.astype(np.float32)))
        bias = bias + weights @ mean
    else:  # a border of zeros is to be one of zeros behind the first factor, too: it has no bias
        bias = bias + (weights - factors.both) @ mean
    (between,) = add_op(graph, node.op, operands, before, path=node.path, name=f"{node.name}.in", before=node)
    name = graph.add_constant(f"{node.name}.bias", bias.astype(np.float32))
    graph.set_inputs(node, [between, constants[1], name])
    node.attrs = behind


def _attrs(call: Call, cut: Cut) -> tuple[dict[str, Attr], dict[str, Attr]]:
    """The attributes of both factors."""
    activation = {k: v for k, v in call.attrs.items() if k == "activation"}
    rest = {k: v for k, v in call.attrs.items() if k != "activation"}
    if len(call.ins[1].shape) == 2:
        return rest, rest | activation
    if cut.way == "channels":
        plain: dict[str, Attr] = {"stride": (1, 1), "padding": (0, 0, 0, 0), "dilation": (1, 1)}
        return rest, rest | plain | activation
    window = Window2d.of(call, call.ins[1].shape[1:3])
    (sh, sw), (top, left, bottom, right), (dh, dw) = window.stride, window.padding, window.dilation
    down: dict[str, Attr] = {"stride": (sh, 1), "padding": (top, 0, bottom, 0), "dilation": (dh, 1)}
    along: dict[str, Attr] = {"stride": (1, sw), "padding": (0, left, 0, right), "dilation": (1, dw)}
    return rest | down, rest | along | activation


def _factors(weights: np.ndarray, cut: Cut, moments: Moments) -> _Factors:
    """The factors of weights [O, K] or [O, KH, KW, C] that keep most of the output."""
    spread = moments.shrunk()
    whole = weights.reshape(len(weights), -1)
    if cut.way == "channels":
        main = _main(whole @ spread @ whole.T, cut.rank)
        first, second = main.T @ whole, main
        scale = _deviations(first, spread)
        return _Factors(first / scale[:, None], second * scale, second @ first)
    o, kh, kw, c = weights.shape
    lines = np.ascontiguousarray(weights.transpose(0, 2, 1, 3)).reshape(o * kw, kh * c)
    blocks = spread.reshape(kh, kw, c, kh, kw, c)
    one = np.mean([blocks[:, k, :, :, k, :] for k in range(kw)], axis=0).reshape(kh * c, kh * c)
    first = _main(lines @ one @ lines.T, cut.rank).T @ lines
    first /= _deviations(first, one)[:, None]
    # What is best for each line of a window by itself is not best for their sum: given the first factor, the
    # second one is what comes nearest to the output, by least squares.
    taps = np.zeros((kw, cut.rank, kh, kw, c))
    for k in range(kw):
        taps[k, :, :, k] = first.reshape(cut.rank, kh, c)
    wide = taps.reshape(kw * cut.rank, -1)
    second = whole @ spread @ wide.T @ np.linalg.pinv(wide @ spread @ wide.T, rcond=_SINGULAR, hermitian=True)
    return _Factors(first, second, second @ wide)


def _main(power: np.ndarray, rank: int) -> np.ndarray:
    """The eigenvectors [n, rank] of a symmetric matrix's largest eigenvalues, each with a positive sum."""
    _, vectors = np.linalg.eigh((power + power.T) / 2)
    chosen = vectors[:, ::-1][:, :rank]
    return chosen * np.where(chosen.sum(axis=0) < 0, -1.0, 1.0)


def _deviations(rows: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """The standard deviation of each row's product with a column; 1 where it is next to nothing."""
    variance = np.einsum("rk,kl,rl->r", rows, spread, rows, optimize=True)
    return np.sqrt(np.where(variance > _SINGULAR * variance.max(initial=0.0), variance, 1.0))


def _power(weights: np.ndarray, spread: np.ndarray) -> float:
    """The variance of weights [O, K] times a column, summed over the outputs."""
    return float(np.einsum("ok,kl,ol->", weights, spread, weights, optimize=True))


def _first_shape(shape: tuple[int, ...], cut: Cut) -> tuple[int, ...]:
    """The shape of the first factor's weights."""
    if cut.way == "channels":
        return cut.rank, *shape[1:]
    return cut.rank, shape[1], 1, shape[3]


def _sizes(shape: tuple[int, ...], cut: Cut) -> tuple[int, int]:
    """How many weights both factors have."""
    across = shape[2] if cut.way == "lines" else 1
    return int(np.prod(_first_shape(shape, cut))), shape[0] * across * cut.rank


def _positions(graph: Graph, node: Node, cut: Cut) -> int:
    """How many columns the first factor is multiplied with."""
    x, y = graph.type(node.inputs[0]).shape, graph.type(node.outputs[0]).shape
    return y[0] * y[1] * x[2] if cut.way == "lines" else int(np.prod(y[:-1]))
