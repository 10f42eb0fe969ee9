"""What a pass is: a frozen dataclass in a file of its own that rewrites the graph."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field

from edgec.ir import Graph


@dataclass
class Changes:
    """What a pass did, for the report: (node or value, sentence), and what it counted, by name."""

    made: list[tuple[str, str]] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)
    figures: dict[str, int] = field(default_factory=dict)

    def did(self, what: str, how: str) -> None:
        """Record a change."""
        self.made.append((what, how))

    def left(self, what: str, why: str) -> None:
        """Record something the pass looked at and left, with the reason."""
        self.refused.append((what, why))


class Pass(ABC):
    """A rewrite. The fields of the dataclass are its options; its docstring is for users."""

    @abstractmethod
    def run(self, graph: Graph) -> Changes:
        """Rewrite the graph in place and say what was changed and what was refused."""
