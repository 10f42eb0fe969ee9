"""Real cores for kernel tests: QEMU's boards, with programs by Arm's GCC, and Cortex-A by zig's clang.

tests/kernel_core.c is their start-up, tests/kernel_core.ld their memory.
"""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

START = Path(__file__).parent / "kernel_core.c"
SCRIPT = Path(__file__).parent / "kernel_core.ld"
ZIG = (sys.executable, "-m", "ziglang", "cc")
_LINUX = "qemu-aarch64"
_TOOLS = ("arm-none-eabi-gcc", "qemu-system-arm")


@dataclass(frozen=True)
class Core:
    """A core that QEMU runs. machine: QEMU's name of the board; ram: address of 4 MB there."""

    features: frozenset[str]
    machine: str
    flags: tuple[str, ...]
    ram: int = 0
    bits = 32
    start = (START,)

    @property
    def compiler(self) -> list[str]:
        """The compiler with its flags; edgec's own builds are optimised likewise."""
        return [_TOOLS[0], "-O2", "-mthumb", "-mfloat-abi=hard", *self.flags]

    @property
    def linking(self) -> list[str]:
        """Flags that make it a program."""
        return ["-nostartfiles", "--specs=nano.specs", f"-T{SCRIPT}", f"-Wl,--defsym=ram={self.ram:#x}"]

    def command(self, program: Path) -> list[str]:
        """What runs a program: it speaks on QEMU's standard input and output."""
        quiet = ["-display", "none", "-monitor", "none", "-serial", "none"]
        semihosting = ["-semihosting-config", "enable=on,target=native"]
        return [_TOOLS[1], "-M", self.machine, "-kernel", str(program), *quiet, *semihosting]


class LinuxCore(Core):
    """A Cortex-A with Linux. machine: qemu-aarch64's name of the processor."""

    bits = 64
    start = ()

    @property
    def compiler(self) -> list[str]:
        """zig's clang."""
        return [*ZIG, "-target", "aarch64-linux-musl", "-O2", *self.flags]

    @property
    def linking(self) -> list[str]:
        """Nothing beyond that."""
        return []

    def command(self, program: Path) -> list[str]:
        """A process."""
        return [_LINUX, "-cpu", self.machine, str(program)]


CORES = {
    "dsp on cortex-m4": Core(
        frozenset({"dsp"}), "mps2-an386", ("-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16"), 0x2000_0000
    ),
    "dual on cortex-m7": Core(
        frozenset({"dsp", "dual"}), "mps2-an500", ("-mcpu=cortex-m7", "-mfpu=fpv5-d16"), 0x2000_0000
    ),
    "dense dsp on cortex-m4": Core(
        frozenset({"dsp", "dense"}), "mps2-an386", ("-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16"), 0x2000_0000
    ),
    "dense dual on cortex-m7": Core(
        frozenset({"dsp", "dual", "dense"}), "mps2-an500", ("-mcpu=cortex-m7", "-mfpu=fpv5-d16"), 0x2000_0000
    ),
    "mve on cortex-m55": Core(frozenset({"dsp", "mve"}), "mps3-an547", ("-mcpu=cortex-m55",), 0x2100_0000),
}
"""By the name of the family of kernels that runs there."""

LINUX = {
    "neon on cortex-a53": LinuxCore(frozenset({"neon"}), "cortex-a53", ("-mcpu=cortex_a53",)),
    "dotprod on cortex-a76": LinuxCore(frozenset({"neon", "dotprod"}), "max", ("-mcpu=cortex_a76",)),
}


def runs(core: LinuxCore) -> bool:
    """Whether what runs it is installed."""
    return shutil.which(_LINUX) is not None


def missing() -> str:
    """The tools that are not installed, "" where all are."""
    return ", ".join(t for t in _TOOLS if shutil.which(t) is None)
