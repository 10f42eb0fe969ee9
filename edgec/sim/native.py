"""The compiled half of the simulated board (firmware/simulator/board.c), built once and loaded."""

from __future__ import annotations

import ctypes
import hashlib
import sys
import tempfile
from ctypes import POINTER, Structure, c_int32, c_uint8, c_uint32, c_uint64, c_void_p
from functools import cache
from pathlib import Path

from edgec.codegen.tools import cache_dir, zig
from edgec.resources import resource_dir

PAGES = 16
STOP_NONE, STOP_IDLE, STOP_LIMIT = 0, 1, 2
UARTS = {"stm32f7": 0, "stm32f4": 1}

Measure = ctypes.CFUNCTYPE(None, c_uint32, c_uint32)
Tick = ctypes.CFUNCTYPE(None)


class BlockCost(Structure):
    """sim_cost."""

    _fields_ = (
        ("size", c_uint32),
        ("instructions", c_uint32),
        ("cycles", c_uint32),
        ("owner", c_int32),
        ("count", c_uint64),
    )


class Total(Structure):
    """sim_total."""

    _fields_ = (("instructions", c_uint64), ("cycles", c_uint64))


class Ready(Structure):
    """sim_ready."""

    _fields_ = (("address", c_uint32), ("source", c_uint32), ("mask", c_uint32), ("shift", c_uint32))


class Board(Structure):
    """sim_board."""

    _fields_ = (
        ("engine", c_void_p),
        ("stop", c_void_p),
        ("measure", Measure),
        ("tick", Tick),
        ("code_base", c_uint32),
        ("code_bytes", c_uint32),
        ("costs", POINTER(BlockCost)),
        ("totals", POINTER(Total)),
        ("owner", c_int32),
        ("next", c_uint32),
        ("taken_cycles", c_uint32),
        ("executed", c_uint64),
        ("next_tick", c_uint64),
        ("limit", c_uint64),
        ("why", c_int32),
        ("uart", c_int32),
        ("uart_base", c_uint32),
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
        ("registers", (c_uint32 * 1024) * PAGES),
    )


class Page(Structure):
    """sim_page."""

    _fields_ = (("board", POINTER(Board)), ("page", c_uint32))


@cache
def library() -> ctypes.CDLL:
    """The library, compiled at the first use on a machine.

    Raises Diagnostic E401 where there is no compiler for it.
    """
    source = resource_dir("firmware") / "simulator" / "board.c"
    tool = zig()
    key = hashlib.sha256(source.read_bytes() + tool.version.encode() + sys.platform.encode()).hexdigest()
    suffix = {"win32": ".dll", "darwin": ".dylib"}.get(sys.platform, ".so")
    final = cache_dir() / f"simulator-{key[:16]}{suffix}"
    if not final.is_file():
        with tempfile.TemporaryDirectory(dir=final.parent) as work:
            made = Path(work) / final.name
            flags = ["-O2", "-std=c11", "-shared", "-fPIC", "-mcpu=baseline", "-fno-sanitize=undefined"]
            tool.run([*flags, source.name, "-o", str(made)], cwd=source.parent)
            made.replace(final)
    loaded = ctypes.CDLL(str(final))
    loaded.sim_board_bytes.restype = c_uint64
    loaded.sim_free_tx.argtypes = [POINTER(Board)]
    loaded.sim_free_tx.restype = None
    assert loaded.sim_board_bytes() == ctypes.sizeof(Board), "sim/native.py and board.c differ"
    return loaded


def address_of(name: str) -> c_void_p:
    """The address of a function of the library, for Unicorn to call."""
    return ctypes.cast(getattr(library(), name), c_void_p)
