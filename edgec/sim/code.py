"""What the blocks of code cost, by the addresses at which they begin."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from edgec.sim import native


class CodeCosts:
    """The costs of all code, where the compiled half of a simulated board finds them.

    code: addresses and bytes.
    """

    def __init__(self, code: Sequence[tuple[int, int]], board: native.Board) -> None:
        self._code = board.code
        self._keep = []
        for part, (base, size) in zip(self._code, code, strict=False):
            costs = (native.BlockCost * (size // 2 + 1))()
            part.base, part.bytes, part.costs = base, size, costs
            self._keep.append(costs)

    def at(self, address: int) -> native.BlockCost:
        """The cost of a block."""
        part = next(p for p in self._code if 0 <= address - p.base < p.bytes)
        cost: native.BlockCost = part.costs[(address - part.base) // 2]
        return cost

    def executed(self) -> Iterator[tuple[int, native.BlockCost]]:
        """The blocks that have run, by address."""
        for part in self._code:
            for k in range(part.bytes // 2):
                if part.costs[k].executed:
                    yield part.base + 2 * k, part.costs[k]
