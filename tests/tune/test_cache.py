"""What was measured is kept: entries that are damaged, of another version, or written by several at once."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from edgec.sim.runner import Cost
from edgec.target import load_target
from edgec.tune import cache
from edgec.tune.candidates import choosable, one_layer
from tests.tune.layers import mixed

KEY = "ab" * 32


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "cache_dir", lambda: tmp_path)


@pytest.mark.parametrize("cost", [Cost(7, 9), Cost(7, None)])
def test_what_is_stored_is_loaded(cost: Cost) -> None:
    assert cache.load(KEY) is None
    cache.store(KEY, cost)
    assert cache.load(KEY) == cost
    cache.store(KEY, Cost(1, 2))
    assert cache.load(KEY) == Cost(1, 2)
    assert [p.suffix for p in cache.path_of(KEY).parent.iterdir()] == [".json"]


DAMAGES: dict[str, Callable[[str], str]] = {
    "cut off": lambda text: text[: len(text) // 2],
    "empty": lambda text: "",
    "another schema": lambda text: text.replace(cache.SCHEMA, "edgec.tune/0"),
    "another key": lambda text: text.replace(KEY, "cd" * 32),
    "no figures": lambda text: text.replace("instructions", "x"),
    "words for figures": lambda text: json.dumps({**json.loads(text), "cycles": "many"}),
    "a list": lambda text: "[]",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_entry_is_refused_and_repaired(damage: str) -> None:
    cache.store(KEY, Cost(7, 9))
    path = cache.path_of(KEY)
    path.write_text(DAMAGES[damage](path.read_text()))
    with pytest.raises(cache.Damaged):
        cache.load(KEY)
    cache.store(KEY, Cost(7, 9))
    assert cache.load(KEY) == Cost(7, 9)


def test_bytes_that_are_no_text_are_refused() -> None:
    cache.store(KEY, Cost(7, 9))
    cache.path_of(KEY).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(cache.Damaged):
        cache.load(KEY)


WRITER = """
import pathlib, sys
from edgec.sim.runner import Cost
from edgec.tune import cache
cache.cache_dir = lambda: pathlib.Path(sys.argv[2])
for k in range(300):
    cache.store(sys.argv[1], Cost(10 ** (k % 9), None if k % 2 else k))
"""


def test_readers_see_whole_entries_while_several_write(tmp_path: Path) -> None:
    cache.store(KEY, Cost(1, 0))
    command = [sys.executable, "-c", WRITER, KEY, str(tmp_path)]
    writers = [subprocess.Popen(command) for _ in range(2)]
    seen = set()
    while any(w.poll() is None for w in writers):
        seen.add(cache.load(KEY))
    assert len(seen) > 2 and None not in seen and [w.returncode for w in writers] == [0, 0]
    assert [p.suffix for p in cache.path_of(KEY).parent.iterdir()] == [".json"]


def test_a_key_depends_on_all_that_the_figure_does(monkeypatch: pytest.MonkeyPatch) -> None:
    graph, target = mixed("dsp"), load_target("stm32f446")
    layers = [one_layer(graph, node, c) for node, found in choosable(graph) for c in found]
    sources = {"a.c": "int a;"}
    assert len({cache.key_of(layer, sources, target) for layer in layers}) == len(layers)
    own = cache.key_of(layers[0], sources, target)
    assert own == cache.key_of(layers[0].copy(), dict(sources), target)
    assert cache.key_of(layers[0], {"a.c": "int b;"}, target) != own
    assert cache.key_of(layers[0], sources, load_target("stm32f746")) != own
    changed = layers[0].copy()
    value = next(x for x in changed.values.values() if x.data is not None and x.data.size > 16)
    assert value.data is not None
    value.data = value.data ^ 1
    assert cache.key_of(changed, sources, target) != own
    monkeypatch.setattr(cache, "__version__", "999")
    assert cache.key_of(layers[0], sources, target) != own
