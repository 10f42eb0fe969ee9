"""The first cycle estimate: small blocks by hand."""

from __future__ import annotations

import pytest

from edgec.sim.cycles import Decoder, block_cycles


@pytest.mark.parametrize(
    ("code", "count", "m4", "m7"),
    [
        ("0130 0131", 2, 2, 1),  # adds r0, #1; adds r1, #1: neither needs the other
        ("0130 0130", 2, 2, 2),  # the second needs the first
        ("0168 4268", 2, 3, 2),  # two loads: pipelined on the M4, one memory port on the M7
        ("0168 0131", 2, 3, 3),  # load, then its use: a cycle late on the M7
        ("0168 0132", 2, 3, 1),  # load, then something else
        ("f0b5", 1, 6, 4),  # push {r4-r7, lr}
        ("90fbf1f0", 1, 7, 8),  # sdiv
        ("11fb0220", 1, 1, 1),  # smlabb
    ],
)
def test_blocks(code: str, count: int, m4: int, m7: int) -> None:
    block = Decoder().decode(bytes.fromhex(code), 0x0800_0000)
    assert len(block) == count
    assert block_cycles("cortex-m4", block) == m4
    assert block_cycles("cortex-m7", block) == m7
