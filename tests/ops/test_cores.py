"""Kernels run on real cores, by QEMU: that these are the cores, and that their kernels are seen to fail."""

from __future__ import annotations

import subprocess

import pytest

from tests.kernel_core import CORES, missing
from tests.kernel_host import KERNELS
from tests.kernels import FAMILIES

MACROS = {"dsp": "__ARM_FEATURE_DSP", "mve": "__ARM_FEATURE_MVE"}
"""What the compiler defines where it may use a feature (Arm's C Language Extensions)."""


@pytest.mark.parametrize("name", CORES)
def test_programs_use_what_the_family_has(name: str) -> None:
    if missing():
        pytest.skip(f"{missing()} not installed: kernels are not tested on {name}")
    core = CORES[name]
    assert FAMILIES[name] == core.features
    command = [*core.compiler, "-dM", "-E", f"-I{KERNELS}", "-include", "ec_dsp.h", "-x", "c", "/dev/null"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for feature, macro in MACROS.items():
        assert (f"#define {macro} " in told) == (feature in core.features), macro
