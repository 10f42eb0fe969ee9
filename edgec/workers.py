"""Tasks performed in parallel, each worker a process of its own.

A task is a function of a module and its arguments, pickled to the worker's standard input. An answer is
("done", result), ("error", parts of a Diagnostic) or ("bug", traceback), on its standard output.
"""

from __future__ import annotations

import os
import pickle
import queue
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self, TypeVar

import edgec
from edgec.diagnostics import Diagnostic

T = TypeVar("T")

_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
"""What keeps numpy to one thread: there is a worker for every core already."""


class Workers:
    """Some workers, used as a context: at its end, by an error or an interrupt too, all end at once."""

    def __init__(self, count: int) -> None:
        self._all = [_start() for _ in range(count)]
        self._idle: queue.SimpleQueue[subprocess.Popen[bytes]] = queue.SimpleQueue()
        for worker in self._all:
            self._idle.put(worker)
        self._pool = ThreadPoolExecutor(count)

    def perform(
        self, task: Callable[..., T], arguments: Mapping[str, tuple[Any, ...]]
    ) -> Iterator[tuple[str, T]]:
        """Key and result of every task, as they are done.

        Raises the Diagnostic of the first that fails, RuntimeError for a bug in edgec.
        """
        futures = {self._pool.submit(self._run, task, given): key for key, given in arguments.items()}
        for future in as_completed(futures):
            yield futures[future], future.result()

    def _run(self, task: Callable[..., T], arguments: tuple[Any, ...]) -> T:
        worker = self._idle.get()
        try:
            return _ask(worker, task, arguments)
        finally:
            self._idle.put(worker)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
        for worker in self._all:
            worker.kill()
        self._pool.shutdown()
        for worker in self._all:
            worker.communicate()


def _start() -> subprocess.Popen[bytes]:
    """A worker, out of reach of the terminal's Ctrl-C: its end is ours to bring about."""
    package = str(Path(edgec.__file__).resolve().parent.parent)
    paths = [package, *filter(None, [os.environ.get("PYTHONPATH")])]
    return subprocess.Popen(
        [sys.executable, "-m", "edgec.workers"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **dict.fromkeys(_THREADS, "1"), "PYTHONPATH": os.pathsep.join(paths)},
        start_new_session=True,
    )


def _ask(worker: subprocess.Popen[bytes], task: Callable[..., T], arguments: tuple[Any, ...]) -> T:
    assert worker.stdin is not None and worker.stdout is not None
    try:
        pickle.dump((task, arguments), worker.stdin)
        worker.stdin.flush()
        kind, answer = pickle.load(worker.stdout)
    except (EOFError, OSError, pickle.UnpicklingError) as error:
        raise RuntimeError(f"a worker ended (status {worker.poll()})") from error
    result: T = _understood(kind, answer)
    return result


def _understood(kind: str, answer: Any) -> Any:
    if kind == "error":
        code, title, where, facts, remedies = answer
        raise Diagnostic(code, title, where=where, facts=facts, remedies=remedies)
    if kind == "bug":
        raise RuntimeError(f"a worker could not perform its task\n{answer}")
    return answer


def _answer(task: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[str, Any]:
    try:
        return "done", task(*arguments)
    except Diagnostic as e:
        return "error", (e.code, e.title, e.where, e.facts, e.remedies)
    except Exception:
        return "bug", traceback.format_exc()


def _serve(source: BinaryIO, sink: BinaryIO) -> None:
    """Answer tasks until there are no more."""
    while True:
        try:
            task, arguments = pickle.load(source)
        except EOFError:
            return
        pickle.dump(_answer(task, arguments), sink)
        sink.flush()


if __name__ == "__main__":
    # What libraries print must not get between the answers.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    _serve(sys.stdin.buffer, out)
