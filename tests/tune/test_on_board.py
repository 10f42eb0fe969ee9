"""Kernels measured on a board that is flashed and asked over its serial line: here a simulated one."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgec.device import flash, ports, serial_ports
from edgec.device.flash import FlashOptions, Job
from edgec.device.virtual import VirtualBoard
from edgec.diagnostics import Diagnostic
from edgec.options import Progress, Silent
from edgec.target import FEATURES, load_target
from edgec.tune import Tuner, board_at, cache
from edgec.tune.candidates import choosable, one_layer
from edgec.tune.measure import bench, measure
from tests.device.lines import DirectLine
from tests.tune.layers import mixed
from tests.tune.test_tuner import Heard

BOARD = load_target("stm32f446")


class Bench:
    """A board at a probe and a serial port. most: how often it can be flashed before the cable is pulled."""

    def __init__(self, most: int | None = None) -> None:
        self.board: VirtualBoard | None = None
        self.flashed, self.most = 0, most

    def flash(self, job: Job, options: FlashOptions, shown: Progress) -> dict[str, object]:
        if self.flashed == self.most:
            raise Diagnostic("E402", "no probe", where="the bench")
        self.flashed += 1
        if self.board is not None:
            self.board.close()
        self.board = VirtualBoard.of_build(job.folder, job.target)
        return {}

    def line(self, port: str, baud: int) -> DirectLine:
        assert self.board is not None
        line = DirectLine(self.board)
        line.port = port  # type: ignore[attr-defined]
        return line


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "cache_dir", lambda: tmp_path)
    monkeypatch.setattr(serial_ports, "one_port", lambda port, option: port)


def tuned(device: Bench, heard: Silent, monkeypatch: pytest.MonkeyPatch) -> Tuner:
    monkeypatch.setattr(flash, "flash_job", device.flash)
    monkeypatch.setattr(ports, "SerialLine", device.line)
    made = Tuner(BOARD, heard, 1, on=board_at("serial:bench", BOARD))
    made.tune(mixed(*FEATURES[BOARD.cpu]))
    return made


def test_each_kernel_is_flashed_and_counted_by_the_board(monkeypatch: pytest.MonkeyPatch) -> None:
    first, again = Bench(), Bench()
    made = tuned(first, Silent(), monkeypatch)
    graph, costs = mixed(*FEATURES[BOARD.cpu]), made.costs
    assert first.flashed > 3
    # The board counts a whole inference with warm caches, the simulated one the layer alone.
    node, found = next(iter(choosable(graph)))
    alone = measure(one_layer(graph, node, found[0]), bench(BOARD, graph)).cycles
    assert alone is not None and 0.8 * alone < costs[found[0].form] < 1.5 * alone + 1500
    assert tuned(again, Silent(), monkeypatch).costs == costs and not again.flashed


def test_a_board_that_disappears_keeps_what_was_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    heard, rest = Heard(), Bench()
    with pytest.raises(Diagnostic, match="no probe"):
        tuned(Bench(2), heard, monkeypatch)
    assert len(heard.notes) == 1 and heard.notes[0].startswith("2 of ")
    total = int(heard.notes[0].split()[2])
    tuned(rest, Silent(), monkeypatch)
    assert rest.flashed == total - 2


@pytest.mark.parametrize(
    ("place", "target"), [("moon", "stm32f446"), ("serial", "mps3-an547"), ("serial", "host")]
)
def test_places_that_are_no_board(place: str, target: str) -> None:
    with pytest.raises(Diagnostic) as caught:
        board_at(place, load_target(target))
    assert caught.value.code == "E101" and caught.value.where == "--tune-on"
