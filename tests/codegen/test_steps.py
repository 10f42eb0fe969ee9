"""The table of a plan: played as the generated C plays it, it gives the plan's steps."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edgec.codegen.sequence import decompress
from edgec.codegen.steps import Numbers, Table, table, table_view
from edgec.schedule.plan import Feed, Plan, Step

NODES = ("a", "b", "c", "d")
NUMBERS = Numbers({node: k for k, node in enumerate(NODES)}, ["x", "y"])
ROWS = {"x": 9, "y": 9}


def plan(steps: list[Step | Feed], regions: tuple[tuple[str, ...], ...] = ()) -> Plan:
    return Plan(tuple(steps), {}, {}, 0, 0, True, regions)


def played(made: Table) -> list[Step | Feed]:
    """What the loop of the generated code does."""
    rows = [0] * made.cursors
    fed = dict.fromkeys(NUMBERS.inputs, 0)
    steps: list[Step | Feed] = []
    for move in decompress(made.packed):
        if move.layer == NUMBERS.reset:
            rows = [0] * made.cursors
        elif move.layer > NUMBERS.reset:
            value = NUMBERS.inputs[move.layer - NUMBERS.feed]
            steps.append(Feed(value, fed[value], fed[value] + move.rows))
            fed[value] += move.rows
        else:
            first = rows[move.cursor] - move.back
            assert move.back >= 0
            steps.append(Step(NODES[move.layer], first, first + move.rows))
            rows[move.cursor] = first + move.rows
    return steps


@st.composite
def steps(draw: st.DrawFn) -> list[Step | Feed]:
    """Steps of some layers in any mixture, rows in order, some of them computed again."""
    done = dict.fromkeys(NODES, 0)
    fed = dict.fromkeys(NUMBERS.inputs, 0)
    found: list[Step | Feed] = []
    for name in draw(st.lists(st.sampled_from([*NODES, *NUMBERS.inputs]), max_size=30)):
        rows = draw(st.integers(1, 3))
        if name in fed:
            found.append(Feed(name, fed[name], fed[name] + rows))
            fed[name] += rows
            continue
        first = done[name] - draw(st.integers(0, min(2, done[name])))
        found.append(Step(name, first, first + rows))
        done[name] = first + rows
    return found


@given(steps())
def test_any_plan_comes_back(found: list[Step | Feed]) -> None:
    made = table(plan(found), NUMBERS, ROWS)
    fed = {s.value for s in found if isinstance(s, Feed)}
    # inputs that a streamed plan has whole at its start come first
    whole = [Feed(v, 0, ROWS[v]) for v in NUMBERS.inputs if v not in fed] if fed else []
    assert played(made) == [*whole, *found]


def test_layers_that_never_run_at_the_same_time_share_cursors() -> None:
    loops = [[Step(n, i, i + 1) for i in range(50) for n in pair] for pair in ("ab", "cd")]
    made = table(plan([s for loop in loops for s in loop]), NUMBERS, ROWS)
    assert made.cursors == 2
    assert [s.times for s in made.packed.stretches if s.length == 2] == [50, 50]


def test_a_step_for_each_layer_needs_one_cursor_and_no_resets() -> None:
    made = table(plan([Step(n, 0, 7 + k) for k, n in enumerate(NODES)]), NUMBERS, ROWS)
    assert (made.cursors, len(made.packed.kinds), len(made.packed.stretches)) == (1, 4, 1)


def test_nothing_to_do_is_one_entry() -> None:
    assert played(made := table(plan([]), NUMBERS, ROWS)) == []
    assert len(made.packed.order) == 1


def test_a_person_can_read_it() -> None:
    found: list[Step | Feed] = [
        Feed("x", 0, 1),
        *(Step(n, i, i + 1) for i in range(300) for n in "ab"),
        Step("d", 0, 300),
    ]
    made = table(plan(found, (("a", "b"), ("d",))), NUMBERS, ROWS)
    view = table_view(made, NUMBERS, ["stem", "head.one", "?", "tail", "camera", "other"])
    assert view["rows_type"] == "uint16_t"
    assert view["layer_type"] == "uint8_t"
    moves, stretches = view["kinds"], view["stretches"]
    assert isinstance(moves, list)
    assert isinstance(stretches, list)
    assert [m["title"] for m in moves] == [
        "other: 9 rows fed",
        "camera: 1 row fed",
        "stem: 1 row",
        "head.one: 1 row",
        "tail: 300 rows",
    ]
    assert [(s["times"], s["title"]) for s in stretches] == [
        (1, "other, camera"),
        (300, "region 0 begins: stem, head.one"),
        (1, "region 1 begins: tail"),
    ]
