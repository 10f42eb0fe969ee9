"""What is installed, what is missing, what it is for and how to get it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass
from importlib import metadata

from edgec import __version__


@dataclass(frozen=True)
class Part:
    """Something edgec uses. `version` is empty where it is missing, `fault` says if it is broken."""

    name: str
    version: str
    purpose: str
    get: str
    required: bool
    fault: str = ""


CORE = "pip install edgec"
PACKAGES = (
    ("numpy", "arithmetic and references", CORE, True),
    ("networkx", "the graph", CORE, True),
    ("jinja2", "generated C", CORE, True),
    ("ortools", "exact placement of tensors", CORE, True),
    ("tflite", "reading .tflite", CORE, True),
    ("ziglang", "C compiler and linker for every target", CORE, True),
    ("unicorn", "simulated Cortex-M boards", CORE, True),
    ("capstone", "cycle estimates", CORE, True),
    ("pyelftools", "sizes and symbols of images", CORE, True),
    ("torch", "reading .pt2 and module:callable", "pip install 'edgec[torch]'", False),
    ("onnx", "reading .onnx", "pip install 'edgec[onnx]'", False),
    ("tensorflow", "reading .keras and .h5", "pip install 'edgec[keras]'", False),
    ("pyarrow", "calibration from .parquet", "pip install 'edgec[data]'", False),
    ("pyserial", "boards at a serial port", "pip install 'edgec[serial]'", False),
    ("stm32loader", "flash by ST's boot loader at a serial port", "pip install 'edgec[flash]'", False),
    ("pyocd", "flash by a debug probe", "pip install 'edgec[flash]'", False),
    ("pillow", "calibration from images", "pip install 'edgec[data]'", False),
)
PROGRAMS = (
    (("cc", "gcc", "clang"), "builds for the host with your own compiler", "apt install gcc"),
    (("qemu-system-arm",), "second simulator: --on qemu for Cortex-M", "apt install qemu-system-arm"),
    (
        ("qemu-aarch64", "qemu-aarch64-static"),
        "--on qemu for Cortex-A",
        "apt install qemu-user",
    ),
    (("arm-none-eabi-gcc",), "second compiler for Cortex-M", "apt install gcc-arm-none-eabi"),
    (("dfu-util",), "flash by ST's USB boot loader", "apt install dfu-util"),
    (("openocd",), "flash by a debug probe, where pyocd does not know the chip", "apt install openocd"),
    (("cmake",), "building the library from its CMake file", "apt install cmake"),
)
ALIASES = {"tensorflow": ("tensorflow-cpu", "tensorflow-intel")}
PROBES = {
    "ziglang": (sys.executable, "-m", "ziglang", "version"),
    "unicorn": (
        sys.executable,
        "-c",
        "import unicorn; unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB)",
    ),
}
"""Commands that show whether an installed package works: both carry machine code."""


def survey() -> list[Part]:
    """Every part, in the order of the lists above."""
    return [_package(*p) for p in PACKAGES] + [_program(*p) for p in PROGRAMS]


def examine(as_json: bool) -> int:
    """Print the survey; returns the exit status, 5 where something required is missing or broken."""
    parts = survey()
    bad = [p for p in parts if p.required and (p.fault or not p.version)]
    if as_json:
        facts = {"edgec": __version__, "python": sys.version.split()[0], "ok": not bad}
        print(json.dumps({**facts, "parts": [asdict(p) for p in parts]}, indent=2))
    else:
        print(f"edgec {__version__}, Python {sys.version.split()[0]} ({sys.executable})\n")
        print("\n".join(_line(p) for p in parts))
        print(
            f"\n{len(bad)} required parts are missing or broken"
            if bad
            else "\nall that edgec requires is there"
        )
    return 5 if bad else 0


def _line(part: Part) -> str:
    if part.fault:
        state = f"BROKEN: {part.fault}; {part.get}"
    elif part.version:
        state = part.purpose
    else:
        state = f"{part.purpose}: {part.get}"
    mark = part.version or ("MISSING" if part.required else "-")
    return f"  {part.name:<18} {mark:<17} {state}"


def _package(name: str, purpose: str, get: str, required: bool) -> Part:
    version = ""
    for candidate in (name, *ALIASES.get(name, ())):
        try:
            version = metadata.version(candidate)
            break
        except metadata.PackageNotFoundError:
            continue
    fault = _probe(PROBES[name]) if version and name in PROBES else ""
    return Part(name, version, purpose, get, required, fault)


def _probe(command: tuple[str, ...]) -> str:
    """Why a command fails, or an empty text."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired) as e:
        return str(e)
    if done.returncode == 0:
        return ""
    return (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]


def _program(names: tuple[str, ...], purpose: str, get: str) -> Part:
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        return Part(names[0], "", purpose, get, False)
    try:
        done = subprocess.run((path, "--version"), capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired) as e:
        return Part(names[0], "?", purpose, get, False, str(e))
    words = (done.stdout.splitlines() or [""])[0].split()
    version = next((w for w in words if w[0].isdigit() and "." in w), "?")
    return Part(
        names[0], version.strip("(),"), purpose, get, False, "" if done.returncode == 0 else "does not start"
    )
