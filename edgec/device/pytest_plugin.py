"""The pytest plugin `edgec_device`: tests that run a build on its simulated board, or on a real one.

pytest --edgec-build DIR [--edgec-port PORT]; docs/device.md has an example. Nothing heavy is imported before
a test asks for the fixture.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import numpy as np

    from edgec.replay import Cases
    from edgec.report.schema import Report
    from edgec.sim.runner import Runner

_OPTIONS = {
    "build": "the build that tests of edgec_device run: what edgec build wrote",
    "port": "the serial port of the board that runs it; its simulated board without",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """--edgec-build and --edgec-port on the command line, edgec_build and edgec_port in the ini-file."""
    group = parser.getgroup("edgec")
    for name, text in _OPTIONS.items():
        group.addoption(f"--edgec-{name}", default=None, metavar=name.upper(), help=text)
        parser.addini(f"edgec_{name}", text, default="")


@pytest.fixture(scope="session")
def edgec_device(request: pytest.FixtureRequest) -> Iterator[Device]:
    """The build of --edgec-build on the board at --edgec-port, or simulated."""
    from edgec.diagnostics import Diagnostic

    build, port = (
        request.config.getoption(f"--edgec-{n}") or request.config.getini(f"edgec_{n}") for n in _OPTIONS
    )
    if not build:
        raise pytest.UsageError("edgec_device needs --edgec-build DIR, or edgec_build in the ini-file")
    try:
        device = Device(Path(build), port)
    except Diagnostic as error:
        pytest.fail(error.render(), pytrace=False)
    yield device
    device.close()


class Device:
    """A build where it runs. What goes wrong is a test that fails with edgec's own message."""

    def __init__(self, folder: Path, port: str = "") -> None:
        from edgec import replay
        from edgec.report import files
        from edgec.runners import open_runner
        from edgec.target import load_target

        self.report: Report = files.load(folder)
        self.is_board = bool(port)
        self._cases: Cases = replay.load(folder)
        place = (
            f"serial:{port}"
            if port
            else "host"
            if load_target(self.report["target"]).kind == "host"
            else "sim"
        )
        self._runner: Runner = open_runner(folder, place)

    def close(self) -> None:
        """Let go of it."""
        self._runner.close()

    def run(self, inputs: np.ndarray | dict[str, np.ndarray]) -> np.ndarray | dict[str, np.ndarray]:
        """The outputs for samples [N, ...], as edgec run takes and gives them: raw integers.

        Several inputs or outputs are dictionaries by name.
        """
        from edgec import run_io

        ports = self.report["inputs"]
        arrays = inputs if isinstance(inputs, dict) else {ports[0]["name"]: inputs}
        samples = run_io.pack(run_io.fit(arrays, ports), ports)
        outputs = run_io.unpack(
            [r.outputs for r in self._do(self._runner.run, samples)], self.report["outputs"]
        )
        return outputs if len(outputs) > 1 else next(iter(outputs.values()))

    def matches_reference(self) -> bool:
        """Whether the golden sample of the build gives the integer reference's outputs, byte for byte."""
        from edgec import replay

        return self._do(replay.model, self._runner, self._cases) is None

    def profile(self) -> dict[str, Any]:
        """What the golden sample takes: cycles, and layers, the name and cycles of each; stack and arena, the
        most bytes that were used. None where it is not counted."""
        names = [layer["name"] for layer in self.report["layers"]]
        if self.is_board:
            from edgec.device.profile import profile_board
            from edgec.options import Silent

            made = self._do(profile_board, self._runner, self._cases, Silent())
            cycles, layers, stack, arena = made.cycles, made.layers, made.stack, made.arena
        else:
            (result,) = self._do(self._runner.run, [self._cases.input])
            cycles, stack, arena = result.cycles, result.stack_used, result.arena_used
            layers = [c.cycles for c in result.per_layer or ()]
        named = list(zip(names, layers, strict=False))
        return {"cycles": cycles, "layers": named, "stack": stack, "arena": arena}

    def _do(self, what: Any, *arguments: Any) -> Any:
        """The result of a call; a Diagnostic is a test that fails."""
        from edgec.diagnostics import Diagnostic

        try:
            return what(*arguments)
        except Diagnostic as error:
            pytest.fail(error.render(), pytrace=False)
