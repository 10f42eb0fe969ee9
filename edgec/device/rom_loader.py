"""The boot loader in an STM32's ROM (ST AN3155): stm32loader speaks it, this copes with bad lines.

The loader waits for ever for bytes that were lost, and takes what is left over for the next command. So
after anything unexpected it is fed bytes that mean nothing until it refuses them, and must then answer Get
as it did before. No command is tried again before that.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr
from typing import Any, TypeVar

from edgec.device.line import Line, Silence
from edgec.diagnostics import Diagnostic

T = TypeVar("T")

ACK, NACK, HELLO = 0x79, 0x1F, 0x7F
EXTENDED_ERASE, WRITE_UNPROTECT, READ_UNPROTECT = 0x44, 0x73, 0x92
FILLER = 0xF0
"""A byte that means nothing: no command, no command's complement, no checksum of a string of itself."""

TRIES = 10
"""How often one command is tried."""

SHORTEST, LONGEST = 0.02, 2.0
"""Bounds of the seconds to wait for an answer."""

CALM = 0.25
"""The least while nothing is wrong with the line: a busy computer answers late, too."""

QUIET = 0.01
"""Seconds without a byte, at least, after which a line is taken to be silent."""

MOST_ERASED = 0xFE
"""The highest page number of the erase command that is not extended."""

MOST_FILLER = 2 * 0x10000 + 16
"""The longest command: an erasure of 65,536 pages."""

LONGEST_WRITE = 512
"""More than the longest command but for an erasure."""

HELLOS = (0, 0, 0, 8, LONGEST_WRITE, 0, 0, *[MOST_FILLER // 4] * 5, 0, 0)
"""How many bytes more are sent in each try to meet the loader."""

PATIENCE = 1.0
"""Seconds to wait for an answer before it is known how fast the board is."""

_ROUNDS = 24


class Refused(Exception):
    """The boot loader says no, again and again, to a command that reached it whole."""


class Lost(Exception):
    """No command gets through. heard: what came instead."""

    def __init__(self, text: str, heard: bytes = b"") -> None:
        super().__init__(text)
        self.heard = heard


class RomLoader:
    """A session with a boot loader. Call `connect` first.

    line: opened with even parity. limit: seconds by the line's clock after which every command raises Lost.
    version, commands, product: what it says of itself. failures, exchanges: commands gone wrong, and all.
    Methods raise Refused, Lost, and OSError where the port is gone; Diagnostic E401 without stm32loader.
    """

    def __init__(self, line: Line, limit: float = 600.0) -> None:
        library = stm32loader()
        self.line = line
        self._rom = library.Stm32Bootloader(line, verbosity=0)
        self._wrong: tuple[type[Exception], ...] = (library.CommandError, Silence, LookupError, TypeError)
        self._end = line.clock() + limit
        self.version = self.product = 0
        self.commands = b""
        self.exchanges = self.failures = 0
        self._reply = b""
        self._refusals: dict[str, int] = {}
        self._slowest_write, self._writes = 0.0, 0

    # -- getting and keeping in touch ---------------------------------------

    def connect(self) -> None:
        """Wake the loader, or find it awake; learn version, commands and product id."""
        self._hello()
        self._reply = self.twice(self._get)
        self.version, self.commands = self._reply[2], self._reply[3:-1]
        self._rom.extended_erase = EXTENDED_ERASE in self.commands
        self.product = self.twice(self._rom.get_id)
        if self.failures:
            self._try_the_line()

    def _hello(self) -> None:
        """Send 0x7F until ACK or NACK comes; many of them in the end, for what an interrupted command lacks.

        Nothing else may be sent to a loader that has not yet measured the baud rate.
        """
        heard = b""
        self.line.timeout = PATIENCE / 2
        for burst in HELLOS:
            self.check_time()
            self.line.drain(SHORTEST)
            self.line.write(bytes([HELLO]) * burst)
            self.line.listen()
            try:
                with redirect_stderr(io.StringIO()):
                    self._rom.reset_from_system_memory()
            except self._wrong:
                pass  # what was heard decides
            self.line.drain(SHORTEST)
            heard += self.line.heard
            if {ACK, NACK} & set(self.line.heard):
                try:
                    return self._recover(LONGEST_WRITE)
                except Lost:
                    continue
        raise Lost("no answer" if not heard else "what answers is no boot loader", heard)

    def _get(self) -> bytes:
        """The whole answer to Get."""
        self.line.listen()
        self._rom.get()
        reply = self.line.heard
        if len(reply) < 4 or len(reply) != reply[1] + 4:
            raise Silence("another length than the answer says")
        return reply

    def twice(self, action: Callable[[], T]) -> T:
        """What comes twice: answers have no checksum."""
        seen: list[T] = []
        while len(seen) < 3 * TRIES:
            value = self._attempt("identify", action)
            if value in seen:
                return value
            seen.append(value)
        raise Lost("it never says the same twice")

    def _try_the_line(self) -> None:
        """Raise Lost before anything is changed where most commands fail."""
        good = 0
        for _ in range(16):
            try:
                good += self._get() == self._reply
            except self._wrong:
                self._recover(LONGEST_WRITE)
        if good < 6:
            raise Lost(f"{16 - good} of 16 commands fail on this line")

    def _attempt(self, what: str, action: Callable[[], T], tries: int = TRIES) -> T:
        """Do something until it works, the loader brought to its senses in between."""
        reason = ""
        for _ in range(tries):
            self.check_time()
            self.line.discard()
            self.line.listen()
            self.exchanges += 1
            try:
                value = action()
            except self._wrong as error:
                reason, silent = str(error), isinstance(error, Silence)
                refused = not silent and self.line.heard[-1:] == bytes([NACK])
                self.failures += not refused
                self._refusals[what] = self._refusals.get(what, 0) + 1 if refused else 0
                self._slower(silent)
                self._recover(MOST_FILLER if what == "erase" else LONGEST_WRITE)
                # On a bad line a good command is refused, too, now and then.
                if self._refusals[what] == (8 if self.failures else 4):
                    raise Refused(what) from None
            else:
                self.failures += self._refusals.get(what, 0)
                self._refusals[what] = 0
                self._slower(False)
                return value
        raise Lost(f"{what}: {reason}")

    def _slower(self, silent: bool) -> None:
        """Wait twice as long after silence, else four times as long as the slowest answer took."""
        wait = 2 * self.line.timeout if silent else 4 * self.line.slowest
        self.line.timeout = min(max(wait, self._least()), LONGEST)

    def _least(self) -> float:
        return CALM if self.failures < 3 else SHORTEST

    def _hush(self) -> bytes:
        """What still comes."""
        return self.line.drain(min(max(4 * self.line.slowest, QUIET), LONGEST / 4))

    def _recover(self, lacking: int) -> None:
        """Feed fillers until the loader refuses them, and have it answer Get.

        lacking: the most bytes that it may wait for. Raises Lost.
        """
        filler, silent = 2, 0
        self._hush()
        for _ in range(_ROUNDS):
            self.check_time()
            self.line.listen()
            self.line.write(bytes([FILLER]) * filler)
            if not self.line.poll(self.line.timeout) + self._hush():
                silent += filler == lacking
                if silent == 3:
                    break
                filler = min(4 * filler, lacking)
                self._slower(True)
                continue
            try:
                reply = self._get()
                if not self._reply or reply == self._reply:
                    return self._slower(False)
            except self._wrong as error:
                self._slower(isinstance(error, Silence))
                self._hush()
            # A single filler may be left over as half a command: an odd number of them shifts that.
            filler = 5 - filler if filler in (2, 3) else 3
        raise Lost("it no longer answers", self.line.heard)

    def check_time(self) -> None:
        """Raise Lost where the session has taken too long."""
        if self.line.clock() > self._end:
            raise Lost("it takes too long")

    # -- commands -----------------------------------------------------------

    def limit_transfers(self, size: int) -> None:
        """The chip takes no more bytes in one command."""
        self._rom.data_transfer_size = size

    def read(self, address: int, count: int, tries: int = TRIES) -> bytes:
        """Bytes of a memory, at most a transfer. Unchecked: what comes may be wrong on a bad line."""
        return self._attempt("read", lambda: bytes(self._rom.read_memory(address, count)), tries)

    def write(self, address: int, data: bytes) -> bool:
        """Try once to program bytes, a transfer at most. False: it may be done, in part or not at all."""
        began = self.line.clock()
        wait = PATIENCE if self._writes < 4 else min(max(4 * self._slowest_write, self._least()), PATIENCE)

        def action() -> None:
            with self.line.waiting(wait):
                self._rom.write_memory(address, data)

        try:
            self._attempt("write", action, tries=1)
        except Lost:
            self.check_time()
            return False
        self._writes += 1
        self._slowest_write = max(self._slowest_write, self.line.clock() - began)
        return True

    def erase(self, pages: Sequence[int], seconds: float) -> bool:
        """Try to erase pages by their numbers, once, which may take so many seconds. False: see write."""
        if not self._rom.extended_erase and max(pages) > MOST_ERASED:
            raise Refused(f"erase page {max(pages)}: its command knows pages up to {MOST_ERASED}")

        def action() -> None:
            with self.line.waiting(seconds), redirect_stderr(io.StringIO()):
                self._rom.erase_memory(list(pages))

        try:
            self._attempt("erase", action, tries=1)
        except Lost:
            self.check_time()
            return False
        return True

    def go(self, address: int) -> None:
        """Start the program whose vector table is there."""
        try:
            self._attempt("go", lambda: self._rom.go(address), tries=3)
        except Lost:
            # It answers no more: only the answer was lost, and the program runs.
            return

    def unprotect(self, command: int, seconds: float) -> None:
        """Lift a protection (0x73 writing, 0x92 reading, which erases all), and meet the loader anew."""

        def action() -> None:
            self._rom.command(command, "unprotect")
            with self.line.waiting(seconds):
                self.line.read(1)

        self._attempt("unprotect", action, tries=1)
        self.line.drain(SHORTEST)
        self._hello()


def stm32loader() -> Any:
    """The library. Raises Diagnostic E401 where it is not installed."""
    try:
        from stm32loader import bootloader
    except ImportError as error:
        raise Diagnostic(
            "E401",
            "missing tool: stm32loader, for the boot loader of STM32 chips at a serial port",
            remedies=["pip install 'edgec[flash]'", "--method swd, with a debug probe"],
        ) from error
    return bootloader
