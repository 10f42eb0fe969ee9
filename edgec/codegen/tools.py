"""The compilers: where they are, how they are called, and what is said when they are missing."""

from __future__ import annotations

import hashlib
import importlib
import os
import platform
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from edgec.cache import cache_dir
from edgec.diagnostics import Diagnostic


class CompilerError(Exception):
    """A working compiler refused what edgec generated: a bug in edgec. The message is the compiler's."""


@dataclass(frozen=True)
class Tool:
    """A C compiler: the command, what identifies its version, and how to install it."""

    command: tuple[str, ...]
    version: str
    install: str
    is_clang: bool

    def run(self, arguments: Sequence[str], *, cwd: Path | None = None) -> str:
        """Run it; returns what it printed. Raises Diagnostic E401 where the tool is broken,
        CompilerError where it works and still fails."""
        try:
            done = subprocess.run(
                [*self.command, *arguments],
                cwd=cwd,
                env=_environment(),
                capture_output=True,
                text=True,
                errors="replace",
                stdin=subprocess.DEVNULL,
            )
        except OSError as error:
            raise self.broken(str(error)) from error
        if done.returncode == 0:
            return done.stdout + done.stderr
        if not self.works():
            raise self.broken((done.stderr or done.stdout).strip().splitlines()[-1:] or "no output")
        raise CompilerError(f"{' '.join([*self.command, *arguments])}\n{done.stderr or done.stdout}")

    def works(self) -> bool:
        """Whether the tool can tell its own version."""
        try:
            done = subprocess.run(
                [*self.command, "--version"], capture_output=True, timeout=60, env=_environment()
            )
        except (OSError, subprocess.TimeoutExpired):
            return False
        return done.returncode == 0 and bool(done.stdout)

    def broken(self, why: object) -> Diagnostic:
        """The error of a tool that does not run."""
        text = why if isinstance(why, str) else " ".join(map(str, why))  # type: ignore[call-overload]
        return Diagnostic(
            "E401",
            f"broken tool: {Path(self.command[0]).name} does not run",
            where=self.command[0],
            facts=[("said", text)],
            remedies=[self.install],
        )


@cache
def zig() -> Tool:
    """clang as the package ziglang brings it. Raises Diagnostic E401 where it is missing."""
    install = "python -m pip install --force-reinstall ziglang"
    try:
        package = importlib.import_module("ziglang")
    except ImportError as error:
        raise _missing("ziglang", "the C compiler", install) from error
    binary = Path(str(package.__file__)).parent / ("zig.exe" if os.name == "nt" else "zig")
    if not binary.is_file():
        raise _missing("ziglang", "the C compiler", install)
    stat = binary.stat()
    return Tool((str(binary), "cc"), f"zig {stat.st_size}", install, True)


@cache
def arm_gcc() -> Tool:
    """The distribution's bare-metal GCC. Raises Diagnostic E401 where it is missing."""
    install = "apt install gcc-arm-none-eabi (or Arm's GNU toolchain from developer.arm.com)"
    path = shutil.which("arm-none-eabi-gcc")
    if path is None:
        raise _missing("arm-none-eabi-gcc", "the second compiler, for --on qemu", install)
    tool = Tool((path,), "", install, False)
    return Tool((path,), tool.run(["--version"]).splitlines()[0], install, False)


@cache
def this_cpu() -> str:
    """A hash of what this machine's processor is and can do: what is compiled for it is kept by that."""
    facts = [platform.machine(), platform.processor()]
    listed = Path("/proc/cpuinfo")
    if listed.is_file():
        wanted = ("flags", "Features", "model name", "vendor_id", "CPU part")
        facts += sorted({x for x in listed.read_text().splitlines() if x.startswith(wanted)})
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:16]


def _missing(name: str, what: str, install: str) -> Diagnostic:
    return Diagnostic("E401", f"missing tool: {name}, {what}", remedies=[install])


def _environment() -> dict[str, str]:
    """The caller's environment, with zig's caches inside ours and messages in English."""
    zig_cache = str(cache_dir() / "zig")
    own = {"ZIG_GLOBAL_CACHE_DIR": zig_cache, "ZIG_LOCAL_CACHE_DIR": zig_cache, "LC_ALL": "C"}
    return {**os.environ, **own}
