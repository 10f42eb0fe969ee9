"""How fast `edgec run --on host` is: inferences a second of a build, as programs of this machine.

    python bench/host_speed.py DIR [COUNT]

Compiled for the baseline of the architecture, for this very processor, and as many of the latter as there are
processors; each is the best of five turns, taken alternately. The outputs must be the same bytes.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from edgec.codegen.toolchain import build_runner
from edgec.codegen.tools import this_cpu
from edgec.sim.process import HostRunner
from edgec.target import load_target

TURNS = 5


def answers(runners: Sequence[HostRunner], samples: Sequence[bytes]) -> list[bytes]:
    """Outputs of all samples, dealt out to the runners."""
    found: list[bytes] = [b""] * len(samples)

    def drive(which: int) -> None:
        mine = range(which, len(samples), len(runners))
        for k, result in zip(mine, runners[which].run([samples[k] for k in mine]), strict=True):
            found[k] = result.outputs

    with ThreadPoolExecutor(len(runners)) as pool:
        list(pool.map(drive, range(len(runners))))
    return found


def main(folder: Path, count: int) -> None:
    """Print inferences a second, and how many times those of the baseline."""
    target = load_target("host")
    with tempfile.TemporaryDirectory() as work:
        programs = {}
        for name, native in (("baseline", ""), ("this processor", this_cpu())):
            programs[name] = Path(work) / name.split()[0]
            programs[name].write_bytes(build_runner(folder / "src", target, native=native))
            programs[name].chmod(0o755)
        every = os.cpu_count() or 1
        places = {name: [HostRunner(p, target)] for name, p in programs.items()}
        places[f"{every} at a time"] = [HostRunner(programs["this processor"], target) for _ in range(every)]
        size = places["baseline"][0].identify().inputs
        samples = [s.tobytes() for s in np.random.default_rng(0).integers(0, 256, (count, size), np.uint8)]
        best, outputs = dict.fromkeys(places, 0.0), set()
        for _ in range(TURNS):
            for name, runners in places.items():
                start = time.perf_counter()
                outputs.add(b"".join(answers(runners, samples)))
                best[name] = max(best[name], count / (time.perf_counter() - start))
        for runners in places.values():
            for runner in runners:
                runner.close()
    assert len(outputs) == 1, "the programs differ"
    for name, rate in best.items():
        print(f"{name:<16} {rate:9,.0f} a second  {rate / best['baseline']:5.2f} times")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 200)
