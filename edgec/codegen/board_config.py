"""What the firmware is compiled for: board_config.h, and the sources of a board."""

from __future__ import annotations

from pathlib import Path

from edgec.codegen.render import render
from edgec.resources import resource_dir
from edgec.target import Target
from edgec.target_schema import ENABLE, PIN


def board_config(target: Target) -> str:
    """The header board_config.h of a board with a serial port."""
    uart = target.uart
    assert uart is not None, "only boards with a serial port have facts"
    enable = ENABLE.fullmatch(uart.enable)
    values = {
        "CLOCK_HZ": target.clock_hz,
        "BOOT": target.boot.address,
        "FLASH_WAIT_STATES": target.boot.wait_states,
        "UART": uart.address,
        "UART_BAUD": uart.baud,
        "UART_CLOCK_HZ": uart.clock_hz,
        "UART_ENABLE_OFFSET": int(enable["offset"], 16) if enable else 0,
        "UART_ENABLE_BIT": int(enable["bit"]) if enable else 0,
        "UART_FUNCTION": uart.function,
    }
    for name, pin in (("TX", uart.tx), ("RX", uart.rx)):
        values[f"{name}_PORT"], values[f"{name}_PIN"] = _pin(pin)
    values["FETCHES"] = int(target.fetches)
    values["HAS_QSPI"] = int(any(r.name == "qspi" for r in target.regions))
    values |= {name.upper(): value for name, value in target.settings}
    return render("board_config.h.j2", {"name": target.name, "numbers": values})


def _pin(name: str) -> tuple[int, int]:
    """Port, counted from 0, and number of a pin as its maker writes it."""
    found = PIN.fullmatch(name)
    assert found is not None, "checked when the file was read"
    port = found["port"]
    first = ord(port) - ord("A") if len(port) == 1 else int(port[1]) if port.startswith("P") else 0
    return first, int(found["number"])


def board_folders(target: Target) -> list[Path]:
    """The folders of a board's set-up code: its own, and those of its makers, whose names begin its own."""
    every = sorted(p for p in (resource_dir("firmware") / "boards").iterdir() if p.is_dir())
    return [p for p in every if target.board.startswith(p.name)]


def board_sources(target: Target) -> list[Path]:
    """The sources of a board of bare metal, with its serial port."""
    found = [path for folder in board_folders(target) for path in sorted(folder.glob("*.c"))]
    if target.uart is not None:
        firmware = resource_dir("firmware")
        found += [firmware / "boards" / "serial" / f"{target.uart.kind}.c", firmware / "runtime" / "halt.c"]
    return found
