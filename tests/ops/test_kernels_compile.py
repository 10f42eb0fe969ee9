"""Every kernel compiles without a warning: gcc and clang, as C and as C++, with each set of instructions."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

KERNELS = Path(__file__).resolve().parents[2] / "firmware" / "kernels"
STRICT = ["-c", "-Wall", "-Wextra", "-Wconversion", "-Wsign-conversion", "-Werror", "-Wno-unused-function"]
ZIG = [sys.executable, "-m", "ziglang"]
M55 = ["-target", "thumb-freestanding-eabihf", "-mcpu=cortex_m55+mve"]
COMPILERS = {
    "gcc": ["gcc", "-std=c11"],
    "g++": ["g++", "-x", "c++", "-std=c++17"],
    "clang": [*ZIG, "cc", "-std=c11"],
    "clang++": [*ZIG, "c++", "-x", "c++", "-std=c++17"],
    "clang-dsp": [*ZIG, "cc", "-std=c11", "-target", "arm-linux-musleabihf", "-mcpu=cortex_a7"],
    "clang-neon": [*ZIG, "cc", "-std=c11", "-target", "aarch64-linux-musl", "-mcpu=cortex_a53"],
    "clang++-dotprod": [
        *(*ZIG, "c++", "-x", "c++", "-std=c++17"),
        *("-target", "aarch64-linux-musl", "-mcpu=cortex_a76"),
    ],
    "clang-mve": [*ZIG, "cc", "-std=c11", *M55, f"-I{KERNELS.parent / 'runtime' / 'freestanding'}"],
    "arm-gcc-mve": ["arm-none-eabi-gcc", "-std=c11", "-mcpu=cortex-m55", "-mthumb", "-mfloat-abi=hard"],
    "arm-gcc-dsp": ["arm-none-eabi-gcc", "-std=c11", "-mcpu=cortex-m7", "-mthumb"],
    "arm-gcc": ["arm-none-eabi-gcc", "-std=c11", "-mcpu=cortex-m3", "-mthumb"],
}


@pytest.mark.parametrize("name", COMPILERS)
def test_no_warnings(name: str, tmp_path: Path) -> None:
    command = COMPILERS[name]
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    every = tmp_path / "headers.c"
    every.write_text("".join(f'#include "{h.name}"\n' for h in sorted(KERNELS.glob("*.h"))))
    found = sorted(KERNELS.glob("*.c"))
    dual = [f for f in found if f.stem.endswith("_dual")]  # these have functions that others have, too
    for sources in ([every, *(f for f in found if f not in dual)], dual):
        done = subprocess.run(
            [*command, *STRICT, f"-I{KERNELS}", *map(str, sources)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert sources and done.returncode == 0, done.stderr[:3000]
