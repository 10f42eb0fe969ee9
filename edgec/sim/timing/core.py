"""What every core's timing model gives: when each instruction of a block issues, and why not sooner."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field

from edgec.sim.timing.decode import Op


@dataclass(frozen=True)
class Issue:
    """One instruction of a schedule. at: its cycle, counted from the issue of the last instruction
    before the block. second: it shares the cycle with the one before. why: what held it back."""

    op: Op
    at: int
    second: bool = False
    why: str = ""


@dataclass(frozen=True)
class State:
    """What a block leaves to the one behind it, in cycles from its last issue on.

    ready: by register, when each stage may read it. free: when the next instruction may
    issue. flagged: when the flags were set last. partner: an instruction that issued alone in its
    cycle and may be joined.
    """

    ready: dict[str, tuple[int, ...]] = field(default_factory=dict)
    free: int = 1
    flagged: int | None = None
    partner: Op | None = None


@dataclass(frozen=True)
class Schedule:
    """A block on a core. cycles: from the last issue before it to its own last issue."""

    issues: tuple[Issue, ...]
    cycles: int
    after: State
    missed: int = 0
    """Cycles that its last branch costs where it goes another way than predicted."""


class Core(ABC):
    """A core's timing. Memories that are not at once there come on top (edgec/sim/timing/memory.py)."""

    name: str
    version: int
    summary: str
    """A few words for cycles_model."""

    predictor: int = 0
    """Branches that it remembers; 0: every jump refills the pipeline."""

    chained: bool = False
    """Whether a block's cycles depend on the one before it."""

    miss: int = 0
    """Cycles that a cache miss takes in the core and on its bus, on top of the memory's own."""

    recent: bool = False
    """Whether the caches before its memories give up the line used least recently, not each in turn."""

    unaligned: int = 0
    """Cycles that an access which is not aligned to its size takes more."""

    @abstractmethod
    def schedule(self, block: Sequence[Op], before: State | None = None) -> Schedule:
        """A block behind another one; before: what that left, None for a pipeline at rest."""

    def taken(self, state: State) -> State:
        """What a block leaves where its jump is taken."""
        return state

    def refill(self, target: Op) -> int:
        """Cycles that a jump costs beyond its own where nothing predicts it."""
        return 0
