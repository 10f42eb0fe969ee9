"""Runs a plan on the host with the real kernels, step by step, without generating a library.

All kernels are compiled once into a shared object. A step is one call through ctypes on windows in
an arena that holds rubbish to begin with and has rubbish around it. Rows of a streamed input
are written when their Feed comes and not before; every row is compared as soon as it is computed.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import numpy as np

from edgec.ir import Graph, Node
from edgec.ops.base import call_of, op_of
from edgec.ops.interpret import evaluate
from edgec.ops.kernel import Kernel
from edgec.schedule.plan import Feed, Plan, Window
from tests.kernel_host import KERNELS, SLOT, WARNINGS, _layout

GUARD = 4096


class _Window(ctypes.Structure):
    """ec_window of firmware/kernels/edgec.h."""

    _fields_ = [
        ("base", ctypes.c_void_p),
        ("pitch", ctypes.c_int32),
        ("capacity", ctypes.c_int32),
        ("slots", ctypes.POINTER(ctypes.c_uint16)),
    ]


def draw_inputs(graph: Graph, seed: int = 0) -> dict[str, np.ndarray]:
    """Every input over the whole range of its type."""
    rng = np.random.default_rng(seed)
    types = {v: graph.type(v) for v in graph.inputs}
    return {
        v: rng.integers(*t.dtype.limits, t.shape, endpoint=True).astype(t.dtype.numpy)
        for v, t in types.items()
    }


def values_of(graph: Graph, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Every activation by the integer references, inputs included."""
    found = dict(inputs)
    evaluate(graph, inputs, found.__setitem__)
    return found


def run_plan(graph: Graph, plan: Plan, values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Execute a plan; returns the outputs that are no constants.

    values: every activation as the references have it (`values_of`); inputs are taken from there.
    Raises AssertionError at the first step that gives another row, or that writes outside the arena.
    """
    machine = _Machine(graph, plan, values)
    fed = {s.value for s in plan.steps if isinstance(s, Feed)}
    for v in graph.inputs:
        if v not in fed:
            machine.write(v, 0, graph.type(v).rows)
    for k, step in enumerate(plan.steps):
        if isinstance(step, Feed):
            machine.write(step.value, step.first, step.last)
            continue
        machine.call(step.node, step.first, step.last)
        for v in graph.node(step.node).outputs:
            machine.compare(v, step.first, step.last, f"step {k}, {step}")
    machine.intact()
    outputs = {}
    for v in graph.outputs:
        if v in plan.windows:
            machine.compare(v, 0, graph.type(v).rows, "the end")
            outputs[v] = machine.read(v)
    return outputs


class _Machine:
    def __init__(self, graph: Graph, plan: Plan, values: Mapping[str, np.ndarray]) -> None:
        self.graph, self.plan, self.values = graph, plan, values
        rubbish = np.random.default_rng(99).integers(0, 256, plan.arena + 2 * GUARD + 16, np.uint8)
        shift = -rubbish.ctypes.data % 16  # a multiple of 16 bytes, as the arena of a library
        self.memory = rubbish[shift : shift + plan.arena + 2 * GUARD]
        self.before = self.memory.copy()
        self.arena = self.memory[GUARD : GUARD + plan.arena]
        self.rows: dict[str, np.ndarray] = {}
        self.calls: dict[str, Callable[[int, int], None]] = {}

    def row(self, v: str) -> np.ndarray:
        """The reference's bytes of a value, [rows, row bytes]."""
        if v not in self.rows:
            t = self.graph.type(v)
            raw = np.ascontiguousarray(self.values[v]).view(np.uint8)
            self.rows[v] = raw.reshape(t.rows, t.row_bytes)
        return self.rows[v]

    def slot(self, w: Window, row: int, size: int) -> slice:
        start = w.at(row)
        assert 0 <= start and start + size <= self.plan.arena, f"row {row} of {w} is outside the arena"
        return slice(start, start + size)

    def write(self, v: str, first: int, last: int) -> None:
        data, w = self.row(v), self.plan.windows[v]
        for r in range(first, last):
            self.arena[self.slot(w, r, data.shape[1])] = data[r]

    def compare(self, v: str, first: int, last: int, when: str) -> None:
        data, w = self.row(v), self.plan.windows[v]
        whole = self.graph.type(v).rows
        for r in range(first if w.slots else max(first, last - w.capacity), min(last, whole)):
            if not np.array_equal(self.arena[self.slot(w, r, data.shape[1])], data[r]):
                raise AssertionError(f"{self.graph.name}: {when}: row {r} of {v} is wrong ({w})")

    def read(self, v: str) -> np.ndarray:
        t, w = self.graph.type(v), self.plan.windows[v]
        rows = [self.arena[self.slot(w, r, t.row_bytes)] for r in range(t.rows)]
        return np.concatenate(rows).view(t.dtype.numpy).reshape(t.shape)

    def intact(self) -> None:
        """Nothing was written around the arena."""
        for part in (slice(0, GUARD), slice(GUARD + self.plan.arena, None)):
            assert np.array_equal(self.memory[part], self.before[part]), "written outside the arena"

    def call(self, name: str, first: int, last: int) -> None:
        if name not in self.calls:
            self.calls[name] = self.bound(self.graph.node(name))
        self.calls[name](first, last)

    def bound(self, node: Node) -> Callable[[int, int], None]:
        """The node's kernel with everything but the rows."""
        call = call_of(self.graph, node)
        kernel = op_of(node).kernel(call)
        params, kept = _params(kernel)
        ins = self.windows([node.inputs[k] for k in call.activations])
        outs = self.windows(node.outputs)
        address, size = self.plan.scratch.get(node.name, (0, 0))
        scratch = self.arena.ctypes.data + address if size else None
        function = getattr(_library(), kernel.function)
        function.argtypes = (*(ctypes.c_void_p,) * 3, ctypes.c_int32, ctypes.c_int32, ctypes.c_void_p)
        function.restype = None

        def run(first: int, last: int, _kept: object = kept) -> None:
            function(ctypes.byref(params), ins, outs, first, last, scratch)

        return run

    def windows(self, values: tuple[str, ...] | list[str]) -> ctypes.Array[_Window]:
        base = self.arena.ctypes.data
        found = [self.plan.windows[v] for v in values]
        return (_Window * len(found))(*(self.window(base, w) for w in found))

    def window(self, base: int, w: Window) -> _Window:
        """What the library's code has for a window; ctypes keeps the slots alive."""
        if not w.slots:
            return _Window(base + w.address, w.pitch, w.capacity, None)
        slots = (ctypes.c_uint16 * len(w.slots))(*(at // SLOT for at in w.slots))
        return _Window(base + w.address, w.pitch, 0, slots)


def _params(kernel: Kernel) -> tuple[ctypes.Structure, list[np.ndarray]]:
    """The kernel's parameters, and the tables that they point to, to be kept alive."""
    params, kept = _layout(kernel.fields, None)(), []
    for name, f in kernel.fields.items():
        if isinstance(f.value, np.ndarray):
            kept.append(np.ascontiguousarray(f.value))
            setattr(params, name, kept[-1].ctypes.data if f.value.size else None)
        elif f.value is not None:
            setattr(params, name, f.value)
    return params, kept


@cache
def _library() -> ctypes.CDLL:
    """All kernels in a shared object, kept under a hash of their sources."""
    found = next(filter(None, map(shutil.which, ("gcc", "clang", "cc"))), None)
    compiler = [found] if found else [sys.executable, "-m", "ziglang", "cc"]
    command = [*compiler, *WARNINGS, "-O1", "-fPIC", "-shared"]
    sources = [f for f in sorted(KERNELS.glob("*.c")) if not f.stem.endswith("_dual")]  # others' functions
    digest = hashlib.sha256("\0".join(command).encode())
    for f in [*sources, *sorted(KERNELS.glob("*.h")), *sorted(KERNELS.glob("*.inc"))]:
        digest.update(f.name.encode() + f.read_bytes())
    folder = Path(tempfile.gettempdir()) / f"edgec-kernels-{os.getuid()}"
    library = folder / f"all-{digest.hexdigest()[:20]}.so"
    if not library.exists():
        folder.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as work:
            result = Path(work) / "all.so"
            done = subprocess.run(
                [*command, *map(str, sources), "-o", str(result)], capture_output=True, text=True
            )
            assert done.returncode == 0, f"the kernels do not compile:\n{done.stderr}"
            result.rename(library)
    return ctypes.CDLL(str(library))
