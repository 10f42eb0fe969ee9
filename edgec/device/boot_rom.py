"""A simulated chip with ST's boot loader in ROM: a flash of pages, and a program that speaks AN3155."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from functools import reduce
from operator import xor

from edgec.device.chips import BASE, Chip, Page

ACK, NACK, HELLO = b"\x79", b"\x1f", 0x7F

GET, VERSION, ID, READ, GO, WRITE = 0x00, 0x01, 0x02, 0x11, 0x21, 0x31
ERASE, EXTENDED_ERASE = 0x43, 0x44
WRITE_PROTECT, WRITE_UNPROTECT, READ_PROTECT, READ_UNPROTECT = 0x63, 0x73, 0x82, 0x92
OPEN = (GET, VERSION, ID, READ_UNPROTECT)
"""Commands that are there with the flash protected from being read."""

COMMANDS = (GET, VERSION, ID, READ, GO, WRITE, EXTENDED_ERASE)
PROTECTION = (WRITE_PROTECT, WRITE_UNPROTECT, READ_PROTECT, READ_UNPROTECT)

_SECONDS_PER_BYTE = 8e-6
"""What an erasure takes: a second for 128 KB."""


@dataclass
class Flash:
    """The flash of a chip, and what a chip remembers without power.

    contents: from its first address on. protected: numbers of pages that take no erasure and no write.
    level: of the protection from being read: 0, 1, or 2, with which there is no boot loader.
    """

    chip: Chip
    contents: bytearray = field(init=False)
    protected: set[int] = field(default_factory=set)
    level: int = 0

    def __post_init__(self) -> None:
        self.pages = self.chip.pages
        self.contents = bytearray([self.chip.erased]) * (self.pages[-1].end - BASE)

    def holds(self, address: int, count: int) -> bool:
        """Whether an address range lies in the flash."""
        return address >= BASE and address + count <= BASE + len(self.contents)

    def read(self, address: int, count: int) -> bytes:
        """Bytes of the flash; of the register with its size; 0xA5 elsewhere."""
        if self.holds(address, count):
            return bytes(self.contents[address - BASE : address - BASE + count])
        data = bytearray(b"\xa5" * count)
        register = self.chip.size_at
        if register is not None and address <= register < address + count - 1:
            data[register - address : register - address + 2] = (self.chip.size // 1024).to_bytes(2, "little")
        return bytes(data)

    def erase(self, page: Page) -> bool:
        """Erase a page; False where it is protected."""
        if page.index in self.protected:
            return False
        at = page.address - BASE
        self.contents[at : at + page.size] = bytes([self.chip.erased]) * page.size
        return True

    def program(self, address: int, data: bytes) -> bool:
        """Program bytes as the chip's flash does; False where a part of it took them not."""
        at, unit, blank = address - BASE, self.chip.unit, bytes([self.chip.erased])
        touched = [p for p in self.pages if p.address < address + len(data) and p.end > address]
        if any(p.index in self.protected for p in touched):
            return False
        if unit == 1:
            have = self.contents[at : at + len(data)]
            now = int.from_bytes(have, "big") & int.from_bytes(data, "big")
            self.contents[at : at + len(data)] = now.to_bytes(len(data), "big")
            return True
        if address % unit:
            return False
        data += blank * (-len(data) % unit)
        fine = True
        for k in range(0, len(data), unit):
            if self.contents[at + k : at + k + unit] == blank * unit:
                self.contents[at + k : at + k + unit] = data[k : k + unit]
            else:
                fine = False
        return fine


Steps = Generator[int, bytes, None]


class BootRom:
    """The boot loader of a chip, from reset on. `feed` it what arrives; it gives what it answers, and when.

    version: of the protocol, 0x31 is 3.1. commands: those it lists, and has. tells: whether it refuses what
    a protected page does not take; many say nothing. go: is called with an address to start a program there.
    """

    def __init__(
        self,
        flash: Flash,
        *,
        version: int = 0x31,
        commands: tuple[int, ...] = COMMANDS + PROTECTION,
        tells: bool = False,
        go: Callable[[int], None] = lambda address: None,
    ) -> None:
        self.flash, self.version, self.commands, self.tells = flash, version, commands, tells
        self.running: int | None = None
        """The address of the program that was started."""
        self.deaf = False
        """Whether only a reset helps: the first byte was damaged, or there is no boot loader."""
        self._go = go
        self.reset()

    def reset(self) -> None:
        """As after power-up with BOOT0 high."""
        self.running, self.deaf, self._buffer = None, False, bytearray()
        self._answers: list[tuple[float, bytes]] = []
        self._steps = self._serve()
        self._wanted = next(self._steps)

    def feed(self, data: bytes) -> list[tuple[float, bytes]]:
        """Take bytes; gives answers, each with the seconds of work before it, until a program runs."""
        self._buffer += data
        self._answers = []
        while self.running is None and len(self._buffer) >= self._wanted:
            part, self._buffer = bytes(self._buffer[: self._wanted]), self._buffer[self._wanted :]
            self._wanted = self._steps.send(part)
        return self._answers

    def rest(self) -> bytes:
        """What came behind the command that started the program."""
        rest, self._buffer = bytes(self._buffer), bytearray()
        return rest

    # -- the program ----------------------------------------------------------

    def _say(self, data: bytes, after: float = 0.0) -> None:
        self._answers.append((after, data))

    def _serve(self) -> Steps:
        # Level 2 leaves no boot loader; one that hears another byte first has measured a wrong baud rate.
        if (yield 1)[0] != HELLO or self.flash.level == 2:
            self.deaf = True
            while True:
                yield 1
        self._say(ACK)
        actions = {
            READ: self._read,
            GO: self._start,
            WRITE: self._write,
            ERASE: self._erase,
            EXTENDED_ERASE: self._extended_erase,
            WRITE_PROTECT: self._write_protect,
        }
        while True:
            (first,) = yield 1
            (second,) = yield 1
            known = first in self.commands and (self.flash.level == 0 or first in OPEN)
            if first ^ second != 0xFF or not known:
                self._say(NACK)
                continue
            self._say(ACK)
            if first == GET:
                self._say(bytes([len(self.commands), self.version, *self.commands]) + ACK)
            elif first == VERSION:
                self._say(bytes([self.version, 0, 0]) + ACK)
            elif first == ID:
                self._say(b"\x01" + self.flash.chip.id.to_bytes(2, "big") + ACK)
            elif first in actions:
                yield from actions[first]()
            else:
                yield from self._protection(first)

    def _address(self) -> Generator[int, bytes, int | None]:
        data = yield 5
        address = int.from_bytes(data[:4], "big")
        if reduce(xor, data):
            self._say(NACK)
            return None
        return address

    def _read(self) -> Steps:
        address = yield from self._address()
        if address is None:
            return
        self._say(ACK)
        count, check = yield 2
        if count ^ check != 0xFF:
            self._say(NACK)
            return
        self._say(ACK + self.flash.read(address, count + 1))

    def _start(self) -> Steps:
        address = yield from self._address()
        if address is None:
            return
        if not self.flash.holds(address, 8):
            self._say(NACK)
            return
        self._say(ACK)
        self.running = address
        self._go(address)
        yield 1 << 31

    def _write(self) -> Steps:
        address = yield from self._address()
        if address is None:
            return
        if not self.flash.holds(address, 4):
            self._say(NACK)
            return
        self._say(ACK)
        (count,) = yield 1
        data = yield count + 2
        if count ^ reduce(xor, data) or not self.flash.holds(address, count + 1):
            self._say(NACK)
            return
        fine = self.flash.program(address, data[:-1])
        self._say(ACK if fine or not self.tells else NACK, after=0.002)

    def _erase(self) -> Steps:
        (count,) = yield 1
        if count == 0xFF:
            self._erase_pages((yield 1) == b"\0", [p.index for p in self.flash.pages])
            return
        data = yield count + 2
        self._erase_pages(count ^ reduce(xor, data) == 0, list(data[:-1]))

    def _extended_erase(self) -> Steps:
        head = yield 2
        count = int.from_bytes(head, "big")
        if count >= 0xFFF0:
            whole = (yield 1) == b"\0" and count == 0xFFFF  # the others erase one bank
            self._erase_pages(whole, [p.index for p in self.flash.pages])
            return
        data = yield 2 * (count + 1) + 1
        pages = [int.from_bytes(data[k : k + 2], "big") for k in range(0, len(data) - 1, 2)]
        self._erase_pages(reduce(xor, head + data) == 0, pages)

    def _erase_pages(self, intact: bool, numbers: list[int]) -> None:
        pages = {p.index: p for p in self.flash.pages}
        if not intact or not set(numbers) <= set(pages):
            self._say(NACK)
            return
        done = [self.flash.erase(pages[n]) for n in numbers]
        seconds = sum(pages[n].size for n in numbers) * _SECONDS_PER_BYTE
        self._say(ACK if all(done) or not self.tells else NACK, after=seconds)

    def _write_protect(self) -> Steps:
        (count,) = yield 1
        data = yield count + 2
        if count ^ reduce(xor, data):
            self._say(NACK)
            return
        self.flash.protected |= set(data[:-1])
        yield from self._restart()

    def _protection(self, command: int) -> Steps:
        """Commands of two answers and a reset."""
        if command == WRITE_UNPROTECT:
            self.flash.protected.clear()
        elif command == READ_PROTECT:
            self.flash.level = 1
        elif command == READ_UNPROTECT:
            self.flash.level = 0
            for page in self.flash.pages:
                self.flash.erase(page)
        else:
            return  # listed, and nothing that is known here
        yield from self._restart()

    def _restart(self) -> Steps:
        """The chip resets itself: it waits for the baud rate again."""
        self._say(ACK, after=0.1)
        while (yield 1)[0] != HELLO:
            pass
        self._say(ACK)
