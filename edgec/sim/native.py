"""The compiled half of the simulated board (firmware/simulator), built once and loaded."""

from __future__ import annotations

import ctypes
import hashlib
import importlib
import sys
import tempfile
from ctypes import POINTER, Structure, c_int32, c_uint8, c_uint32, c_uint64, c_void_p
from functools import cache
from pathlib import Path
from typing import Any

from edgec.cache import cache_dir
from edgec.codegen.tools import zig
from edgec.diagnostics import Diagnostic
from edgec.resources import resource_dir

PAGES = 16
MPU_REGIONS = 8
STOP_NONE, STOP_IDLE, STOP_LIMIT, STOP_RESET, STOP_WATCHDOG, STOP_TICK = range(6)
UARTS = {"stm32_v2": 0, "stm32_v1": 1, "pl011": 2, "uarte": 3}

JUMPS = {None: 0, "conditional": 1, "direct": 2, "indirect": 2}
LINES, BRANCHES, MEMORIES, CODES = 2048, 256, 8, 2

Measure = ctypes.CFUNCTYPE(None, c_uint32, c_uint32)
MeasurePair = ctypes.CFUNCTYPE(c_uint32, c_uint32, c_uint32, c_uint32)
Tick = ctypes.CFUNCTYPE(None)


def unicorn() -> Any:
    """The simulator's module. Raises Diagnostic E401 where it is missing, or the compiler that the other half
    of a board needs: before anything else is begun."""
    try:
        found: Any = importlib.import_module("unicorn")
    except ImportError as error:
        raise Diagnostic(
            "E401", "missing tool: unicorn, the simulator", remedies=["python -m pip install unicorn"]
        ) from error
    zig()
    return found


class BlockCost(Structure):
    """sim_cost."""

    _fields_ = (
        ("size", c_uint32),
        ("instructions", c_uint32),
        ("cycles", c_uint32),
        ("owner", c_int32),
        ("jump", c_uint32),
        ("jump_at", c_uint32),
        ("missed", c_uint32),
        ("refill", c_uint32),
        ("from_", c_uint32),
        ("behind", c_uint32),
        ("conditional", c_uint32),
        ("executed", c_uint64),
        ("spent", c_uint64),
    )


class Code(Structure):
    """sim_code."""

    _fields_ = (("base", c_uint32), ("bytes", c_uint32), ("costs", POINTER(BlockCost)))


class Total(Structure):
    """sim_total."""

    _fields_ = (("instructions", c_uint64), ("cycles", c_uint64))


class Memory(Structure):
    """sim_memory."""

    _fields_ = (
        ("board", c_void_p),
        ("base", c_uint32),
        ("bytes", c_uint32),
        ("first", c_uint32),
        ("next", c_uint32),
        ("beat_bytes", c_uint32),
        ("beat_cycles", c_uint32),
        ("prefetch", c_uint32),
        ("follows", c_uint32),
        ("free", c_uint64),
    )


class Cache(Structure):
    """sim_cache."""

    _fields_ = (
        ("shift", c_uint32),
        ("sets", c_uint32),
        ("ways", c_uint32),
        ("recent", c_uint32),
        ("clock", c_uint64),
        ("lines", c_uint32 * LINES),
        ("used", c_uint64 * LINES),
        ("dirty", c_uint8 * LINES),
    )


class Fill(Structure):
    """sim_fill."""

    _fields_ = (
        ("memory", c_void_p),
        ("line", c_uint32),
        ("beats", c_uint32),
        ("asked", c_uint32),
        ("first", c_uint64),
    )


class Branch(Structure):
    """sim_branch."""

    _fields_ = (("at", c_uint32), ("target", c_uint32), ("taken", c_uint32))


class Timing(Structure):
    """sim_timing."""

    _fields_ = (
        ("on", c_uint32),
        ("paired", c_uint32),
        ("miss", c_uint32),
        ("unaligned", c_uint32),
        ("branches", c_uint32),
        ("memories", c_uint32),
        ("turn", c_uint32),
        ("before_at", c_uint32),
        ("ahead", c_uint32),
        ("here", c_uint32),
        ("ahead_time", c_uint64),
        ("now", c_uint64),
        ("before", c_void_p),
        ("running", c_void_p),
        ("pairs", c_void_p),
        ("pairs_room", c_uint64),
        ("pairs_used", c_uint64),
        ("memory", Memory * MEMORIES),
        ("branch", Branch * BRANCHES),
        ("fetched", c_void_p),
        ("arrives", c_uint64),
        ("data_fill", Fill),
        ("code_fill", Fill),
        ("data", Cache),
        ("code", Cache),
    )


class Ready(Structure):
    """sim_ready."""

    _fields_ = (
        ("address", c_uint32),
        ("bits", c_uint32),
        ("source", c_uint32),
        ("mask", c_uint32),
        ("value", c_uint32),
    )


class Dma(Structure):
    """sim_dma."""

    _fields_ = (
        ("base", c_uint32),
        ("from_", c_uint32),
        ("to", c_uint32),
        ("words", c_uint32),
        ("bytes", c_uint32),
        ("flags", c_uint32),
    )


class Board(Structure):
    """sim_board."""

    _fields_ = (
        ("engine", c_void_p),
        ("stop", c_void_p),
        ("read_register", c_void_p),
        ("write_register", c_void_p),
        ("read_memory", c_void_p),
        ("write_memory", c_void_p),
        ("measure", Measure),
        ("measure_pair", MeasurePair),
        ("tick", Tick),
        ("code", Code * CODES),
        ("totals", POINTER(Total)),
        ("owner", c_int32),
        ("executed", c_uint64),
        ("next_tick", c_uint64),
        ("limit", c_uint64),
        ("why", c_int32),
        ("uart", c_int32),
        ("uart_base", c_uint32),
        ("ram_base", c_uint32),
        ("ram_bytes", c_uint32),
        ("dma_at", c_uint32),
        ("dma_left", c_uint32),
        ("idle", c_uint32),
        ("rx", c_void_p),
        ("rx_bytes", c_uint64),
        ("rx_at", c_uint64),
        ("tx", POINTER(c_uint8)),
        ("tx_bytes", c_uint64),
        ("tx_room", c_uint64),
        ("ready", POINTER(Ready)),
        ("ready_count", c_uint32),
        ("pages", c_uint32),
        ("page_base", c_uint32 * PAGES),
        ("clock", c_uint64),
        ("cycles", c_uint64),
        ("systick", c_uint64),
        ("watchdog", c_uint64),
        ("tick_cycles", c_uint32),
        ("watchdog_base", c_uint32),
        ("mark_port", c_uint32),
        ("edges", c_uint64),
        ("busy", c_uint64),
        ("since", c_uint64),
        ("mpu_base", c_uint32 * MPU_REGIONS),
        ("mpu_control", c_uint32 * MPU_REGIONS),
        ("registers", (c_uint32 * 1024) * PAGES),
        ("dma", Dma),
        ("timing", Timing),
    )


class Page(Structure):
    """sim_page."""

    _fields_ = (("board", POINTER(Board)), ("page", c_uint32))


@cache
def library() -> ctypes.CDLL:
    """The library, compiled at the first use on a machine.

    Raises Diagnostic E401 where there is no compiler for it.
    """
    folder = resource_dir("firmware") / "simulator"
    sources = sorted(folder.glob("*.c"))
    tool = zig()
    text = b"".join(path.read_bytes() for path in sorted(folder.glob("*.[ch]")))
    key = hashlib.sha256(text + tool.version.encode() + sys.platform.encode()).hexdigest()
    suffix = {"win32": ".dll", "darwin": ".dylib"}.get(sys.platform, ".so")
    final = cache_dir() / f"simulator-{key[:16]}{suffix}"
    if not final.is_file():
        with tempfile.TemporaryDirectory(dir=final.parent) as work:
            made = Path(work) / final.name
            flags = ["-O2", "-std=c11", "-shared", "-fPIC", "-mcpu=baseline", "-fno-sanitize=undefined"]
            tool.run([*flags, *(path.name for path in sources), "-o", str(made)], cwd=folder)
            made.replace(final)
    loaded = ctypes.CDLL(str(final))
    loaded.sim_board_bytes.restype = c_uint64
    for function in (loaded.sim_free, loaded.sim_reset):
        function.argtypes = [POINTER(Board)]
        function.restype = None
    assert loaded.sim_board_bytes() == ctypes.sizeof(Board), "sim/native.py and board.h differ"
    return loaded


def address_of(name: str) -> c_void_p:
    """The address of a function of the library, for Unicorn to call."""
    return ctypes.cast(getattr(library(), name), c_void_p)
