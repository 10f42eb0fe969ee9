"""A Python wheel around a shared library: PEP 427, with the platform tags of PEP 600."""

from __future__ import annotations

import base64
import hashlib
import io
import platform
import zipfile
from collections.abc import Mapping
from pathlib import Path

from edgec.codegen.render import render
from edgec.codegen.toolchain import build_shared
from edgec.diagnostics import Diagnostic
from edgec.package.facts import Facts
from edgec.resources import license_text
from edgec.target import Target

GLIBC = "2.17"
"""The oldest C library that the wheels run with; every Linux with glibc since 2014 has it."""
_WHEN = (1980, 1, 1, 0, 0, 0)
_MACHINES = ("x86_64", "aarch64")


def wheel_files(facts: Facts) -> dict[str, bytes]:
    """The wheel, by its file name. The same build gives the same bytes.

    Raises Diagnostic E101 for a machine for which no wheel is made, E401 for a missing compiler.
    """
    machine = _machine(facts.target)
    tags = [f"manylinux_{GLIBC.replace('.', '_')}_{machine}", f"manylinux2014_{machine}"]
    values = {**facts.values, "tags": tags, "features": sorted(facts.target.features)}
    package, info = facts.name, f"{facts.name}-{facts.release}.dist-info"
    contents: dict[str, bytes] = {
        f"{package}/__init__.py": render("packages/wheel/init.py.j2", values).encode(),
        f"{package}/_runtime.py": Path(__file__).with_name("runtime.py").read_bytes(),
        f"{package}/py.typed": b"",
        f"{package}/lib{facts.name}.so": build_shared(facts.folder / "src", facts.target, machine, GLIBC),
        f"{info}/METADATA": render("packages/wheel/METADATA.j2", values).encode(),
        f"{info}/WHEEL": render("packages/wheel/WHEEL.j2", values).encode(),
        f"{info}/licenses/LICENSE": license_text().encode(),
    }
    contents[f"{info}/RECORD"] = _record(contents, f"{info}/RECORD")
    return {f"{facts.name}-{facts.release}-py3-none-{'.'.join(tags)}.whl": _zip(contents)}


def _machine(target: Target) -> str:
    machine = platform.machine() if target.kind == "host" else "aarch64"
    if machine not in _MACHINES or platform.system() != "Linux":
        raise Diagnostic(
            "E101",
            f"no wheel is made for {platform.system()} on {machine}",
            where="--as wheel",
            facts=[("known", f"Linux on {', '.join(_MACHINES)}")],
            remedies=["edgec build MODEL --target cortex-a53, and package that", "--as cmake"],
        )
    return machine


def _record(contents: Mapping[str, bytes], own: str) -> bytes:
    lines = []
    for path, data in contents.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        lines.append(f"{path},sha256={digest},{len(data)}\n")
    return "".join([*lines, f"{own},,\n"]).encode()


def _zip(contents: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in contents.items():
            entry = zipfile.ZipInfo(path, _WHEN)
            entry.compress_type, entry.create_system = zipfile.ZIP_DEFLATED, 3
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, data)
    return out.getvalue()
