"""Compiles kernels, for the host with sanitizers or for a core, and runs them in processes of their own."""

from __future__ import annotations

import ctypes
import hashlib
import os
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import IO

import numpy as np

from edgec.ops.kernel import Field, Kernel
from tests.kernel_core import CORES, LINUX, SCRIPT, ZIG, Core

ROOT = Path(__file__).resolve().parents[1]
KERNELS = ROOT / "firmware" / "kernels"
WARNINGS = ["-std=c11", "-Wall", "-Wextra", "-Wconversion", "-Wsign-conversion", "-Werror"]
SANITIZE = ["-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
SLOT = 4
"""EC_SLOT of edgec.h."""
DSP = ["-D__ARM_FEATURE_DSP=1", f"-I{ROOT / 'tests' / 'arm_acle'}"]


@dataclass(frozen=True)
class Window:
    base: int
    pitch: int
    capacity: int
    slots: tuple[int, ...] = ()
    """Of rows that have a place each: bytes from base."""

    @property
    def spans(self) -> list[slice]:
        """The bytes that rows may lie in."""
        if not self.slots:
            return [slice(self.base, self.base + self.pitch * self.capacity)]
        return [slice(self.base + at, self.base + at + self.pitch) for at in self.slots]

    @property
    def end(self) -> int:
        """The first byte behind it."""
        return max(s.stop for s in self.spans)

    def at(self, row: int) -> int:
        return self.base + (self.slots[row] if self.slots else row % self.capacity * self.pitch)


@dataclass
class Job:
    """Windows in an arena, and the steps of the run; `expect` is what the arena must hold after it."""

    arena: np.ndarray
    ins: list[Window]
    out: Window
    steps: list[tuple[int, int, int, bytes]] = field(default_factory=list)
    copies: bool = False
    """Whether result rows lie over operand rows that they need: the kernel gets scratch for copies."""

    def call(self, first: int, last: int) -> None:
        self.steps.append((0, first, last, b""))

    def write(self, at: int, data: bytes) -> None:
        self.steps.append((1, at, len(data), data))

    def read(self, at: int, size: int) -> None:
        self.steps.append((2, at, size, b""))


_C_TYPES: dict[str, type[ctypes._SimpleCData]] = {  # type: ignore[type-arg]
    "int8_t": ctypes.c_int8,
    "uint8_t": ctypes.c_uint8,
    "int16_t": ctypes.c_int16,
    "uint16_t": ctypes.c_uint16,
    "int32_t": ctypes.c_int32,
    "uint32_t": ctypes.c_uint32,
    "int64_t": ctypes.c_int64,
    "uint64_t": ctypes.c_uint64,
}


def _layout(fields: Mapping[str, Field], core: Core | None) -> type[ctypes.Structure]:
    pointer = ctypes.c_void_p if core is None or core.bits == 64 else ctypes.c_uint32
    members = [(n, pointer if f.is_pointer else _C_TYPES[f.c_type]) for n, f in fields.items()]
    return type("Params", (ctypes.Structure,), {"_fields_": members})


def _layout_source(kernel: Kernel, core: Core | None) -> str:
    """C that does not compile unless the struct has the members of `fields` in their order."""
    layout, params = _layout(kernel.fields, core), f"{kernel.function}_params"
    lines = [f'#include "{kernel.function}.h"', "#include <stddef.h>"]
    for name, f in kernel.fields.items():
        offset = getattr(layout, name).offset
        lines.append(f'_Static_assert(offsetof({params}, {name}) == {offset}, "order of {name}");')
        const = "const " if f.is_pointer else ""
        star = "*" if f.is_pointer else ""
        lines.append(
            f"_Static_assert(_Generic(((({params} *)0)->{name}), {const}{f.c_type} {star}: 1, "
            f'default: 0), "type of {name}");'
        )
    lines.append(f'_Static_assert(sizeof({params}) == {ctypes.sizeof(layout)}, "members");')
    return "\n".join(lines) + "\n"


class _Runner:
    """A process that runs one kernel, on this machine or on a core."""

    def __init__(self, program: Path, core: Core | None) -> None:
        self.core = core
        self.command = [str(program)] if core is None else core.command(program)
        self.process: subprocess.Popen[bytes] | None = None
        self.errors: IO[bytes]

    def end(self) -> None:
        """End the process; a further job begins another."""
        if self.process is not None:
            assert self.process.stdin is not None and self.process.stdout is not None
            with suppress(BrokenPipeError):  # it has ended by itself, with a part of its job unread
                self.process.stdin.close()
            self.process.wait()
            self.process.stdout.close()
            self.errors.close()
            self.process = None

    def run(self, kernel: Kernel, job: Job, what: str) -> tuple[bytes, np.ndarray]:
        if self.process is None:
            self.errors = tempfile.TemporaryFile()  # noqa: SIM115, closed in end()
            env = os.environ | {"ASAN_OPTIONS": "detect_leaks=0", "UBSAN_OPTIONS": "print_stacktrace=1"}
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, env=env
            )
        stdin, stdout = self.process.stdin, self.process.stdout
        assert stdin is not None and stdout is not None
        reads = sum(size for kind, _, size, _ in job.steps if kind == 2)
        try:
            stdin.write(_encode(kernel, job, self.core))
            stdin.flush()
        except BrokenPipeError:
            pass
        answer = stdout.read(reads + len(job.arena))
        if len(answer) < reads + len(job.arena):
            code = self.process.wait()
            self.errors.seek(0)
            report = self.errors.read().decode(errors="replace")
            self.end()
            raise AssertionError(f"{what}: stopped with status {code}\n{report[:4000]}")
        return answer[:reads], np.frombuffer(answer[reads:], np.uint8)


def _encode(kernel: Kernel, job: Job, core: Core | None) -> bytes:
    layout = _layout(kernel.fields, core)
    params, tables, relocations = layout(), list[bytes](), list[tuple[int, int]]()
    for name, f in kernel.fields.items():
        if not f.is_pointer:
            assert isinstance(f.value, int)
            setattr(params, name, f.value)
            assert getattr(params, name) == f.value, f"{name} = {f.value} is no {f.c_type}"
        elif f.value is not None:
            assert isinstance(f.value, np.ndarray)
            want = np.dtype(f.c_type.removesuffix("_t"))
            assert f.value.dtype == want, f"table {name} is {f.value.dtype}, not {f.c_type}"
            relocations.append((getattr(layout, name).offset, len(tables)))
            tables.append(np.ascontiguousarray(f.value).tobytes())
    open_ = np.zeros(len(job.arena), bool)
    for w in (*job.ins, job.out):
        for span in w.spans:
            open_[span] = True
    edges = np.flatnonzero(np.diff(np.concatenate([[True], open_, [True]])))
    gaps = [(int(a), int(b - a)) for a, b in zip(edges[::2], edges[1::2], strict=True)]

    def numbers(*xs: int) -> bytes:
        return struct.pack(f"<{len(xs)}i", *xs)

    parts = [numbers(len(tables))]
    for t in tables:
        parts += [numbers(len(t)), t]
    parts += [numbers(ctypes.sizeof(layout)), bytes(params), numbers(len(relocations))]
    parts += [numbers(*r) for r in relocations]
    parts += [numbers(len(job.arena)), job.arena.tobytes(), numbers(len(gaps))]
    parts += [numbers(*g) for g in gaps]
    parts.append(numbers(len(job.ins)))
    for w in (*job.ins, job.out):
        parts += [numbers(w.base, w.pitch, w.capacity, len(w.slots))]
        parts += [struct.pack(f"<{len(w.slots)}H", *(at // SLOT for at in w.slots))]
    parts += [numbers(kernel.scratch + kernel.copies * job.copies, len(job.steps))]
    for kind, a, b, data in job.steps:
        parts += [numbers(kind, a, b), data]
    return b"".join(parts)


_RUNNERS: dict[tuple[str, str], _Runner] = {}
_MOST_CORES, _MOST = 8, 64
"""Emulators, and processes in all, that wait for a further job at a time: each emulator takes some 50 MB."""


def run(kernel: Kernel, family: str, job: Job, what: str) -> tuple[bytes, np.ndarray]:
    """Run a job: the bytes it reads, and the arena afterwards.

    Raises AssertionError, with the sanitizer's report, where the kernel stops.
    """
    key = (kernel.function, family)
    if key not in _RUNNERS:
        core = (CORES | LINUX).get(family)
        _RUNNERS[key] = _Runner(_build(kernel, family, core), core)
    runner = _RUNNERS[key] = _RUNNERS.pop(key)  # the last of them
    waiting = [r for r in _RUNNERS.values() if r.process and r is not runner]
    for old in {*[r for r in waiting if r.core][: 1 - _MOST_CORES], *waiting[: 1 - _MOST]}:
        old.end()
    return runner.run(kernel, job, what)


@cache
def _compiler() -> tuple[str, ...]:
    """A host compiler with sanitizers, or zig's clang (undefined behaviour only)."""
    for name in ("gcc", "clang", "cc"):
        path = shutil.which(name)
        probe = [*SANITIZE, "-x", "c", "-", "-o", os.devnull]
        source = b"int main(void){return 0;}"
        if path and subprocess.run([path, *probe], input=source, capture_output=True).returncode == 0:
            return (path, *SANITIZE)
    return (*ZIG, "-O1", "-fsanitize=undefined")


def _build(kernel: Kernel, family: str, core: Core | None) -> Path:
    """Compile the runner with the kernel; the result is kept under a hash of all that goes into it."""
    fn = kernel.function
    sources = [KERNELS / f"{s}.c" for s in (fn, *kernel.needs, "edgec") if (KERNELS / f"{s}.c").exists()]
    assert sources and sources[0].stem == fn, f"no such kernel file: {KERNELS / fn}.c"
    layout = _layout_source(kernel, core)
    runner, linking = [ROOT / "tests" / "kernel_runner.c"], list[str]()
    if core is None:
        flags = [
            *_compiler(),
            *WARNINGS,
            *(DSP if family in ("dsp", "dual", "dense dsp") else []),
            f"-I{KERNELS}",
        ]
    else:
        flags, linking = [*core.compiler, *WARNINGS, f"-I{KERNELS}"], core.linking
        runner += core.start
    digest = hashlib.sha256("\0".join([*flags, *linking, layout]).encode())
    inputs = [
        *runner,
        SCRIPT,
        *sources,
        *KERNELS.glob("*.h"),
        *KERNELS.glob("*.inc"),
        *(ROOT / "tests/arm_acle").iterdir(),
    ]
    for f in sorted(inputs):
        digest.update(f.name.encode() + f.read_bytes())
    folder = Path(tempfile.gettempdir()) / f"edgec-kernels-{os.getuid()}"
    program = folder / f"{fn}-{digest.hexdigest()[:20]}"
    if program.exists():
        return program
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as work:
        checks, result = Path(work) / "layout.c", Path(work) / "runner"
        checks.write_text(layout)
        names = [f'-DEC_HEADER="{fn}.h"', f"-DEC_FUNCTION={fn}", f"-DEC_TESTED_PARAMS={fn}_params"]
        parts = map(str, [*runner, checks, *sources])
        command = [*flags, *names, *parts, *linking, "-o", str(result)]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, f"{fn} does not compile:\n{done.stderr}"
        result.rename(program)
    return program
