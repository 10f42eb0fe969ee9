"""Layers measured on a board at a serial port, each flashed there by itself."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from edgec.codegen.image import Image
from edgec.codegen.toolchain import DoesNotFit, build_firmware
from edgec.diagnostics import Diagnostic
from edgec.ir import Graph
from edgec.options import Silent
from edgec.output_dir import write_files
from edgec.prove import draw_inputs, pack_inputs
from edgec.runners import is_serial
from edgec.sim.runner import Cost
from edgec.target import Target
from edgec.tune.measure import compiled


def board_at(place: str, target: Target) -> OnBoard:
    """The board to measure on. place: as `runners.Place`, of a serial port.

    Raises Diagnostic E101 for another place, or a target that is no board with a flash and a serial port.
    """
    if not is_serial(place):
        raise Diagnostic(
            "E101",
            f"kernels cannot be measured on {place}",
            where="--tune-on",
            facts=[("known", "sim, serial, serial:PORT")],
        )
    if target.uart is None or target.is_qemu:
        raise Diagnostic(
            "E101",
            f"{target.name} is no board with a flash and a serial port",
            where="--tune-on",
            remedies=["leave --tune-on out"],
        )
    return OnBoard(place.partition(":")[2])


@dataclass(frozen=True)
class OnBoard:
    """A board that is flashed as `edgec flash` does without options, and answers at a serial port.

    port: its name; empty for the only one there is.
    """

    port: str = ""

    def measured(self, layers: Mapping[str, Graph], target: Target) -> Iterator[tuple[str, Cost | None]]:
        """Key and cost of every layer in turn, None for one that does not fit the board.

        Raises Diagnostic as `cycles`.
        """
        for key, layer in layers.items():
            yield key, self._layer(layer, target)

    def _layer(self, layer: Graph, target: Target) -> Cost | None:
        library = compiled(layer, target)
        with tempfile.TemporaryDirectory(prefix="edgec-tune-") as name:
            folder = Path(name)
            write_files(folder, library.files)
            try:
                made = build_firmware(folder / "src", target)
            except DoesNotFit:
                return None
            elf = folder / "firmware.elf"
            elf.write_bytes(made.elf)
            data = pack_inputs(library, draw_inputs(layer, 1)[0])
            return Cost(0, self.cycles(elf, target, library.hash, data))

    def cycles(self, elf: Path, target: Target, hash: str, inputs: bytes) -> int:
        """Cycles of all steps of an inference, by the board's own counter.

        elf: the image, which is written to the board first; hash: its build's. inputs: of the model, packed.
        Raises Diagnostic E401 for a missing tool, E402 where the board or the way to it is gone.
        """
        from edgec.device.flash import FlashOptions, Job, flash_job
        from edgec.device.ports import OPTION, SerialLine
        from edgec.device.profile import inference_cycles
        from edgec.device.serial_link import BoardRunner
        from edgec.device.serial_ports import one_port

        assert target.uart is not None, "checked before anything is measured"
        flash_job(Job(elf.parent, target, tuple(Image.read(elf).segments)), FlashOptions(), Silent())
        line = SerialLine(one_port(self.port, OPTION), target.uart.baud)
        with BoardRunner(line, f"{target.name} at {line.port}", elf, target, hash) as runner:
            return inference_cycles(runner, inputs)
