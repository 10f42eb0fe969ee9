"""Flashing through the boot loader in an STM32's ROM: a session, and what can go wrong in words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from edgec.device.chips import BASE, Chip, chip_of
from edgec.device.flash import BY_PROBE, FlashOptions, Job
from edgec.device.line import Line, ResettingLine
from edgec.device.rom_loader import READ_UNPROTECT, WRITE_UNPROTECT, Lost, Refused, RomLoader, stm32loader
from edgec.device.serial_ports import open_port
from edgec.device.uart_flash import Protected, Upload, Written, Wrong
from edgec.diagnostics import Diagnostic
from edgec.options import Progress

LIMIT = 600.0
"""Seconds after which flashing is given up, on top of ten times what the image takes on a good line."""

AGAIN = "run the same command again: the boot loader is in ROM and stays"
UNCHANGED = "nothing was changed on the board"
COMPLETE = "the image is written and was compared; reset the board to start it"
INCOMPLETE = "the flash is incomplete, and the board does not start before it is written again"

NEEDED = {"read": (0x11,), "start a program": (0x21,), "write": (0x31,), "erase": (0x43, 0x44)}
"""What a boot loader must be able to do, and the commands that do it."""

MASS_ERASE = 60.0
"""Seconds that lifting the read-out protection may take."""


def flash_uart(job: Job, port: str, options: FlashOptions, shown: Progress) -> dict[str, object]:
    """Write a build's image through the boot loader at a serial port. Raises Diagnostic as `flash_build`."""
    stm32loader()
    line = (ResettingLine if options.wired else Line)(open_port(port, options.baud, "E"), options.baud)
    try:
        return flash_line(job, line, options, shown, port)
    finally:
        line.close()


def flash_line(
    job: Job, line: Line, options: FlashOptions, shown: Progress, port: str = "the line"
) -> dict[str, object]:
    """The same over a line that is open."""
    limit = options.timeout or LIMIT + 10 * line.seconds(2 * job.bytes)
    loader = RomLoader(line, limit)
    session = _Session(job, loader, options, shown, port)
    with session.errors():
        return session.run()


class _Session:
    def __init__(
        self, job: Job, loader: RomLoader, options: FlashOptions, shown: Progress, port: str
    ) -> None:
        self.job, self.loader, self.options, self.shown, self.port = job, loader, options, shown, port
        self.upload: Upload | None = None
        self.lifted = self.done = False

    def run(self) -> dict[str, object]:
        loader, shown = self.loader, self.shown
        shown.stage(f"wait for the boot loader at {self.port}")
        shown.status(self.job.target.flash.boot)
        loader.connect()
        chip = self._chip()
        version = f"{loader.version >> 4}.{loader.version & 15}"
        shown.note(f"{chip.name}, product id 0x{chip.id:03X}, boot loader version {version}")
        chip = self._open(chip)
        self._fits(chip)
        self.upload = Upload(loader, chip, self.job.segments, shown)
        try:
            written = self.upload.run()
        except Protected as stuck:
            written = self._unlock(stuck, chip)
        self.done = True
        shown.stage("start the program")
        loader.go(BASE)
        if loader.failures * 20 > loader.exchanges:
            failed = f"{loader.failures:,} of {loader.exchanges:,} commands"
            shown.warn(f"{failed} failed: the line loses or changes bytes")
        return _facts(written, loader, chip)

    # -- before anything is changed -----------------------------------------

    def _chip(self) -> Chip:
        wanted, id = self.job.target.flash.chips, self.loader.product
        if wanted and id not in wanted:
            known = chip_of(id, self.options.pages or "1x1").name
            raise Diagnostic(
                "E402",
                f"the wrong chip: the build is for {self.job.target.name}",
                where=self.port,
                facts=[
                    ("need", " or ".join(f"product id 0x{w:03X}" for w in wanted)),
                    ("have", f"product id 0x{id:03X}, {known}"),
                    ("state", UNCHANGED),
                ],
                remedies=["edgec build MODEL with the target of this board; edgec targets lists them"],
            )
        return chip_of(id, self.options.pages or self.job.target.flash.pages)

    def _open(self, chip: Chip) -> Chip:
        """See that the flash may be read, and how large it is."""
        commands = self.loader.commands
        lacking = [name for name, codes in NEEDED.items() if not set(codes) & set(commands)]
        if lacking:
            raise Refused(f"{lacking[0]}: it lists no such command")
        try:
            self.loader.read(BASE, 16)
        except Refused:
            self._lift(READ_UNPROTECT, self._read_protected())
            self.shown.warn("the read-out protection was lifted: the whole flash is erased")
            self.lifted = True
        register = chip.size_at
        if register is None or self.options.pages:
            return chip
        try:
            # Some chips give this register only as part of a whole block.
            block = self.loader.twice(lambda: self.loader.read(register & ~0xFF, chip.transfer))
        except (Refused, Lost):
            self.loader.check_time()
            return chip
        at = register & 0xFF
        size = int.from_bytes(block[at : at + 2], "little") * 1024
        return chip.of_size(size) if 0 < size <= 2 * chip.size and len(block) > at + 1 else chip

    def _fits(self, chip: Chip) -> None:
        """All of the image lies in the chip's flash, or it is an error."""
        self.job.only_internal("uart", "boot loader")
        last = max(s.address + len(s.data) for s in self.job.segments)
        if last > BASE + chip.size:
            need, have = last - BASE, chip.size
            raise Diagnostic(
                "E302",
                f"does not fit: the flash of this {chip.name}",
                where=self.port,
                facts=[
                    ("need", f"{need:,} B   image {need:,}"),
                    ("have", f"{have:,} B"),
                    ("short", f"{need - have:,} B"),
                    ("state", UNCHANGED),
                ],
                remedies=[f"edgec build MODEL --flash-budget {have // 1024}KB"],
            )

    # -- protections ----------------------------------------------------------

    def _unlock(self, stuck: Protected, chip: Chip) -> Written:
        """Lift the write protection, and write once more."""
        self._lift(WRITE_UNPROTECT, self._write_protected(stuck))
        self.shown.warn("the write protection of all pages was lifted")
        self.upload = Upload(self.loader, chip, self.job.segments, self.shown)
        return self.upload.run()

    def _lift(self, command: int, otherwise: Diagnostic) -> None:
        if not self.options.unprotect:
            raise otherwise
        if command not in self.loader.commands:
            raise Diagnostic(
                "E402",
                "this boot loader cannot lift the protection",
                where=self.port,
                facts=[("lacks", f"command 0x{command:02x}")],
                remedies=BY_PROBE,
            )
        self.shown.stage("lift the protection")
        self.loader.unprotect(command, MASS_ERASE)

    def _read_protected(self) -> Diagnostic:
        return Diagnostic(
            "E402",
            "the flash is protected from being read and written",
            where=self.port,
            facts=[("state", UNCHANGED)],
            remedies=["--unprotect lifts the protection: the chip erases its whole flash for it"],
        )

    def _write_protected(self, stuck: Protected) -> Diagnostic:
        numbers = [p.index for p in stuck.pages]
        listed = ", ".join(map(str, numbers[:8])) + (" ..." if len(numbers) > 8 else "")
        return Diagnostic(
            "E402",
            f"flash pages do not change: {listed}",
            where=self.port,
            facts=[("reason", "write protection, most likely"), ("state", self._state())],
            remedies=["--unprotect lifts the write protection of all pages", *BY_PROBE],
        )

    # -- errors -----------------------------------------------------------------

    def _state(self) -> str:
        if self.done:
            return COMPLETE
        if self.upload is not None and self.upload.changed:
            return INCOMPLETE
        return "the flash is erased" if self.lifted else UNCHANGED

    @contextmanager
    def errors(self) -> Iterator[None]:
        """What can go wrong, as Diagnostics."""
        try:
            yield
        except Protected as stuck:
            raise self._write_protected(stuck) from stuck
        except Refused as error:
            raise self._failed(f"the boot loader refuses to {error}", [], BY_PROBE) from error
        except Wrong as error:
            raise Diagnostic(
                "E501",
                f"the flash keeps something else than was written, from {error} on",
                where=self.port,
                facts=[("tried", "erased and written again and again"), ("state", self._state())],
                remedies=["a slower line: --baud 57600", "a shorter cable", *BY_PROBE],
            ) from error
        except Lost as error:
            raise self._lost(error) from error
        except OSError as error:
            raise self._failed(
                "the connection broke", [("said", str(error))], ["check the cable", AGAIN]
            ) from error
        except KeyboardInterrupt as error:
            raise self._failed("interrupted", [], [AGAIN]) from error

    def _lost(self, error: Lost) -> Diagnostic:
        loader = self.loader
        if not loader.product and not loader.exchanges:
            if not error.heard:
                return self._failed("no answer from the boot loader", [], self._wake())
            heard = error.heard[:16].hex(" ")
            return self._failed("what answers is no boot loader", [("heard", heard)], self._wake())
        facts = [("reason", str(error)), ("failed", f"{loader.failures:,} of {loader.exchanges:,} commands")]
        remedies = ["a slower line: --baud 57600", "a shorter cable, ground connected", AGAIN]
        return self._failed("the board no longer answers reliably", facts, remedies)

    def _wake(self) -> list[str]:
        how = self.job.target.flash.boot
        return [
            f"bring the board into its boot loader: {how}"
            if how
            else "BOOT0 high, then reset, starts the boot loader",
            "check the port, that TX and RX are crossed, and ground",
            "with firmware that runs there is no boot loader: reset with BOOT0 high first",
            *BY_PROBE,
        ]

    def _failed(self, title: str, facts: list[tuple[str, str]], remedies: list[str]) -> Diagnostic:
        return Diagnostic(
            "E402", title, where=self.port, facts=[*facts, ("state", self._state())], remedies=remedies
        )


def _facts(written: Written, loader: RomLoader, chip: Chip) -> dict[str, object]:
    return {
        "chip": chip.name,
        "product_id": chip.id,
        "boot_loader": f"{loader.version >> 4}.{loader.version & 15}",
        "pages": written.pages,
        "written": written.bytes,
        "sent": written.sent,
        "received": written.received,
        "seconds": round(written.seconds, 3),
        "share_of_line": round(written.bytes / written.sent, 4),
        "mended_pages": written.mended,
        "failed_commands": loader.failures,
    }
