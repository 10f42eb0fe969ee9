"""The execution order: the one whose largest step needs the fewest bytes."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from edgec.schedule.bound import extent
from edgec.schedule.work import Job

STATES = 20_000
"""Sets of executed works that the exact search looks at before it gives up."""
WIDTH = 32
"""States that the beam search, which then takes over, keeps at every depth."""


@dataclass(frozen=True)
class _State:
    """Works executed so far (a bit each), what is ready, bytes live, and how it came to this."""

    done: int
    ready: tuple[int, ...]
    live: int
    peak: int
    last: int
    previous: _State | None

    @cached_property
    def order(self) -> list[int]:
        found = []
        state: _State | None = self
        while state is not None and state.previous is not None:
            found.append(state.last)
            state = state.previous
        return found[::-1]


def orders(job: Job, states: int = STATES) -> list[list[int]]:
    """Orders worth placing, as indices of works: the best found, the graph's own, and depth first.

    The best is exact for the measure of `peak` (a shortest path over sets of executed
    works, where the length of a path is its largest step) unless that takes more than `states`
    sets; then a beam search finds it. Deterministic.
    """
    own = list(range(len(job.works)))
    search = _Search(job)
    end = search.exact(states) or search.beam(WIDTH)
    found = [end.order]
    for order in (own, depth_first(job)):
        if order not in found:
            found.append(order)
    return found


def depth_first(job: Job) -> list[int]:
    """Every work right before the first that reads it, which suits row loops.

    What a work needs whole comes first, so that all else can come row by row.
    """
    found: list[int] = []
    seen: set[int] = set()
    read = {p for before in job.before for p in before}
    for end in (w for w in range(len(job.works)) if w not in read):
        stack = [(end, False)]
        while stack:
            w, ready = stack.pop()
            if ready:
                found.append(w)
            elif w not in seen:
                seen.add(w)
                stack.append((w, True))
                whole = job.waits(w)
                rest = [p for p, _ in job.needs[w] if p not in whole]
                stack += [(p, False) for p in reversed(whole + rest) if p not in seen]
    return found


def peak(job: Job, order: Sequence[int]) -> int:
    """The bytes of the largest step when every work is one step over whole tensors."""
    search = _Search(job)
    state = search.start()
    for w in order:
        state = search.step(state, w)
    return state.peak


class _Search:
    def __init__(self, job: Job) -> None:
        self.job = job
        self.size = [b.bytes for b in job.buffers]
        self.readers = [sum(1 << w for w in r) for r in job.readers]
        self.needs = [sum(1 << w for w in b) for b in job.before]
        self.after: list[list[int]] = [[] for _ in job.works]
        for w, before in enumerate(job.before):
            for p in before:
                self.after[p].append(w)
        self.all = (1 << len(job.works)) - 1

    def start(self) -> _State:
        ready = tuple(w for w, needs in enumerate(self.needs) if not needs)
        peak = sum(self.size[b] for b in self.job.inputs)
        live = sum(self.size[b] for b in self.job.inputs if self.readers[b] or b in self.job.outputs)
        return _State(0, ready, live, peak, -1, None)

    def step(self, state: _State, w: int) -> _State:
        """Execute one ready work."""
        job, work = self.job, self.job.works[w]
        done = state.done | 1 << w
        dying = [b for b in work.operands if not self.readers[b] & ~done and b not in job.outputs]
        live = state.live - sum(self.size[b] for b in dying)
        need = live + extent(job, w, dying) + work.scratch
        live += sum(self.size[b] for b in work.results if self.readers[b] or b in job.outputs)
        ready = [r for r in state.ready if r != w]
        ready += [r for r in self.after[w] if not self.needs[r] & ~done]
        return _State(done, tuple(sorted(ready)), live, max(state.peak, need), w, state)

    def expand(self, state: _State) -> list[_State]:
        """The states one work further.

        A work that raises neither the peak nor the bytes live is done at once: whatever follows
        is the cheaper for it.
        """
        found = []
        for w in state.ready:
            next_state = self.step(state, w)
            if next_state.peak == state.peak and next_state.live <= state.live:
                return [next_state]
            found.append(next_state)
        return found

    def exact(self, states: int) -> _State | None:
        """The final state of least peak; None where that takes more than `states` states."""
        start = self.start()
        heap = [(start.peak, 0, 0, 0, start)]
        seen: set[int] = set()
        count = 0
        while heap:
            _, depth, _, _, state = heapq.heappop(heap)
            if state.done == self.all:
                return state
            if state.done in seen:
                continue
            seen.add(state.done)
            if len(seen) > states:
                return None
            for s in self.expand(state):
                if s.done not in seen:
                    count += 1
                    heapq.heappush(heap, (s.peak, depth - 1, s.live, count, s))
        raise AssertionError("a verified graph has no cycle")

    def beam(self, width: int) -> _State:
        """A final state of small peak, from the `width` best sets of every size."""
        front = [self.start()]
        while front[0].done != self.all:
            best: dict[int, _State] = {}
            for state in front:
                for s in self.expand(state):
                    if s.done not in best or s.peak < best[s.done].peak:
                        best[s.done] = s
            front = sorted(best.values(), key=lambda s: (s.peak, s.live, s.done))[:width]
        return front[0]
