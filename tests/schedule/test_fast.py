"""Which constants go to SRAM: the most read for a byte first, as long as something is gained."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edgec.ir import Graph
from edgec.schedule import Step, make_plan
from edgec.schedule.cost import byte_cycles, table_reads
from edgec.schedule.fast import Table, code_pays, fast_tables, fewer
from edgec.target import Target, load_target
from edgec.target_parts import Region
from tests.schedule.layers import Net

F746, F446 = load_target("stm32f746"), load_target("stm32f446")
DISCO = load_target("stm32f746g-disco")
TABLES = [Table("once", 1000, 1000), Table("often", 1000, 9000), Table("odd", 13, 130), Table("never", 8, 0)]


def region(target: Target, name: str) -> Region:
    return next(r for r in target.regions if r.name == name)


def names(tables: list[Table]) -> list[str]:
    return [t.symbol for t in tables]


def test_memories_by_what_a_byte_costs() -> None:
    cost = {r.name: byte_cycles(DISCO, r) for r in DISCO.regions}
    assert cost["qspi"] > 4 > 1 > cost["flash"] > cost["sram1"] > cost["dtcm"] == 0
    assert cost["flash"] == (12 + 7) / 32 and cost["sram1"] == (12 + 1) / 32
    assert cost["qspi"] == (12 + 16 + 7 * 15) / 32
    assert byte_cycles(F446, F446.boot) == 5 / 16
    assert byte_cycles(F446, F446.sram_regions[0]) == 0
    bare = replace(F446, dcache=None)
    assert byte_cycles(bare, bare.boot) == 5 / 4


@pytest.mark.parametrize("target", [F746, F446, DISCO], ids=lambda t: t.name)
def test_the_most_read_come_first(target: Target) -> None:
    home = target.weight_regions[-1]
    # 10, 9 and 1 reads for a byte; what is never read stays where it is.
    assert names(fast_tables(TABLES, target, home, 100, 100_000)) == ["odd", "often", "once"]


def test_what_does_not_fit_is_skipped() -> None:
    # 104 bytes are taken, then 16 and 1000 are.
    for limit, found in [
        (2120, ["odd", "often", "once"]),
        (2119, ["odd", "often"]),
        (1119, ["odd"]),
        (119, []),
        (0, []),
    ]:
        assert names(fast_tables(TABLES, F746, F746.boot, 99, limit)) == found


def test_nothing_moves_where_nothing_is_gained() -> None:
    qemu = load_target("mps2-an500")
    assert fast_tables(TABLES, qemu, qemu.boot, 0, 100_000) == []
    # SRAM1 as slow as flash: only what lies mostly in DTCM, which is the first 64 KB.
    slow = replace(region(F746, "sram1"), next_states=9)
    target = replace(F746, regions=tuple(slow if r.name == "sram1" else r for r in F746.regions))
    assert names(fast_tables(TABLES, target, F746.boot, 64 * 1024, 200_000)) == []
    assert names(fast_tables(TABLES, target, F746.boot, 64 * 1024 - 520, 200_000)) == ["odd", "often"]


def test_code_that_pays() -> None:
    # A byte of code waits 0.59 cycles for flash, a call takes 6 more.
    assert code_pays(F746, 1000, 98) and not code_pays(F746, 1000, 99)
    assert not code_pays(F446, 1000, 1)


def test_fewer() -> None:
    tables = [Table("a", 100, 9), Table("b", 100, 2), Table("c", 10, 1)]
    assert names(fewer(tables, 1)) == ["a", "b"] and names(fewer(tables, 16)) == ["a", "b"]
    assert names(fewer(tables, 17)) == ["a"] and fewer(tables, 999) == []


def small(features: frozenset[str]) -> Graph:
    """A convolution of 8 x 6 pixels, and a linear layer for one vector."""
    n = Net("small", 0)
    x = n.conv(n.input(8, 6, 4), 8)
    graph = n.integer(n.linear(n.flat(x), 4))
    graph.features = features
    return graph


@pytest.mark.parametrize(("features", "together"), [(frozenset[str](), 1), (frozenset({"dsp"}), 2)])
def test_reads_of_tables(features: frozenset[str], together: int) -> None:
    graph = small(features)
    plan = make_plan(graph)
    conv, linear = (n.name for n in graph if n.op in ("conv2d", "linear"))
    steps = sum(isinstance(s, Step) and s.node == conv for s in plan.steps)

    def read(node: str, cache: int) -> list[int]:
        return [n for (name, _), n in table_reads(graph, plan, cache).items() if name == node]

    sizes = [n // steps for n in read(conv, 4096)]
    assert sum(sizes) >= 8 * 36 + 8 * 4
    assert read(conv, 0) == read(conv, sum(sizes) - 1) == [n * 48 // together for n in sizes]
    assert read(conv, sum(sizes)) == [n * steps for n in sizes]
    assert read(linear, 0) == read(linear, 4096) and sum(read(linear, 0)) >= 4 * 8
