"""Real cores for kernel tests: QEMU's boards, with programs by Arm's GCC.

tests/kernel_core.c is their start-up, tests/kernel_core.ld their memory.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

START = Path(__file__).parent / "kernel_core.c"
SCRIPT = Path(__file__).parent / "kernel_core.ld"
_TOOLS = ("arm-none-eabi-gcc", "qemu-system-arm")


@dataclass(frozen=True)
class Core:
    """A core that QEMU runs. machine: QEMU's name of the board; ram: address of 4 MB there."""

    features: frozenset[str]
    machine: str
    flags: tuple[str, ...]
    ram: int

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


CORES = {
    "dsp on cortex-m4": Core(
        frozenset({"dsp"}), "mps2-an386", ("-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16"), 0x2000_0000
    ),
    "dual on cortex-m7": Core(
        frozenset({"dsp", "dual"}), "mps2-an500", ("-mcpu=cortex-m7", "-mfpu=fpv5-d16"), 0x2000_0000
    ),
    "mve on cortex-m55": Core(frozenset({"dsp", "mve"}), "mps3-an547", ("-mcpu=cortex-m55",), 0x2100_0000),
}
"""By the name of the family of kernels that runs there."""


def missing() -> str:
    """The tools that are not installed, "" where all are."""
    return ", ".join(t for t in _TOOLS if shutil.which(t) is None)
