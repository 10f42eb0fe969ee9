"""How programs talk to Linux on the two kinds of Cortex-A: registers and numbers of system calls."""

from __future__ import annotations

import importlib
import struct
from dataclasses import dataclass
from typing import Any

_PAGE = 4096


@dataclass(frozen=True)
class Abi:
    """machine: of ELF files. arch, model: Unicorn's names. number: the register of a call's number;
    arguments: of its first three arguments. read to set_tid: numbers of the system calls that a runner makes.
    word: format of a word on the stack."""

    machine: str
    module: str
    arch: str
    model: str
    number: str
    arguments: tuple[str, str, str]
    read: int
    write: int
    exits: tuple[int, ...]
    ioctl: int
    set_tid: int
    word: str

    def engine(self) -> Any:
        """Unicorn with this processor, its vector registers on."""
        unicorn: Any = importlib.import_module("unicorn")
        names = self.names()
        uc = unicorn.Uc(getattr(unicorn, self.arch), unicorn.UC_MODE_ARM)
        uc.ctl_set_cpu_model(getattr(names, self.model))
        if self is ARM:
            uc.reg_write(names.UC_ARM_REG_C1_C0_2, 0xF << 20)
            uc.reg_write(names.UC_ARM_REG_FPEXC, 1 << 30)
        else:
            uc.reg_write(names.UC_ARM64_REG_CPACR_EL1, 3 << 20)
        return uc

    def names(self) -> Any:
        """The module with Unicorn's names for it."""
        return importlib.import_module(self.module)

    def register(self, name: str) -> int:
        """Unicorn's number of a register."""
        return int(getattr(self.names(), f"UC_{self.kind}_REG_{name}"))

    @property
    def kind(self) -> str:
        """The part of Unicorn's names that tells the two apart."""
        return "ARM" if self.word == "I" else "ARM64"

    def stack(self, sp: int) -> bytes:
        """What a program finds there: no arguments but its name, no environment, and of the auxiliary vector
        the size of a page and random bytes."""
        return struct.pack(f"<10{self.word}", 1, sp + 128, 0, 0, 6, _PAGE, 25, sp + 136, 0, 0)

    def negative(self, result: int) -> int:
        """A result as a register holds it."""
        return result & ((1 << 8 * struct.calcsize(self.word)) - 1)


ARM64 = Abi(
    "EM_AARCH64",
    "unicorn.arm64_const",
    "UC_ARCH_ARM64",
    "UC_CPU_ARM64_MAX",
    "X8",
    ("X0", "X1", "X2"),
    63,
    64,
    (93, 94),
    29,
    96,
    "Q",
)
ARM = Abi(
    "EM_ARM",
    "unicorn.arm_const",
    "UC_ARCH_ARM",
    "UC_CPU_ARM_CORTEX_A7",
    "R7",
    ("R0", "R1", "R2"),
    3,
    4,
    (1, 248),
    54,
    256,
    "I",
)


def abi_of(machine: str) -> Abi:
    """That of programs for a machine, as their ELF header names it."""
    return next(abi for abi in (ARM64, ARM) if abi.machine == machine)
