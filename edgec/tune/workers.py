"""Layers measured in parallel, each worker a process of its own."""

from __future__ import annotations

import os
import pickle
import queue
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import edgec
from edgec.diagnostics import Diagnostic
from edgec.ir import Graph
from edgec.sim.runner import Cost
from edgec.target import Target


def measured(layers: Mapping[str, Graph], target: Target, jobs: int) -> Iterator[tuple[str, Cost | None]]:
    """Key and cost of every layer, as they are done; None for one that does not fit the board.

    Where the caller stops, by an error or an interrupt, all workers end at once. Raises the Diagnostic of
    the first measurement that fails, RuntimeError for a bug in edgec.
    """
    count = max(1, min(jobs, len(layers)))
    idle: queue.SimpleQueue[subprocess.Popen[bytes]] = queue.SimpleQueue()
    workers = [_start() for _ in range(count)]
    for worker in workers:
        idle.put(worker)

    def run(layer: Graph) -> Cost | None:
        worker = idle.get()
        try:
            return _ask(worker, (layer, target))
        finally:
            idle.put(worker)

    pool = ThreadPoolExecutor(count)
    try:
        futures = {pool.submit(run, layer): key for key, layer in layers.items()}
        for future in as_completed(futures):
            yield futures[future], future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for worker in workers:
            worker.kill()
        pool.shutdown()
        for worker in workers:
            worker.communicate()


def _start() -> subprocess.Popen[bytes]:
    """A worker, out of reach of the terminal's Ctrl-C: its end is ours to bring about."""
    package = str(Path(edgec.__file__).resolve().parent.parent)
    paths = [package, *filter(None, [os.environ.get("PYTHONPATH")])]
    return subprocess.Popen(
        [sys.executable, "-m", "edgec.tune.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        start_new_session=True,
    )


def _ask(worker: subprocess.Popen[bytes], task: tuple[Graph, Target]) -> Cost | None:
    assert worker.stdin is not None and worker.stdout is not None
    try:
        pickle.dump(task, worker.stdin)
        worker.stdin.flush()
        kind, *rest = pickle.load(worker.stdout)
    except (EOFError, OSError, pickle.UnpicklingError) as error:
        raise RuntimeError(f"a process that measures layers ended (status {worker.poll()})") from error
    return _understood(kind, rest)


def _understood(kind: str, rest: list[Any]) -> Cost | None:
    if kind == "error":
        code, title, where, facts, remedies = rest[0]
        raise Diagnostic(code, title, where=where, facts=facts, remedies=remedies)
    if kind == "bug":
        raise RuntimeError(f"a layer could not be measured\n{rest[0]}")
    if kind == "unfit":
        return None
    cost = rest[0]
    assert isinstance(cost, Cost)
    return cost
