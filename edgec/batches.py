"""Many inferences of a build, several at a time where its programs run on this machine."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from edgec.runners import Place, open_runner
from edgec.sim.runner import RunResult

BATCH = 16
"""Inferences between two steps of a progress bar."""


class Batches:
    """The runners of a build in a place, used as a context; samples are dealt out to them in batches.

    samples: how many there will be. threads: among how many the rows of a layer are shared out; with one,
    there is a program for each processor on the host. Raises as `open_runner` does.
    """

    def __init__(self, folder: Path, on: Place, samples: int, threads: int = 1) -> None:
        count = 1 if on != "host" or threads > 1 else max(1, min(os.cpu_count() or 1, samples // BATCH))
        with ExitStack() as stack:
            self.runners = [stack.enter_context(open_runner(folder, on, threads)) for _ in range(count)]
            self._stack = stack.pop_all()

    def run(
        self, samples: Sequence[bytes], tick: Callable[[int, int], None] | None = None
    ) -> list[RunResult]:
        """One inference a sample, results in their order; each runner has a thread that waits for it.

        tick: called with (samples done, samples).
        """
        batches = [samples[k : k + BATCH] for k in range(0, len(samples), BATCH)]
        done: list[list[RunResult]] = [[] for _ in batches]
        count = len(self.runners)

        def drive(which: int) -> int:
            finished = 0
            for k in range(which, len(batches), count):
                done[k] = self.runners[which].run(batches[k])
                finished += len(done[k])
                if which == 0 and tick is not None:
                    tick(min(finished * count, len(samples)), len(samples))
            return finished

        if count == 1:
            finished = drive(0)
        else:
            with ThreadPoolExecutor(count) as pool:
                finished = sum(pool.map(drive, range(count)))
        assert finished == len(samples)
        return [result for batch in done for result in batch]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()
