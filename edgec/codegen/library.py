"""Graph and plan to the library's source files: src/ with model, weights and the kernels used."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edgec import __version__
from edgec.codegen.data import ConstArray, ConstPool, identifier
from edgec.codegen.layers import Layer
from edgec.codegen.render import render
from edgec.codegen.split import SOURCES, parallel
from edgec.codegen.steps import Numbers, streamed, table, table_view
from edgec.ir import Graph, TensorType
from edgec.ops.base import call_of, op_of
from edgec.ops.kernel import Field, Kernel
from edgec.resources import resource_dir
from edgec.schedule.plan import Feed, Plan, Step, Window
from edgec.schedule.prefetch import Prefetch, Slice, cut_of
from edgec.schedule.work import ALIGN
from edgec.target import Target

_WORDS = 20
"""Numbers in a line of a table of C."""


@dataclass(frozen=True)
class Port:
    """A model input or output as the generated library has it.

    value: its name in the graph. name: the same, made unique where a value is two outputs.
    """

    value: str
    name: str
    type: TensorType
    window: Window

    @property
    def bytes(self) -> int:
        """Bytes of the tensor."""
        return self.type.bytes


@dataclass(frozen=True)
class Library:
    """The rendered sources and what the later stages need to know of them.

    arrays: of weights.c. tables: their symbols, by node and by the kernel's field that points there.
    window_bytes: of the window that weights are fetched to.
    """

    files: Mapping[str, str]
    layers: tuple[Layer, ...]
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    hash: str
    arrays: tuple[ConstArray, ...]
    tables: Mapping[tuple[str, str], str]
    window_bytes: int = 0

    @property
    def weight_bytes(self) -> int:
        """Bytes of all arrays together."""
        return sum(a.bytes for a in self.arrays)


def generate(
    graph: Graph, plan: Plan, target: Target, fast: Sequence[str] = (), prefetch: Prefetch | None = None
) -> Library:
    """Render src/ for an integer graph and its plan; with threads.c where the target has an operating system
    of Linux's kind and inputs are whole.

    fast: symbols of arrays that weights.c has first and marks as worth a place in fast memory. prefetch: what
    is fetched in slices.

    Raises nothing of its own: a graph that passed the verifier and a plan that passed
    the checker can always be rendered.
    """
    layers = tuple(_layers(graph, plan))
    pool = ConstPool()
    split = target.kind == "linux" and not streamed(plan)
    slots = _slots(plan)
    rendered = [_layer_view(plan, layer, pool, split, prefetch, slots) for layer in layers]
    tables = {
        (layer.node.name, name): pool.symbol(field.value, field.c_type, "")
        for layer in layers
        for name, field in layer.kernel.fields.items()
        if isinstance(field.value, np.ndarray) and field.value.size
    }
    inputs, outputs = _all_ports(graph, plan, graph.inputs), _all_ports(graph, plan, graph.outputs)
    cuts = [
        layer.kernel.cut for layer in layers if prefetch is not None and layer.node.name in prefetch.nodes
    ]
    functions = {cut.function for cut in cuts if cut is not None}
    sources = kernel_sources([layer.kernel for layer in layers], functions)
    digest = _digest(rendered, pool, plan, sources, prefetch)
    symbols = {layer.node.name: layer for layer in layers}
    common = {"model": graph.name, "target": target.name, "version": __version__, "hash": digest}
    kernels = sorted({layer.kernel.function for layer in layers} | functions)
    numbers = Numbers({layer.node.name: layer.index for layer in layers}, [p.value for p in inputs])
    made = table(plan, numbers, {p.value: p.type.rows for p in inputs})
    titles = [_comment(t) for t in (*(x.title for x in layers), *(p.name for p in inputs))]
    ports = [*_ports("input", inputs), *_ports("output", outputs)]
    model = common | {
        "arena": plan.arena,
        "streamed": streamed(plan),
        "split": split,
        "scratch_bytes": max((size for _, size in plan.scratch.values()), default=0) or 16,
        "inputs": [_span(p) for p in inputs],
        "outputs": [_span(p) for p in outputs],
        "input_bytes": sum(p.bytes for p in inputs),
        "output_bytes": sum(p.bytes for p in outputs),
        "ports": ports,
        "feeds": ports[: len(inputs)],
        "results": ports[len(inputs) :],
        "slots": list(slots.values()),
        "layers": rendered,
        "kernels": [f"{k}.h" for k in kernels],
        "memory_map": _memory_map(graph, plan, symbols),
        "window": prefetch.half if prefetch is not None else 0,
        "t": table_view(made, numbers, titles),
    }
    data = common | {
        "arrays": pool.arrays,
        "bytes": pool.bytes,
        "ordered": pool.ordered(fast),
        "fast": len(fast),
    }
    files = {
        "src/model.h": render("model.h.j2", model),
        "src/model.c": render("model.c.j2", model),
        "src/weights.h": render("weights.h.j2", data),
        "src/weights.c": render("weights.c.j2", data),
    }
    if split:
        runtime = resource_dir("firmware") / "runtime"
        files |= {f"src/{name}": (runtime / name).read_text() for name in SOURCES}
    window = prefetch.room if prefetch is not None else 0
    return Library(files | sources, layers, inputs, outputs, digest, tuple(pool.arrays), tables, window)


def _all_ports(graph: Graph, plan: Plan, values: Sequence[str]) -> tuple[Port, ...]:
    ports: dict[str, Port] = {}
    for value in values:
        name = value if value not in ports else f"{value}_{len(ports)}"
        ports[name] = Port(value, name, graph.type(value), plan.windows[value])
    return tuple(ports.values())


def kernel_sources(kernels: Sequence[Kernel], more: Iterable[str] = ()) -> dict[str, str]:
    """The files that kernels are in, with all they include, as src/kernels/NAME: text. more: others."""
    folder = resource_dir("firmware") / "kernels"
    stems = [stem for kernel in kernels for stem in (kernel.function, *kernel.needs)] + sorted(more)
    wanted = [f"{stem}{ext}" for stem in stems for ext in (".h", ".c")]
    files: dict[str, str] = {}
    while wanted:
        name = wanted.pop()
        path = folder / name
        if f"src/kernels/{name}" in files or not path.is_file():
            continue
        text = path.read_text()
        files[f"src/kernels/{name}"] = text
        for line in text.splitlines():
            if line.startswith('#include "'):
                header = line.split('"')[1]
                wanted += [header, header.removesuffix(".h") + ".c"]
    return files


def _layers(graph: Graph, plan: Plan) -> list[Layer]:
    names = dict.fromkeys(s.node for s in plan.steps if isinstance(s, Step))
    nodes = [n for n in map(graph.node, names) if not (op_of(n).is_alias or op_of(n).is_join)]
    layers = []
    for index, node in enumerate(nodes):
        call = call_of(graph, node)
        kernel = op_of(node).kernel(call)
        symbol = f"model_layer_{index:03d}_{identifier(node.path or node.name)}"
        layers.append(Layer(index, node, call, kernel, symbol))
    return layers


def _layer_view(
    plan: Plan,
    layer: Layer,
    pool: ConstPool,
    split: bool,
    prefetch: Prefetch | None,
    slots: Mapping[tuple[int, ...], dict[str, object]],
) -> dict[str, object]:
    """split: the layer is told where its scratch is, for each thread to have its own. slots: see `_slots`."""
    node, call = layer.node, layer.call
    fetched = prefetch is not None and node.name in prefetch.nodes
    scratch = plan.scratch.get(node.name)
    own = f"ctx->arena + {scratch[0]}" if scratch else "NULL"
    return {
        "index": layer.index,
        "number": f"{layer.index:03d}",
        "symbol": layer.symbol,
        "kernel": layer.kernel.function,
        "comment": _comment(_describe(layer)),
        "fields": [
            {"name": name, "value": _value(field, f"w{layer.index:03d}_{identifier(name)}", pool)}
            for name, field in layer.kernel.fields.items()
        ],
        "ins": [_window(plan, node.inputs[k], slots) for k in call.activations],
        "outs": [_window(plan, v, slots) for v in node.outputs],
        "scratch": "scratch" if split else f"arena + {scratch[0]}" if scratch else "0",
        "given": f", {own}" if split else ", ctx->window" if fetched else "",
        "parts": _parts(layer, prefetch.nodes[node.name], pool) if prefetch is not None and fetched else None,
        "parallel": int(split and parallel(plan, layer)),
    }


def _parts(layer: Layer, slices: Sequence[Slice], pool: ConstPool) -> dict[str, object]:
    """What a layer fetches, slice by slice."""
    cut, data = cut_of(layer.kernel)
    field = layer.kernel.fields[cut.table]
    symbol = pool.symbol(data, field.c_type, "")
    return {
        "function": cut.function,
        "block": layer.kernel.block,
        "slices": [
            {
                "from": f"{symbol} + {s.offset // data.itemsize}",
                "bytes": s.bytes,
                "first": s.first,
                "results": s.results,
            }
            for s in slices
        ],
    }


def _describe(layer: Layer) -> str:
    ins = ", ".join(_shape(layer.call.ins[k]) for k in layer.call.activations)
    outs = ", ".join(map(_shape, layer.call.outs))
    macs = op_of(layer.node).macs(layer.call)
    cost = f", {macs:,} MAC" if macs else ""
    return f"{layer.title} ({layer.node.op}): {ins} -> {outs}{cost}"


def _value(field: Field, hint: str, pool: ConstPool) -> str:
    if isinstance(field.value, np.ndarray):
        return pool.symbol(field.value, field.c_type, hint) if field.value.size else "0"
    return "0" if field.value is None else str(field.value)


def _slots(plan: Plan) -> dict[tuple[int, ...], dict[str, object]]:
    """The tables of where rows lie, one for all windows with the same."""
    found: dict[tuple[int, ...], dict[str, object]] = {}
    for value, w in plan.windows.items():
        if w.slots and w.slots not in found:
            words = [str(at // ALIGN) for at in w.slots]
            lines = [", ".join(words[k : k + _WORDS]) for k in range(0, len(words), _WORDS)]
            found[w.slots] = {"symbol": f"slots_{len(found)}", "title": _comment(value), "lines": lines}
    return found


def _window(
    plan: Plan, value: str, slots: Mapping[tuple[int, ...], Mapping[str, object]]
) -> dict[str, object]:
    w = plan.windows[value]
    return {
        "address": w.address,
        "pitch": w.pitch,
        "capacity": 0 if w.slots else w.capacity,
        "slots": slots[w.slots]["symbol"] if w.slots else "NULL",
        "title": _comment(value),
    }


def _span(port: Port) -> dict[str, object]:
    w, t = port.window, port.type
    return {
        "address": w.address,
        "bytes": port.bytes,
        "pitch": w.pitch,
        "capacity": w.capacity,
        "rows": t.rows,
        "row_bytes": t.row_bytes,
    }


def port_suffix(name: str, ports: int) -> str:
    """What the functions of an input or output end in, where there are so many of them."""
    return "" if ports == 1 else f"_{identifier(name).lower()}"


def _ports(role: str, ports: tuple[Port, ...]) -> list[dict[str, object]]:
    views: list[dict[str, object]] = []
    for index, port in enumerate(ports):
        name = identifier(port.name).lower()
        quant = port.type.quant
        suffix = port_suffix(port.name, len(ports))
        views.append(
            {
                "role": role,
                "index": index,
                "title": _comment(port.name),
                "function": f"model_{role}{suffix}",
                "feed": f"model_feed{suffix}",
                "result": f"model_result{suffix}",
                "constant": f"MODEL_FEED_{name.upper()}",
                "qualifier": "" if role == "input" else "const ",
                "c_type": port.type.dtype.c_type,
                "shape": _shape(port.type) + (f" {port.type.layout}" if port.type.layout else ""),
                "meaning": f", real = {quant.s:.9g} * (q - {quant.z})" if quant else "",
                "address": port.window.address,
                "rows": port.type.rows,
                "row_bytes": port.type.row_bytes,
            }
        )
    return views


def _memory_map(graph: Graph, plan: Plan, layers: Mapping[str, Layer]) -> list[str]:
    begin: dict[str, int] = {}
    until: dict[str, int] = {}
    for k, step in enumerate(plan.steps):
        name = step.value if isinstance(step, Feed) else step.node
        begin.setdefault(name, k)
        until[name] = k
    end = max(0, len(plan.steps) - 1)
    rows = []
    for value, w in plan.windows.items():
        source = graph.producer(value)
        if source is not None and source.name not in layers:
            continue
        made = source.name if source else value
        uses = [until[n.name] for n, _ in graph.consumers(value) if n.name in until]
        last = end if value in graph.outputs else max([*uses, until.get(made, 0)])
        title = f"{value} ({source.path})" if source and source.path != value else value
        if w.capacity < (total := graph.type(value).rows) or w.slots:
            title += f", {w.capacity} of {total} rows{', each in its place' if w.slots else ''}"
        rows.append((begin.get(made, 0), last, w.address, w.bytes, title))
    for node, (address, size) in plan.scratch.items():
        rows.append((begin[node], until[node], address, size, f"scratch of {node}"))
    return [_comment(f"{f:6}-{u:<7} {a:9} {b:8}  {v}") for f, u, a, b, v in sorted(rows)]


def _digest(
    layers: list[dict[str, object]],
    pool: ConstPool,
    plan: Plan,
    sources: Mapping[str, str],
    prefetch: Prefetch | None,
) -> str:
    """What tells this library from any other: everything that is computed, and how."""
    views = [{key: v for key, v in layer.items() if v is not None} for layer in layers]
    digest = hashlib.sha256(repr((views, plan.steps, plan.arena, sorted(sources.items()))).encode())
    digest.update(repr([w.slots for w in plan.windows.values() if w.slots]).encode())
    if prefetch is not None:
        digest.update(repr(prefetch).encode())
    for array in pool.arrays:
        for text in (array.symbol, array.c_type, array.initialiser):
            digest.update(text.encode() + b"\0")
    return digest.hexdigest()[:16]


def _shape(type: TensorType) -> str:
    return "x".join(map(str, type.shape)) or "scalar"


def _comment(text: str) -> str:
    return text.replace("*/", "* /").replace("/*", "/ *")
