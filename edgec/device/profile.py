"""Cycles of every layer on a board, by its own counter, and the marks its memories were written to."""

from __future__ import annotations

from dataclasses import dataclass

from edgec import replay
from edgec.diagnostics import Diagnostic
from edgec.options import Progress
from edgec.sim.runner import Runner


@dataclass(frozen=True)
class BoardProfile:
    """What an inference took on a board.

    cycles: of all steps; layers: of each layer's, by index. stack, arena: the most bytes that were in use,
    None where the board cannot tell.
    """

    cycles: int
    layers: tuple[int, ...]
    stack: int | None
    arena: int


def profile_board(runner: Runner, cases: replay.Cases, progress: Progress) -> BoardProfile:
    """Run the golden sample step by step, as often as it takes to count each layer by itself.

    Raises Diagnostic E402 for a board whose counter stands still, E501 where an output differs from the
    reference's.
    """
    count = len(cases.layers)
    runner.paint()
    runner.step(restart=True)  # starts the counter, and a simulated board's model of its cycles
    layers: list[int] = []
    total = 0
    while len(layers) < count:
        total, some = _inference(runner, cases, len(layers))
        layers += some
        progress.step(min(len(layers), count), count)
    if difference := replay.differs(cases, runner.outputs()):
        raise Diagnostic(
            "E501",
            f"the build differs from the integer reference on {runner.name}",
            where=difference.where,
            facts=[("first", difference.text)],
        )
    if not total:
        raise Diagnostic("E402", "the board's counter of cycles stands still", where=runner.name)
    return BoardProfile(total, tuple(layers[:count]), *runner.marks())


def _inference(runner: Runner, cases: replay.Cases, layer: int) -> tuple[int, list[int]]:
    """Cycles of one inference, and of the layers from `layer` on that are counted by themselves."""
    if not runner.identify().streamed:
        runner.send_inputs(cases.input)
    done = runner.steps(restart=True, layer=layer)
    total, layers = done.cycles, list(done.by_layer)
    while done.last is not None:
        replay.feed(runner, cases, done.last)
        done = runner.steps(restart=False, layer=layer)
        total += done.cycles
        layers = [a + b for a, b in zip(layers, done.by_layer, strict=True)]
    return total, layers


def inference_cycles(runner: Runner, inputs: bytes) -> int:
    """Cycles of all steps of one inference. inputs: all of them, packed; of a streamed one whatever is in the
    arena is taken, as it makes no difference to the time."""
    runner.step(restart=True)  # starts the counter, and a simulated board's model of its cycles
    if not runner.identify().streamed:
        runner.send_inputs(inputs)
    done = runner.steps(restart=True, layer=0)
    total = done.cycles
    while done.last is not None:
        done = runner.steps(restart=False, layer=0)
        total += done.cycles
    return total
