"""How compilers are called for a target: its processor, and what is defined for an image."""

from __future__ import annotations

from edgec.codegen.tools import Tool
from edgec.target import Target

ZIG_CPU = {
    "cortex-m0plus": "cortex_m0plus",
    "cortex-m4": "cortex_m4",
    "cortex-m7": "cortex_m7",
    "cortex-m33": "cortex_m33+dsp",
    "cortex-m55": "cortex_m55+mve",
    "cortex-a7": "cortex_a7",
    "cortex-a53": "cortex_a53",
    "cortex-a72": "cortex_a72",
    "cortex-a76": "cortex_a76",
}
_GCC_FPU = {
    "cortex-m4": "fpv4-sp-d16",
    "cortex-m7": "fpv5-sp-d16",
    "cortex-m33": "fpv5-sp-d16",
    "cortex-m55": "auto",
}
_LINUX = {"cortex-a7": "arm-linux-musleabihf"}
"""Cortex-A cores of 32 bits; others are AArch64."""
SECTIONS = {
    "MODEL_WEIGHTS": '__attribute__((section(".weights"),aligned(4)))',
    "MODEL_FAST": '__attribute__((section(".fast"),aligned(8)))',
}
"""What weights.c has before its arrays, as the linker script of an image wants it (linker.ld.j2): weights may
have a memory of their own, and start-up copies those that are read most to SRAM."""
_FETCH = {"MODEL_FETCH_BEGIN": "fetch_begin", "MODEL_FETCH_WAIT": "fetch_wait"}
"""How model.c fetches weights where the board does it by DMA (firmware/runtime/board.h)."""


def machine_flags(tool: Tool, target: Target) -> list[str]:
    """Flags that choose the processor."""
    if target.kind == "host":
        return ["-mcpu=baseline"]
    if target.kind == "linux":
        return ["-target", _LINUX.get(target.cpu, "aarch64-linux-musl"), f"-mcpu={ZIG_CPU[target.cpu]}"]
    if tool.is_clang:
        abi = "eabi" if target.cpu == "cortex-m0plus" else "eabihf"
        return ["-target", f"thumb-freestanding-{abi}", f"-mcpu={ZIG_CPU[target.cpu]}"]
    return gcc_flags(target)


def gcc_flags(target: Target) -> list[str]:
    """The flags by which GCC compiles for a target's processor; none for this machine's own."""
    if target.is_mcu:
        fpu = _GCC_FPU.get(target.cpu)
        return [f"-mcpu={target.cpu}", "-mthumb", *(["-mfloat-abi=hard", f"-mfpu={fpu}"] if fpu else [])]
    return [f"-mcpu={target.cpu}"] if target.kind == "linux" else []


def without_libc(flag: str) -> str:
    """The same machine without an operating system's C library to link."""
    return flag.replace("-linux-musleabihf", "-freestanding-eabihf").replace(
        "-linux-musl", "-freestanding-none"
    )


def bare_flags(target: Target) -> list[str]:
    """Flags of code without a C library, each function of which can be left out or moved."""
    return ["-ffreestanding", "-ffunction-sections", "-fdata-sections"] if target.is_mcu else []


def definitions(target: Target) -> dict[str, str]:
    """What the compiler defines for an image of a bare-metal target: where its weights lie, how they are
    fetched, what its board does beside."""
    found = {**SECTIONS, **(_FETCH if target.fetches else {})}
    return {**found, "BOARD_EXTRAS": "", "MODEL_BEFORE": "board_before"} if target.extras else found
