"""A real board behind a serial port, running a build's firmware."""

from __future__ import annotations

import time
from pathlib import Path

from edgec.codegen.image import Image
from edgec.diagnostics import Diagnostic
from edgec.sim.faults import reported_fault
from edgec.sim.protocol import Frame, decode
from edgec.sim.runner import Identity, Runner
from edgec.target import Target

TIMEOUT = 120.0
"""Seconds of silence after which the board is taken to be gone: a large model computes for long."""

_POLL = 0.05
_CHUNK = 1 << 12


class SerialRunner(Runner):
    """The firmware of a build on a board at a serial port (8 data bits, no parity, one stop bit).

    firmware: the build's firmware.elf, to name functions in faults. hash: the build's own; a
    board with another firmware is refused. Raises Diagnostic E401 where pyserial is not
    installed, E402 where the port cannot be used, falls silent, or has another build behind it.
    """

    def __init__(
        self, port: str, firmware: Path, target: Target, hash: str, *, timeout: float = TIMEOUT
    ) -> None:
        try:
            import serial
        except ImportError as error:
            raise Diagnostic(
                "E401",
                "missing tool: pyserial, for boards at a serial port",
                remedies=["pip install 'edgec[serial]'"],
            ) from error
        self.name = f"{target.name} at {port}"
        self._firmware, self._target, self._hash, self._timeout = firmware, target, hash, timeout
        self._received = b""
        self._broken = (serial.SerialException, OSError)
        baud = target.uart.baud if target.uart else 115_200
        try:
            self._port = serial.Serial(port, baud, timeout=_POLL, write_timeout=timeout)
            self._port.reset_input_buffer()
        except self._broken as error:
            raise self._lost(f"cannot use the port {port}", error) from error

    def close(self) -> None:
        """Close the port; the board stays as it is."""
        self._port.close()

    def identify(self) -> Identity:
        """What runs there; refuses another build."""
        known = super().identify()
        if known.hash != self._hash:
            raise Diagnostic(
                "E402",
                "the board runs another build",
                where=self.name,
                facts=[("need", self._hash), ("have", known.hash)],
                remedies=[f"write {self._firmware.with_suffix('.bin')} to the board's flash"],
            )
        return known

    def _transfer(self, request: bytes, sequence: int) -> Frame:
        try:
            for at in range(0, len(request), _CHUNK):
                self._port.write(request[at : at + _CHUNK])
            heard = time.monotonic()
            while time.monotonic() - heard < self._timeout:
                if data := self._port.read(max(1, self._port.in_waiting)):
                    heard = time.monotonic()
                    self._received += data
                frame, self._received = decode(self._received)
                if frame is not None and (frame.type == "f" or frame.sequence == sequence):
                    return frame
        except self._broken as error:
            raise self._lost("the connection broke", error) from error
        raise Diagnostic(
            "E402",
            f"no answer in {self._timeout:g} s",
            where=self.name,
            remedies=[
                "check that the port is the board's, and that this build's firmware is on it",
                "reset the board",
            ],
        )

    def _fault(self, payload: bytes) -> Diagnostic:
        return reported_fault(self.name, Image.read(self._firmware), self._target, payload)

    def _lost(self, what: str, error: Exception) -> Diagnostic:
        return Diagnostic(
            "E402",
            what,
            where=self.name,
            facts=[("said", str(error))],
            remedies=["check the cable and the name of the port", "on Linux: be in the group dialout"],
        )
