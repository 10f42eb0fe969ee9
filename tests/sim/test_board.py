"""The simulated board: bytes, counts, marks, and faults with names."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from edgec.codegen.toolchain import build_firmware
from edgec.diagnostics import Diagnostic
from edgec.sim.board import SimRunner
from edgec.sim.protocol import Frame
from edgec.sim.runner import Block
from edgec.target import load_target

from . import fake

BOARDS = ["stm32f746", "stm32f746g-disco", "stm32f446"]


@pytest.mark.parametrize("board", BOARDS)
def test_every_output_byte(board: str) -> None:
    xs = fake.inputs(5)
    with SimRunner(fake.firmware(board).elf, load_target(board)) as runner:
        assert runner.identify().hash == "0123456789abcdef"
        results = runner.run(xs)
    assert [r.outputs for r in results] == [fake.answer(x) for x in xs]


@pytest.mark.parametrize("board", BOARDS)
def test_marks_agree_with_the_plan_and_the_bound(board: str) -> None:
    firmware = fake.firmware(board)
    with SimRunner(firmware.elf, load_target(board)) as runner:
        result = runner.run(fake.inputs(3))[0]
    assert result.arena_used == fake.ARENA_USED
    assert result.stack_used is not None
    assert 0.8 * firmware.stack_bound <= result.stack_used <= firmware.stack_bound == firmware.sizes.stack


@pytest.mark.parametrize("board", ["stm32f746", "stm32f446"])
def test_instruction_count_is_exact(board: str) -> None:
    """Against Unicorn's own hook, called for every instruction."""
    import unicorn

    firmware = fake.firmware(board)
    functions = {f.name: f for f in firmware.image.functions}
    with SimRunner(firmware.elf, load_target(board)) as runner:
        runner.run(fake.inputs(1))
        seen: list[int] = []

        def step(_uc: object, address: int, _size: int, _data: object) -> None:
            seen.append(address)

        runner.machine.uc.hook_add(unicorn.UC_HOOK_CODE, step)
        runner.machine.uc.ctl_flush_tb()  # blocks translated before would not call it
        result = runner.run(fake.inputs(1))[0]
    main, model = functions["main"], functions["model_run"]
    starts = [k for k, a in enumerate(seen) if a == model.address]
    ends = [k for k, a in enumerate(seen) if k > starts[0] and main.address <= a < main.address + main.size]
    assert len(starts) == 1
    assert result.instructions is not None
    # An instruction whose condition fails is fetched and counted, but the hook is not called for it.
    assert result.instructions - (ends[0] - starts[0]) in (0, 1, 2)
    assert result.per_layer is not None
    own = result.instructions - sum(c.instructions for c in result.per_layer)
    assert 0 < own < 40
    assert all(c.instructions > 40 and (c.cycles or 0) > 30 for c in result.per_layer)


def test_counts_repeat_and_add_up() -> None:
    with SimRunner(fake.firmware("stm32f746").elf, load_target("stm32f746")) as runner:
        runner.run(fake.inputs(2))
        a, b = (runner.run([bytes(1000)])[0] for _ in range(2))
        assert (a.instructions, a.cycles, a.per_layer) == (b.instructions, b.cycles, b.per_layer)
        kernel = runner.functions()["kernel_scale"]
        layer = runner.functions()["model_layer_000_stem_scale"]
    assert a.per_layer is not None
    assert kernel.instructions + layer.instructions == 4 * a.per_layer[0].instructions


def test_cycles_of_the_first_inference_of_a_batch() -> None:
    """Following memory makes a run several times slower; the others are counted in instructions."""
    with SimRunner(fake.firmware("stm32f446").elf, load_target("stm32f446")) as runner:
        a, b = runner.run([bytes(1000)] * 2)
    assert a.cycles is not None and a.cycles > 10_000 and a.per_layer is not None
    assert sum(c.cycles or 0 for c in a.per_layer) < a.cycles
    assert (b.instructions, b.cycles) == (a.instructions, None)
    assert b.per_layer is not None and {c.cycles for c in b.per_layer} == {None}


def test_step_by_step() -> None:
    x = fake.inputs(1)[0]
    with SimRunner(fake.firmware("stm32f746").elf, load_target("stm32f746")) as runner:
        runner.write(0, x[:900])
        assert runner.step(restart=True) == Block(0, 0, 500)
        half = np.frombuffer(runner.read(2000, 500), np.int8)
        assert np.array_equal(half, fake.scaled(x)[:500])
        assert runner.step(restart=True) == Block(0, 0, 500)
        rest = [runner.step(restart=False) for _ in range(4)]
        assert rest == [Block(0, 500, 900), Block(1, 0, 10), Block(2, 0, 10), None]
        with pytest.raises(Diagnostic, match="E501") as raised:
            runner.read(3990, 11)
        assert "beyond what there is" in raised.value.render()
        with pytest.raises(Diagnostic, match="E501"):
            runner.write(3990, bytes(11))


def test_damaged_frames_are_refused_and_skipped() -> None:
    with SimRunner(fake.firmware("stm32f746").elf, load_target("stm32f746")) as runner:
        good = Frame("D", 9, bytes(1000)).encode()
        damaged = bytearray(good)
        damaged[500] ^= 1
        assert runner._transfer(good, 9) == Frame("e", 9, argument=6)
        runner.identify()
        assert runner._transfer(bytes(damaged), 9) == Frame("e", 9, argument=1)
        assert runner._transfer(Frame("D", 9, bytes(1001)).encode(), 9) == Frame("e", 9, argument=4)
        assert runner._transfer(Frame("R", 9, b"1").encode(), 9) == Frame("e", 9, argument=2)
        assert runner._transfer(Frame("Q", 9).encode(), 9) == Frame("e", 9, argument=3)
        assert runner._transfer(b"\xec\x00noise\xec" + good, 9).type == "d"


JUMP = '__asm volatile("ldr lr, =0x30000001\\nbx lr\\n.ltorg" ::: "lr")'

FAULTS = {
    "far": (
        "*(volatile uint8_t *)0x60000000u = 1",
        ["write of 1 B at 0x60000000, where nothing is", fake.LAYERS[1]],
    ),
    "behind": (
        "(void)*(volatile uint32_t *)0x20050004u",
        ["read of 4 B at 0x20050004, 4 B behind the end of sram2", fake.LAYERS[1]],
    ),
    "flash": ("*(volatile uint8_t *)0x08000000u = 1", ["write of 1 B at 0x08000000, in flash, which is rx"]),
    "undefined": ('__asm volatile("udf #0")', [fake.LAYERS[1], "at "]),
    "jump": (JUMP, ["fetch of an instruction", "0x30000000", fake.LAYERS[1]]),
    "hang": ("for (volatile int i = 0; i < 1;) { }", ["no end after 1,000,000 instructions", fake.LAYERS[1]]),
}


@pytest.mark.parametrize("name", FAULTS)
def test_fault_names_address_access_function_and_layer(name: str, tmp_path: Path) -> None:
    statement, said = FAULTS[name]
    source = fake.variant(tmp_path / "model", f"do {{ (void)(arena); {statement}; }} while (0)")
    board = load_target("stm32f746")
    elf = build_firmware(source, board, stack_bytes=1024).elf
    with SimRunner(elf, board, limit=1_000_000) as runner, pytest.raises(Diagnostic) as raised:
        runner.run(fake.inputs(1))
    assert raised.value.code == "E501"
    text = raised.value.render()
    for part in [*said, "layer 1"]:
        assert part in text
    if name != "jump":
        assert "model_layer_001_body_copy + 0x" in text


def test_stack_overflow_leaves_the_memory() -> None:
    board = load_target("stm32f746")
    bound = fake.firmware("stm32f746").stack_bound
    elf = build_firmware(fake.MODEL, board, stack_bytes=bound - 64).elf
    with SimRunner(elf, board) as runner, pytest.raises(Diagnostic) as raised:
        runner.run(fake.inputs(1))
    text = raised.value.render()
    assert "layer 2: model_layer_002_head_sum" in text
    assert "below itcm" not in text
    assert "write" in text and "overflow: the stack ends at 0x20000000" in text


def test_nothing_but_the_boards_memories_is_mapped() -> None:
    target = load_target("stm32f446")
    with SimRunner(fake.firmware("stm32f446").elf, target) as runner:
        mapped = sorted((begin, end + 1) for begin, end, _ in runner.machine.uc.mem_regions())
    memories = [(r.address, r.end) for r in target.regions]
    peripherals = [m for m in mapped if m not in memories]
    assert [m for m in mapped if m in memories] == sorted(memories)
    assert all(end - begin == 4096 and begin >= 0x4000_0000 for begin, end in peripherals)


def test_code_is_translated_once() -> None:
    """Unicorn once took every store for a change of code, which is correct and four times slower."""
    import unicorn

    with SimRunner(fake.firmware("stm32f746").elf, load_target("stm32f746")) as runner:
        runner.run(fake.inputs(2))
        again: list[int] = []
        finish = runner._measure(timed=False)
        runner.machine.uc.hook_add(
            unicorn.UC_HOOK_EDGE_GENERATED, lambda _uc, cur, _prev, _data: again.append(cur.pc)
        )
        for x in fake.inputs(20):
            runner.send_inputs(x)
            runner.exchange("R")
        finish()
    assert again == []


def test_control_c_is_heard_while_the_board_runs(tmp_path: Path) -> None:
    source = fake.variant(tmp_path / "model", "for (volatile int i = 0; i < 1;) { }")
    board = load_target("stm32f746")
    elf = build_firmware(source, board, stack_bytes=1024).elf
    with SimRunner(elf, board) as runner:
        timer = threading.Timer(0.5, signal.raise_signal, [signal.SIGINT])
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            runner.run(fake.inputs(1))


def test_missing_simulator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "unicorn", None)
    with pytest.raises(Diagnostic) as raised:
        SimRunner(fake.firmware("stm32f746").elf, load_target("stm32f746"))
    assert raised.value.code == "E401"
    assert "pip install unicorn" in raised.value.render()
