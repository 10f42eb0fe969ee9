"""The steps of a plan as the table that the library plays: moves of row cursors, repetitions once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from edgec.codegen.sequence import Packed, compress
from edgec.schedule.plan import Feed, Plan, Step

_LINE = 20
"""Entries of the order in a line of C."""

_NAMED = 5
"""Layers named in the comment of a stretch; beyond, the first and the last."""


@dataclass(frozen=True)
class Move:
    """An entry of the table: go back `back` rows from the cursor's row, compute the next `rows`.

    layer: its index; `Numbers` has those that stand for something else. The cursor is left behind them.
    """

    layer: int
    cursor: int = 0
    rows: int = 0
    back: int = 0


@dataclass(frozen=True)
class Numbers:
    """What the layer of a move means: of the kernel calls the index, of a feed `feed` + input.

    reset: all cursors go to row 0.
    """

    layers: Mapping[str, int]
    inputs: Sequence[str]

    @property
    def reset(self) -> int:
        """The number behind those of the layers."""
        return len(self.layers)

    @property
    def feed(self) -> int:
        """The number that stands for rows of the first input."""
        return len(self.layers) + 1


@dataclass(frozen=True)
class Table:
    """The packed moves of a plan, the cursors they need, and where each region begins among the moves."""

    packed: Packed[Move]
    cursors: int
    regions: Mapping[int, int]


def streamed(plan: Plan) -> bool:
    """Whether the input comes row by row."""
    return any(isinstance(s, Feed) for s in plan.steps)


def table(plan: Plan, numbers: Numbers, rows: Mapping[str, int]) -> Table:
    """The table of a plan; `rows` of each input, for those that a streamed plan has whole at its start."""
    steps = [s for s in plan.steps if isinstance(s, Feed) or s.node in numbers.layers]
    if streamed(plan):
        fed = {s.value for s in steps if isinstance(s, Feed)}
        steps = [*(Feed(v, 0, rows[v]) for v in numbers.inputs if v not in fed), *steps]
    moves, cursors = _moves(steps, numbers)
    return Table(compress(moves), cursors, _regions(plan, numbers, moves))


# -- moves ----------------------------------------------------------------


def _moves(steps: Sequence[Step | Feed], numbers: Numbers) -> tuple[list[Move], int]:
    """The moves, and how many cursors they share.

    Where no layer is between its first and its last step, all cursors are free: there the next layers
    take them over. A layer of many steps has one to itself until its last; those of one step share one
    more. What a cursor holds is known here, so that `back` leads from there to the step's first row.
    """
    inputs = {v: k for k, v in enumerate(numbers.inputs)}
    moves: list[Move] = []
    at: list[int] = []
    for part in _apart(steps):
        often: dict[str, int] = {}
        for s in part:
            if isinstance(s, Step):
                often[s.node] = often.get(s.node, 0) + 1
        lasting = [node for node, times in often.items() if times > 1]
        shared = len(lasting)
        cursors = {node: k for k, node in enumerate(lasting)}
        at += [0] * (shared + (len(often) > shared) - len(at))
        if any(at[:shared]):
            moves.append(Move(numbers.reset))
            at = [0] * len(at)
        for s in part:
            if isinstance(s, Feed):
                moves.append(Move(numbers.feed + inputs[s.value], rows=s.last - s.first))
                continue
            k = cursors.get(s.node, shared)
            moves.append(Move(numbers.layers[s.node], k, s.last - s.first, at[k] - s.first))
            at[k] = s.last
    return moves or [Move(numbers.reset)], max(1, len(at))


def _apart(steps: Sequence[Step | Feed]) -> Iterator[Sequence[Step | Feed]]:
    """The steps, cut wherever no layer has some behind and some ahead."""
    last = {s.node: k for k, s in enumerate(steps) if isinstance(s, Step)}
    begin = busy = 0
    for k, s in enumerate(steps):
        if isinstance(s, Step):
            busy = max(busy, last[s.node])
        if k >= busy:
            yield steps[begin : k + 1]
            begin = k + 1


def _regions(plan: Plan, numbers: Numbers, moves: Sequence[Move]) -> dict[int, int]:
    """Per region its first move: that of the first step of one of its layers."""
    owner = {numbers.layers[n]: k for k, r in enumerate(plan.regions) for n in r if n in numbers.layers}
    begins: dict[int, int] = {}
    for at, move in enumerate(moves):
        if move.layer in owner:
            begins.setdefault(owner[move.layer], at)
    return begins


# -- rendering ------------------------------------------------------------


def table_view(made: Table, numbers: Numbers, titles: Sequence[str]) -> dict[str, object]:
    """What the template needs. titles: of the layers, then of the inputs, fit for a comment."""
    packed = made.packed
    names = [*titles[: numbers.reset], "all cursors", *titles[numbers.reset :]]
    spans = [(s.at, s.length, s.times) for s in packed.stretches]
    lines = [packed.order[k : k + _LINE] for k in range(0, len(packed.order), _LINE)]
    return {
        "reset": numbers.reset,
        "feed": numbers.feed,
        "cursors": made.cursors,
        "resets": any(m.layer == numbers.reset for m in packed.kinds),
        "cursor_type": _unsigned(2, (m.rows + m.back for m in packed.kinds)),
        "layer_type": _unsigned(1, (x for m in packed.kinds for x in (m.layer, m.cursor))),
        "rows_type": _unsigned(1, (x for m in packed.kinds for x in (m.rows, m.back))),
        "order_type": _unsigned(1, [len(packed.kinds)]),
        "place_type": _unsigned(2, [*(x for s in spans for x in s), len(spans)]),
        "kinds": [
            {
                "layer": m.layer,
                "cursor": m.cursor,
                "rows": m.rows,
                "back": m.back,
                "title": _say(m, names, numbers),
            }
            for m in packed.kinds
        ],
        "order": [", ".join(map(str, line)) for line in lines],
        "stretches": [
            {"at": at, "length": length, "times": times, "title": title}
            for (at, length, times), title in zip(spans, _stretch_titles(made, names), strict=True)
        ],
    }


def _unsigned(least: int, values: Iterator[int] | Sequence[int]) -> str:
    """The narrowest unsigned type of at least `least` bytes for these values."""
    most = max(values)
    return next(f"uint{8 * n}_t" for n in (1, 2, 4) if n >= least and most < 1 << 8 * n)


def _say(move: Move, names: Sequence[str], numbers: Numbers) -> str:
    if move.layer == numbers.reset:
        return "every cursor to row 0"
    rows = "1 row" if move.rows == 1 else f"{move.rows} rows"
    return f"{names[move.layer]}: {rows}{' fed' if move.layer > numbers.reset else ''}"


def _stretch_titles(made: Table, names: Sequence[str]) -> list[str]:
    packed, titles, at = made.packed, [], 0
    begins = {move: region for region, move in made.regions.items()}
    for s in packed.stretches:
        end = at + s.length * s.times
        new = [f"region {begins[k]}" for k in range(at, end) if k in begins]
        layers = list(dict.fromkeys(packed.kinds[k].layer for k in packed.order[s.at : s.at + s.length]))
        said = [names[x] for x in layers]
        if len(said) > _NAMED:
            said = [*said[: _NAMED - 2], "...", said[-1]]
        begin = f"{new[0]}{f' to {new[-1][7:]}' if len(new) > 1 else ''} begins: " if new else ""
        titles.append(f"{begin}{', '.join(said)}")
        at = end
    return titles
