"""What templates of packages are told of a build."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgec import __version__
from edgec.codegen.flags import definitions, gcc_flags
from edgec.codegen.library import port_suffix
from edgec.codegen.toolchain import firmware_parts
from edgec.report.schema import Port, Report
from edgec.resources import resource_dir
from edgec.target import Target

THREADS = ("threads.c", "threads.h")


@dataclass(frozen=True)
class Facts:
    """A build and the package it becomes.

    folder: the build. name: the package's, an identifier. release: its version, MAJOR.MINOR.PATCH. source:
    the library's folder in it. library: the files of src/ that go along, by their paths below it.
    """

    folder: Path
    report: Report
    target: Target
    name: str
    release: str
    source: str
    library: Mapping[str, str]

    @property
    def values(self) -> dict[str, object]:
        """The names that all templates may use."""
        report, memory, flash = self.report, self.report["sram"], self.report["flash"]
        prefix = f"{self.source}/" if self.source else ""
        return {
            "name": self.name,
            "upper": self.name.upper(),
            "release": self.release,
            "model": report["model"],
            "hash": report["hash"],
            "edgec": __version__,
            "target": self.target,
            "streamed": report["input_mode"] == "stream",
            "threads": "threads.c" in self.library,
            "source": self.source,
            "sources": [f"{prefix}{p}" for p in self.library if p.endswith(".c")],
            "headers": [f"{prefix}{p}" for p in (*self.library, f"{self.name}.h") if _is_public(p)],
            "inputs": _ports("input", report["inputs"]),
            "outputs": _ports("output", report["outputs"]),
            "arena": memory["arena"],
            "stack": memory.get("stack"),
            "spare_stack": self.stack_bytes,
            "weights": flash["weights"],
            "code": flash.get("code"),
            "macs": report["macs"],
            "cycles": report.get("cycles"),
            "flags": gcc_flags(self.target),
            "fpu": next((f.partition("=")[2] for f in gcc_flags(self.target) if f.startswith("-mfpu=")), ""),
            "folders": [below(p) for p in firmware_parts(self.target)[1]] if self.target.is_mcu else [],
            "sections": definitions(self.target),
            "memory": _memory(report, self.target),
        }

    @property
    def stack_bytes(self) -> int:
        """A stack for the code of any compiler: twice what this build's needs, as far as there is SRAM."""
        memory = self.report["sram"]
        need = memory.get("stack")
        if need is None or self.target.sram_bytes is None:
            return 4096
        return (need + min(need, self.target.sram_bytes - memory["total"])) // 8 * 8


def below(path: Path) -> str:
    """Where a file of the firmware lies below firmware/."""
    return path.relative_to(resource_dir("firmware")).as_posix()


def _is_public(path: str) -> bool:
    return "/" not in path and path.endswith(".h") and path != "weights.h"


def _ports(role: str, ports: Sequence[Port]) -> list[dict[str, object]]:
    views: list[dict[str, object]] = []
    for port in ports:
        suffix = port_suffix(port["name"], len(ports))
        order = tuple(port.get("perm", range(len(port["shape"]))))
        views.append(
            {
                "role": role,
                "title": port["name"].replace("*/", "* /"),
                "function": f"model_{role}{suffix}",
                "result": f"model_result{suffix}",
                "constant": f"{role}{suffix}".upper(),
                "variable": f"{role}{suffix}",
                "c_type": f"{port['dtype']}_t",
                "shape": tuple(port["shape"]),
                "perm": order,
                "device": " x ".join(str(port["shape"][k]) for k in order),
                "count": math.prod(port["shape"]),
                "scale": port.get("scale"),
                "zero_point": port.get("zero_point", 0),
                "port": port,
            }
        )
    return views


def _memory(report: Report, target: Target) -> list[tuple[str, str]]:
    """Lines of a table: what, and how many bytes."""
    memory, flash = report["sram"], report["flash"]
    rows: list[tuple[str, int | None]] = [
        ("SRAM: arena, inside `model_ctx`", memory["arena"]),
        (f"SRAM: stack at most, as compiled for {target.name}", memory.get("stack")),
        ("SRAM: weights that start-up may copy there", memory.get("weights")),
        ("flash: weights", flash["weights"]),
        (f"flash: code, as compiled for {target.name}, with its firmware", flash.get("code")),
    ]
    return [(what, f"{size:,}") for what, size in rows if size is not None]
