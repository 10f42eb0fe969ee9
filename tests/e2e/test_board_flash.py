"""From a build to a running board: flashed through the boot loader at a pseudo-terminal, then run there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("stm32loader")

from edgec.device.boot_board import BootBoard
from edgec.device.simulate import at_a_port, board_of
from edgec.runners import open_runner
from edgec.target import load_target, targets
from tests.cli.invoke import edgec

from ..effort import some
from .conftest import MLPERF, Builder

FAMILIES = [n for n in ("stm32f446", "stm32f746", "stm32g071", "stm32h743", "stm32l476") if n in targets()]
PLAIN = {"regions": False, "verify": False}
"""Options of builds that are made quickly: what they compute is compared here."""

INPUTS = [x.tobytes() for x in np.random.default_rng(0).integers(-128, 128, (100, 490), dtype=np.int8)]


@pytest.fixture(scope="module")
def want(built: Builder, data_dir: Path) -> list[bytes]:
    """What every board must answer: the bytes of a build do not depend on its target."""
    with open_runner(built(data_dir / "models" / MLPERF["kws"], FAMILIES[0], **PLAIN), "host") as runner:
        return [r.outputs for r in runner.run(INPUTS)]


@pytest.mark.parametrize("name", some(FAMILIES, 2))
def test_flash_and_run(name: str, want: list[bytes], built: Builder, data_dir: Path) -> None:
    folder, target = built(data_dir / "models" / MLPERF["kws"], name, **PLAIN), load_target(name)
    board = board_of(folder, target, boot_loader=True)
    assert isinstance(board, BootBoard)
    with at_a_port(board) as port:
        done = edgec("flash", folder, "--port", port)
        assert done.status == 0, done.err
        assert "every byte is right" in done.out
        image = (folder / "firmware.bin").read_bytes()
        assert board.rom.flash.contents[: len(image)] == image
        with open_runner(folder, f"serial:{port}") as runner:
            assert [r.outputs for r in runner.run(INPUTS)] == want
    board.close()
