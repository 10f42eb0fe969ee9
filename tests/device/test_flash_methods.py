"""Ways to a board: which one is taken, and what pyOCD, dfu-util, OpenOCD and drives are asked to do."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edgec.codegen.image import Segment
from edgec.device import methods, serial_ports, swd, tools
from edgec.device.chips import BASE
from edgec.device.flash import FlashOptions, Job
from edgec.diagnostics import Diagnostic
from edgec.options import Silent
from edgec.target import load_target

from .loader import image, job

IMAGE = image(3000)
ANY = job(IMAGE)


# -- the choice -------------------------------------------------------------------


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """bare(probes=..., dfu=..., drives=..., ports=...): what is connected; nothing else is."""

    def connect(**found: list[tuple[str, str]]) -> None:
        monkeypatch.setattr(methods, "_there", lambda module: True)
        monkeypatch.setattr(methods.shutil, "which", lambda name: f"/usr/bin/{name}")
        monkeypatch.setattr(methods, "probes", lambda: found.get("probes", []))
        monkeypatch.setattr(methods, "dfu_devices", lambda usb: found.get("dfu", []))
        monkeypatch.setattr(methods, "drives", lambda names: found.get("drives", []))
        monkeypatch.setattr(methods, "ports", lambda: found.get("ports", []))

    return connect


def board() -> Job:
    return Job(Path("build"), load_target("stm32f746"), IMAGE)


def test_what_is_connected_decides(bare: Callable[..., None]) -> None:
    everything = {
        "probes": [("066AFF", "STLink")],
        "dfu": [("3485", "USB path 1-2")],
        "drives": [("/media/me/NODE_F746ZG", "NODE_F746ZG")],
        "ports": [("/dev/ttyACM0", "STLink")],
    }
    for method, key in zip(("swd", "dfu", "file", "uart"), everything, strict=True):
        bare(**everything)
        assert methods.choose(board(), FlashOptions()) == (method, everything[key][0][0])
        everything[key] = []
    bare()
    with pytest.raises(Diagnostic, match=r"E402.*no board was found") as caught:
        methods.choose(board(), FlashOptions())
    assert "uart  nothing connected" in dict(caught.value.facts)["looked"]


def test_options_decide(bare: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    bare(probes=[("066AFF", "STLink")])
    monkeypatch.setattr(methods, "one_probe", lambda name: f"{name}AFF")
    assert methods.choose(board(), FlashOptions(port="COM3")) == ("uart", "COM3")
    assert methods.choose(board(), FlashOptions(probe="066")) == ("swd", "066AFF")
    assert methods.choose(board(), FlashOptions(method="openocd", probe="066")) == ("openocd", "066")
    assert methods.choose(board(), FlashOptions(method="file", port="/media/x")) == ("file", "/media/x")
    monkeypatch.setattr(methods, "_there", lambda module: False)
    assert methods.choose(board(), FlashOptions(probe="066")) == ("openocd", "066")


@pytest.mark.parametrize(
    "options",
    [
        FlashOptions(method="jtag"),
        FlashOptions(port="COM3", probe="1"),
        FlashOptions(port="COM3", method="swd"),
        FlashOptions(probe="1", method="uart"),
    ],
)
def test_options_that_exclude_each_other(options: FlashOptions, bare: Callable[..., None]) -> None:
    bare()
    with pytest.raises(Diagnostic, match="E101"):
        methods.choose(board(), options)


def test_several(bare: Callable[..., None]) -> None:
    bare(ports=[("/dev/ttyACM0", "STLink"), ("/dev/ttyUSB0", "CP2102")])
    with pytest.raises(Diagnostic, match=r"E101.*several serial ports") as caught:
        methods.choose(board(), FlashOptions())
    assert caught.value.remedies == ("--port /dev/ttyACM0", "--port /dev/ttyUSB0")
    bare(drives=[("/media/a", "NODE_F746ZG"), ("/media/b", "NODE_F746ZG")])
    with pytest.raises(Diagnostic, match=r"E101.*several drives") as caught:
        methods.choose(board(), FlashOptions())
    assert caught.value.remedies[0] == "--method file --port /media/a"
    bare(dfu=[("1", "USB path 1-1"), ("2", "USB path 1-2")])
    with pytest.raises(Diagnostic, match=r"E101.*several devices") as caught:
        methods.choose(board(), FlashOptions())
    assert caught.value.remedies[0] == "--method dfu --probe 1"


# -- serial ports -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "platform", "title", "remedy"),
    [
        (errno.EBUSY, "linux", "in use", "fuser -v /dev/x"),
        (errno.EAGAIN, "darwin", "in use", "lsof /dev/x"),
        (errno.EBUSY, "win32", "in use", "an IDE's monitor"),
        (errno.EACCES, "linux", "may not be used", "dialout"),
        (errno.EACCES, "darwin", "may not be used", "/dev/cu."),
        (errno.EACCES, "win32", "may not be used", "close other programs"),
        (errno.ENOENT, "linux", "no such port", "--on serial:/dev/ttyACM0    STLink"),
        (errno.EIO, "linux", "cannot open", "--on serial:/dev/ttyACM0    STLink"),
    ],
)
def test_ports_that_cannot_be_used(
    number: int, platform: str, title: str, remedy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serial_ports, "ports", lambda: [("/dev/ttyACM0", "STLink")])
    monkeypatch.setattr(serial_ports, "PLATFORM", platform)
    error = serial_ports.cannot_open("/dev/x", OSError(number, "said so"), "--on serial:")
    assert error.code == "E402" and title in error.title
    assert remedy in error.remedies[0]


# -- pyOCD ------------------------------------------------------------------------


class FakePyocd:
    """What is used of pyOCD, with a board that keeps what is written."""

    class Error(RuntimeError):
        pass

    def __init__(self, damage: int | None = None, fails: str = "") -> None:
        self.memory: dict[int, int] = {}
        self.damage, self.fails = damage, fails
        self.said: list[object] = []
        self.probes = [SimpleNamespace(unique_id="066AFF", description="STLink")]

    def get_all_connected_probes(self, blocking: bool, unique_id: str | None) -> list[Any]:
        assert not blocking
        return [p for p in self.probes if not unique_id or unique_id in p.unique_id]

    def session(self, probe: Any, options: dict[str, object]) -> FakePyocd:
        self.said.append(options)
        return self

    def __enter__(self) -> FakePyocd:
        if self.fails:
            raise self.Error(self.fails)
        return self

    def __exit__(self, *exc: object) -> None:
        self.said.append("closed")

    @property
    def target(self) -> FakePyocd:
        return self

    def programmer(self, session: object, progress: Callable[[float], None], **options: object) -> FakePyocd:
        progress(0.5)
        self.said.append(options)
        return self

    def program(self, path: str) -> None:
        assert path.endswith("firmware.elf")
        for s in IMAGE:
            self.memory.update(zip(range(s.address, s.address + len(s.data)), s.data, strict=True))
        if self.damage is not None:
            self.memory[self.damage] ^= 1

    def read_memory_block8(self, address: int, size: int) -> list[int]:
        return [self.memory[address + k] for k in range(size)]

    def reset(self) -> None:
        self.said.append("reset")


@pytest.fixture
def pyocd(monkeypatch: pytest.MonkeyPatch) -> Callable[..., FakePyocd]:
    def made(**options: Any) -> FakePyocd:
        fake = FakePyocd(**options)
        monkeypatch.setattr(swd, "pyocd", lambda: (fake, fake.session, fake.programmer, FakePyocd.Error))
        return fake

    return made


def test_swd(pyocd: Callable[..., FakePyocd]) -> None:
    fake = pyocd()
    swd.flash_swd(board(), "066AFF", FlashOptions(), Silent())
    assert fake.said[0] == {
        "target_override": "stm32f746zgtx",
        "auto_unlock": False,
        "connect_mode": "under-reset",
    }
    assert fake.said[1:] == [{"chip_erase": "sector", "trust_crc": False}, "reset", "closed"]


def test_swd_reads_back(pyocd: Callable[..., FakePyocd]) -> None:
    pyocd(damage=BASE + 77)
    with pytest.raises(Diagnostic, match="E501") as caught:
        swd.flash_swd(board(), "066AFF", FlashOptions(), Silent())
    assert "0x0800004d" in dict(caught.value.facts)["first"]


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        ("Target type stm32f746zgtx not recognized.", "pyocd pack install stm32f746zgtx"),
        ("the device is locked", "--unprotect"),
        ("No ACK received", "check the probe"),
    ],
)
def test_swd_fails(said: str, remedy: str, pyocd: Callable[..., FakePyocd]) -> None:
    pyocd(fails=said)
    with pytest.raises(Diagnostic, match="E402") as caught:
        swd.flash_swd(board(), "066AFF", FlashOptions(), Silent())
    assert caught.value.remedies[0].startswith(remedy)
    assert dict(caught.value.facts)["state"] == "nothing was changed on the board"


def test_probes(pyocd: Callable[..., FakePyocd]) -> None:
    fake = pyocd()
    assert swd.one_probe() == swd.one_probe("066") == "066AFF"
    with pytest.raises(Diagnostic, match=r"E402.*no debug probe 99"):
        swd.one_probe("99")
    fake.probes.append(SimpleNamespace(unique_id="099", description="CMSIS-DAP"))
    with pytest.raises(Diagnostic, match=r"E101.*several probes"):
        swd.one_probe()


def test_the_real_pyocd_has_what_is_used() -> None:
    pytest.importorskip("pyocd")
    import inspect

    connect, session, programmer, error = swd.pyocd()
    assert {"blocking", "unique_id"} <= set(inspect.signature(connect.get_all_connected_probes).parameters)
    assert {"probe", "options"} <= set(inspect.signature(session).parameters)
    assert {"progress", "chip_erase", "trust_crc"} <= set(inspect.signature(programmer).parameters)
    assert issubclass(error, Exception)
    from pyocd.core.options import BUILTIN_OPTIONS

    assert {"target_override", "auto_unlock", "connect_mode"} <= {o.name for o in BUILTIN_OPTIONS}


# -- tools of their own -----------------------------------------------------------

DFU = """#!{python}
import sys
a = sys.argv[1:]
log = open({log!r}, "a"); log.write(" ".join(a) + "\\n"); log.close()
if "-l" in a:
    for alt in (0, 1):
        print(f'Found DFU: [0483:df11] ver=2200, devnum=9, path="1-2", alt={{alt}}, serial="3485"')
elif "-D" in a:
    if {broken}: sys.exit("dfu-util: Cannot open DFU device 0483:df11")
    open({log!r} + a[a.index("-s") + 1], "wb").write(open(a[a.index("-D") + 1], "rb").read())
elif "-U" in a:
    at, size = a[a.index("-s") + 1].split(":")[:2]
    open(a[a.index("-U") + 1], "wb").write(open({log!r} + at, "rb").read()[: int(size)])
"""

OPENOCD = """#!{python}
import sys
open({log!r}, "a").write(" ".join(sys.argv[1:]) + "\\n")
if {broken}:
    sys.exit("Error: init mode failed (unable to connect to the target)")
print("** Verified OK **", file=sys.stderr)
"""


def program(folder: Path, name: str, text: str, patch: pytest.MonkeyPatch, broken: bool = False) -> Path:
    """A stand-in for a tool on the path; gives the file that keeps what it was called with."""
    log = folder / "log"
    (folder / name).write_text(text.format(python=sys.executable, log=str(log), broken=broken))
    (folder / name).chmod(0o755)
    patch.setenv("PATH", str(folder), prepend=":")
    return log


def test_dfu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = program(tmp_path, "dfu-util", DFU, monkeypatch)
    assert tools.dfu_devices("0483:df11") == [("3485", "USB path 1-2")]
    tools.flash_dfu(board(), "3485", Silent())
    calls = log.read_text().splitlines()[2:]
    assert [c.split()[6] + c.split()[7] for c in calls[0:1]] == ["-s0x08000000"]
    assert len(calls) == 2 * len(IMAGE) + 1 and all("-d 0483:df11 -a 0 -S 3485" in c for c in calls)
    assert "-s 0x08000000:4:leave" in calls[-1]


def test_dfu_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path, "dfu-util", DFU, monkeypatch, broken=True)
    with pytest.raises(Diagnostic, match=r"E402.*dfu-util failed") as caught:
        tools.flash_dfu(board(), "", Silent())
    assert "Cannot open" in dict(caught.value.facts)["said"]


def test_openocd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = program(tmp_path, "openocd", OPENOCD, monkeypatch)
    tools.flash_openocd(board(), "066AFF", Silent())
    said = log.read_text()
    assert said.startswith(
        "-f interface/stlink.cfg -f target/stm32f7x.cfg -c adapter serial 066AFF -c program {/"
    )
    assert said.endswith("firmware.elf} verify reset exit\n")
    program(tmp_path, "openocd", OPENOCD, monkeypatch, broken=True)
    with pytest.raises(Diagnostic, match=r"E402.*openocd failed"):
        tools.flash_openocd(board(), "", Silent())


@pytest.mark.parametrize(("name", "flash"), [("dfu-util", tools.flash_dfu), ("openocd", tools.flash_openocd)])
def test_tools_that_are_missing(
    name: str, flash: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(Diagnostic, match=f"E401.*missing tool: {name}") as caught:
        flash(board(), "", Silent())
    assert caught.value.remedies[0] == f"apt install {name}"


@pytest.mark.parametrize(
    ("method", "what"), [("uart", "boot loader"), ("dfu", "boot loader"), ("file", "drive")]
)
def test_memories_that_a_method_cannot_write(method: str, what: str) -> None:
    board = load_target("stm32f746g-disco")
    inside, qspi = Segment(board.boot.address, bytes(64)), Segment(0x9000_0000, bytes(32))
    Job(Path("b"), board, (inside,)).only_internal(method, what)
    with pytest.raises(Diagnostic, match=f"lies in qspi, which the {what} cannot write") as caught:
        Job(Path("b"), board, (inside, qspi)).only_internal(method, what)
    assert caught.value.code == "E101" and caught.value.where == f"--method {method}"
