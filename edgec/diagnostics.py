"""Errors a user can act on: a code, the place, the facts, and what to try.

The hundreds digit of a code is its kind and decides the exit status:

    E1xx usage                         2
    E2xx the model cannot be compiled  3
    E3xx it does not fit               4
    E4xx a tool or device is missing   5
    E5xx a check failed                6
"""

from __future__ import annotations

from collections.abc import Sequence

_EXIT = {"1": 2, "2": 3, "3": 4, "4": 5, "5": 6}


class Diagnostic(Exception):
    """A user's error. Anything else that escapes is a bug in edgec.

    title: one clause, no full stop. where: the layer by the user's own module path,
    the file or the option. facts: (label, text) lines. remedies: what to do, each a
    line that can be acted on.
    """

    def __init__(
        self,
        code: str,
        title: str,
        *,
        where: str = "",
        facts: Sequence[tuple[str, str]] = (),
        remedies: Sequence[str] = (),
    ) -> None:
        super().__init__(f"{code}: {title}")
        self.code, self.title, self.where = code, title, where
        self.facts, self.remedies = tuple(facts), tuple(remedies)

    @property
    def exit_status(self) -> int:
        """The process exit status, by the code's hundreds digit."""
        return _EXIT[self.code[1]]

    def render(self) -> str:
        """The message as printed on stderr."""
        lines = [f"error[{self.code}]: {self.title}"]
        if self.where:
            lines.append(f"  --> {self.where}")
        for label, text in [*self.facts, *(("try", remedy) for remedy in self.remedies)]:
            lines.append(f"  {label:<6} " + text.replace("\n", "\n" + " " * 9))
        return "\n".join(lines)
