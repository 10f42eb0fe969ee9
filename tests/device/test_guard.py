"""The MPU's regions in force, as QEMU models the cores: what is guarded faults, and names the layer."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from edgec.codegen.toolchain import build_firmware
from edgec.diagnostics import Diagnostic
from edgec.sim.process import QemuRunner
from edgec.target import load_target
from tests.sim import fake

from .test_virtual import deep_model

pytestmark = pytest.mark.skipif(
    not shutil.which("qemu-system-arm"), reason="qemu-system-arm is not installed"
)

CASES = {
    # QEMU's boards have writable memory there, so that only the MPU makes it fault.
    "code": ("*(volatile uint8_t *)0x400u = 1", "data access violation of 1 B at 0x00000400", 2048),
    "arena": (
        '__asm volatile("ldr lr, =0x20000901\\nbx lr\\n.ltorg" ::: "lr")',
        "instruction access violation",
        2048,
    ),
    "stack": ("", "overflow", 600),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("board", ["mps2-an386", "mps2-an500", "mps3-an547"])
def test_what_is_guarded_faults(board: str, name: str, tmp_path: Path) -> None:
    statement, said, stack = CASES[name]
    target = load_target(board)
    elf = build_firmware(deep_model(tmp_path / "model", statement), target, stack_bytes=stack).elf
    with QemuRunner(elf, target, timeout=60) as runner, pytest.raises(Diagnostic) as raised:
        runner.run(fake.inputs(1))
    text = raised.value.render()
    assert said in text and "layer 1: model_layer_001_body_copy" in text
