"""Drives that a board appears as, UF2, tables of chips, and what a monitor shows."""

from __future__ import annotations

import os
import struct
from itertools import pairwise
from pathlib import Path

import pytest

from edgec.codegen.image import Segment
from edgec.device import drive
from edgec.device.boot_board import parse_noise
from edgec.device.chips import BASE, chips, parse_pages
from edgec.device.flash import Job
from edgec.device.monitor import Translator, watch
from edgec.device.serial_ports import open_port
from edgec.device.uf2 import uf2
from edgec.diagnostics import Diagnostic
from edgec.options import Silent
from edgec.sim.protocol import Frame
from edgec.target import Target, load_target
from tests.cli.invoke import edgec

from .loader import image

IMAGE = image(3000)


# -- drives -----------------------------------------------------------------------


@pytest.fixture
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(drive, "WAIT", 0.0)
    folder = tmp_path / "build"
    folder.mkdir()
    (folder / "firmware.bin").write_bytes(b"firmware")
    return folder


def test_drive(build: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "NODE_F746ZG"
    place.mkdir()
    monkeypatch.setattr(drive, "_mounted", lambda: [(place, place.name), (tmp_path, "DATA")])
    assert drive.drives(["node_f746zg"]) == [(str(place), "NODE_F746ZG")]
    facts = drive.flash_drive(Job(build, load_target("stm32f746"), IMAGE), str(place), Silent())
    assert (place / "firmware.bin").read_bytes() == b"firmware" and facts["read_back"] is False


def test_drive_fails(build: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    what = Job(build, load_target("stm32f746"), IMAGE)
    with pytest.raises(Diagnostic, match=r"E402.*could not be written"):
        drive.flash_drive(what, str(tmp_path / "gone"), Silent())
    monkeypatch.setattr(drive, "WAIT", 1.0)
    (tmp_path / "FAIL.TXT").write_text("The interface firmware FAILED to reset/halt the target MCU\n")
    with pytest.raises(Diagnostic, match=r"E402.*reports a failure") as caught:
        drive.flash_drive(what, str(tmp_path), Silent())
    assert "FAILED to reset" in dict(caught.value.facts)["said"]


def test_uf2(build: Path, tmp_path: Path) -> None:
    target = load_target("stm32f746")
    pico = Target(**{**target.__dict__, "name": "rp2040"})
    drive.flash_drive(Job(build, pico, IMAGE), str(tmp_path), Silent())
    blocks = (tmp_path / "firmware.uf2").read_bytes()
    assert len(blocks) % 512 == 0
    memory: dict[int, int] = {}
    for k in range(0, len(blocks), 512):
        magic, second, flags, address, size, number, count, family = struct.unpack_from("<8I", blocks, k)
        assert (magic, second, flags, size, family) == (0x0A324655, 0x9E5D5157, 0x2000, 256, 0xE48BFF56)
        assert number == k // 512 and count == len(blocks) // 512
        assert struct.unpack_from("<I", blocks, k + 508) == (0x0AB16F30,)
        memory.update(zip(range(address, address + 256), blocks[k + 32 : k + 288], strict=True))
    for s in IMAGE:
        assert bytes(memory[s.address + k] for k in range(len(s.data))) == s.data


def test_uf2_of_nothing() -> None:
    assert uf2([Segment(BASE, b"")], 1) == b""


# -- data -------------------------------------------------------------------------


def test_pages() -> None:
    assert parse_pages("4x16K, 64K,7x128K") == [(4, 16384), (1, 65536), (7, 131072)]
    for text in ("", "4x", "x16K", "0x16K", "16KBit", "4x16K,,", "-1"):
        with pytest.raises(Diagnostic, match="E101"):
            parse_pages(text)


def test_every_chip_has_pages_for_all_of_its_flash() -> None:
    assert len(chips()) > 60
    for chip in chips().values():
        pages = chip.pages
        assert pages[0].address == BASE and pages[-1].end - BASE >= chip.size, chip.name
        assert len({p.index for p in pages}) == len(pages)
        assert all(a.end == b.address for a, b in pairwise(pages))
        assert all(p.size % chip.unit == 0 for p in pages) and chip.transfer % chip.unit == 0


# -- monitor ----------------------------------------------------------------------


def test_monitor() -> None:
    shown = Translator()
    frame = Frame("i", 3, b"hello").encode()
    data = b"booting\r\nready" + frame + b"\x01\x02\n" + frame[:6]
    one_by_one = [line for byte in data for line in shown.feed(bytes([byte]))]
    assert one_by_one == ["booting", "ready", "[identity, 5 B, number 3]", "01 02"]
    assert list(shown.rest()) == [frame[:6].hex(" ")]
    assert list(Translator().feed(data)) == one_by_one


def test_monitor_at_a_port() -> None:
    pytest.importorskip("serial")
    pty = pytest.importorskip("pty")
    master, slave = pty.openpty()
    port = open_port(os.ttyname(slave), 115_200)
    os.write(master, b"hello\n" + Frame("f", 0, b"x").encode())
    assert list(watch(port, 0.3)) == ["hello", "[fault, 1 B, number 0]"]
    port.close()
    assert edgec("monitor", os.ttyname(slave), "--seconds", "0.01").status == 0
    os.close(master)
    os.close(slave)


def test_noise_in_words() -> None:
    data = bytes(1000)
    noisy = [b"".join(p for _, p in parse_noise("drop=0.1, flip=0.05,seed=3").pieces(data)) for _ in range(2)]
    assert noisy[0] == noisy[1] and 800 < len(noisy[0]) < 1000 and any(noisy[0])
    for text in ("drop", "drop=lots", "rust=0.1"):
        with pytest.raises(Diagnostic, match="E101"):
            parse_noise(text)
