"""Runners whose firmware is a process of this machine: QEMU's boards and command-line programs."""

from __future__ import annotations

import os
import selectors
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from edgec.codegen.image import Image
from edgec.diagnostics import Diagnostic
from edgec.sim.counts import Counts, plugin
from edgec.sim.faults import reported_fault
from edgec.sim.protocol import Frame, decode
from edgec.sim.runner import Cost, Runner
from edgec.target import Target

TIMEOUT = 600.0
"""Seconds to wait for an answer."""


class ProcessRunner(Runner):
    """A process that speaks the protocol on its standard input and output."""

    def __init__(self, name: str, command: Sequence[str], *, timeout: float = TIMEOUT) -> None:
        self.name, self._timeout = name, timeout
        self._received = b""
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115, closed in close()
        try:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, bufsize=0
            )
        except OSError as error:
            self._errors.close()
            raise Diagnostic(
                "E401", f"broken tool: {Path(command[0]).name} does not run", facts=[("said", str(error))]
            ) from error

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._errors):
            if stream is not None:
                stream.close()

    def _transfer(self, request: bytes, sequence: int) -> Frame:
        sink, source = self._process.stdin, self._process.stdout
        assert sink is not None and source is not None
        deadline = time.monotonic() + self._timeout
        waiting = memoryview(request)
        with selectors.DefaultSelector() as pipes:
            pipes.register(source, selectors.EVENT_READ)
            pipes.register(sink, selectors.EVENT_WRITE)
            while True:
                frame, self._received = decode(self._received)
                if frame is not None and (frame.type == "f" or frame.sequence == sequence):
                    return frame
                ready = {key.fileobj for key, _ in pipes.select(max(0.0, deadline - time.monotonic()))}
                if source in ready:
                    data = os.read(source.fileno(), 1 << 16)
                    if not data:
                        raise self._gone()
                    self._received += data
                elif sink in ready:
                    try:
                        waiting = waiting[os.write(sink.fileno(), waiting[:4096]) :]
                    except BrokenPipeError:
                        raise self._gone() from None
                    if not waiting:
                        pipes.unregister(sink)
                elif time.monotonic() >= deadline:
                    raise Diagnostic("E501", f"no answer from {self.name} in {self._timeout:g} s")

    def _gone(self) -> Diagnostic:
        status = self._process.wait()
        self._errors.seek(0)
        said = self._errors.read().decode(errors="replace").strip().splitlines()[-1:]
        how = f"signal {-status}" if status < 0 else f"status {status}"
        return Diagnostic(
            "E501",
            f"{self.name} ended in the middle of a run",
            facts=[("how", how), *(("said", s) for s in said)],
        )


class HostRunner(ProcessRunner):
    """A command-line runner on this machine; one for a Cortex-A runs under qemu-aarch64 or qemu-arm. threads:
    among how many the rows of a layer are shared out, where the library can.

    Raises Diagnostic E401 where that is missing.
    """

    def __init__(
        self, executable: Path, target: Target, *, threads: int = 1, timeout: float = TIMEOUT
    ) -> None:
        command = [str(executable.resolve()), *(["--threads", str(threads)] if threads > 1 else [])]
        machine, native = ("arm", "armv7l") if target.cpu == "cortex-a7" else ("aarch64", "aarch64")
        if target.kind == "linux" and os.uname().machine != native:
            command = [_tool(f"qemu-{machine}", "apt install qemu-user"), "-cpu", "max", *command]
        super().__init__(f"{target.name} program", command, timeout=timeout)


class QemuRunner(ProcessRunner):
    """A firmware image on one of QEMU's boards. target: the board's own, such as mps2-an500.

    Counts instructions exactly, per layer, where that QEMU takes plugins. Raises Diagnostic E401 where
    QEMU is missing; E501 with address, function and layer for a fault that the firmware reports.
    """

    def __init__(self, elf: bytes, target: Target, *, timeout: float = TIMEOUT) -> None:
        self._target, self._image = target, Image(elf)
        program = _tool("qemu-system-arm", "apt install qemu-system-arm")
        self._folder = tempfile.TemporaryDirectory(prefix="edgec-qemu-")
        path = Path(self._folder.name) / "firmware.elf"
        path.write_bytes(elf)
        command = [
            program,
            "-M",
            target.qemu or target.name,
            "-kernel",
            str(path),
            "-display",
            "none",
            "-monitor",
            "none",
        ]
        command += ["-serial", "none", "-semihosting-config", "enable=on,target=native"]
        made = plugin(program)
        self._counts = Counts(self._image, made, Path(self._folder.name)) if made else None
        command += self._counts.arguments if self._counts else []
        super().__init__(f"QEMU {target.qemu or target.name}", command, timeout=timeout)

    def close(self) -> None:
        """End QEMU."""
        super().close()
        if self._counts:
            self._counts.close()
        self._folder.cleanup()

    def _totals(self) -> list[Cost] | None:
        return self._counts.totals() if self._counts else None

    def _fault(self, payload: bytes) -> Diagnostic:
        return reported_fault(self.name, self._image, self._target, payload)


def _tool(name: str, install: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise Diagnostic("E401", f"missing tool: {name}", remedies=[install])
    return path
