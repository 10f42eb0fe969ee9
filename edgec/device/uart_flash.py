"""Writing an image to a chip's flash through its boot loader: erase, write, read back, mend, start."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from edgec.codegen.image import Segment
from edgec.device.chips import BASE, Chip, Page
from edgec.device.rom_loader import Lost, Refused, RomLoader
from edgec.options import Progress

BATCH = 16
"""Most pages of one erasure."""

BATCH_BYTES = 1 << 17

ERASES = 6
"""How often an erasure is tried."""

SMALLEST = 16
"""Fewest bytes of a command on a bad line."""

PATIENT = 40
"""How often a block is tried, each time with fewer bytes."""

MENDS = 20
"""How often a page is erased and written anew."""

SEEN = 3
"""How often the same must be read before it is taken for what the flash holds: answers have no checksum."""


class Protected(Exception):
    """Pages that do not change."""

    def __init__(self, pages: Sequence[Page]) -> None:
        super().__init__(", ".join(str(p.index) for p in pages))
        self.pages = tuple(pages)


class Wrong(Exception):
    """The flash holds something else than was written, again and again. Gives the address."""


@dataclass
class Sheet:
    """A page and what it shall hold, from its first byte on."""

    page: Page
    want: bytes
    mends: int = 0


@dataclass(frozen=True)
class Written:
    """What an upload did; sent, received and seconds without reading back."""

    bytes: int
    pages: int
    sent: int
    received: int
    seconds: float
    mended: int


class Upload:
    """An image on its way into a chip's flash.

    changed: whether the flash may be another than before. Raises Protected, Wrong, Refused, Lost and OSError.
    """

    def __init__(self, loader: RomLoader, chip: Chip, segments: Iterable[Segment], shown: Progress) -> None:
        self._loader, self._chip, self._shown = loader, chip, shown
        loader.limit_transfers(chip.transfer)
        self.sheets = sheets(chip, segments)
        self.changed = False
        self._smallest = max(SMALLEST, chip.unit)
        self._size, self._streak = chip.transfer, 0
        self._mended = 0

    def run(self) -> Written:
        """Erase, write and compare."""
        line, total = self._loader.line, sum(len(s.want) for s in self.sheets)
        began, sent, received = line.clock(), line.sent, line.received
        self._shown.stage(f"erase {len(self.sheets)} pages")
        self._erase(self.sheets)
        self._shown.stage(f"write {total:,} B")
        self._write(self.sheets)
        done = Written(
            total,
            len(self.sheets),
            line.sent - sent,
            line.received - received,
            line.clock() - began,
            0,
        )
        self._shown.stage("read back and compare")
        wrong = self._compare(self.sheets)
        while wrong:
            self._shown.stage(f"write {len(wrong)} pages again")
            for sheet in wrong:
                self._mend(sheet)
            wrong = self._compare(wrong)
        return Written(**{**done.__dict__, "mended": self._mended})

    # -- erasing ------------------------------------------------------------

    def _erase(self, sheets: Sequence[Sheet]) -> None:
        self.changed = True
        batches = _batches([s.page for s in sheets])
        for k, batch in enumerate(batches):
            self._shown.step(k, len(batches))
            self._erase_pages(batch)
        self._shown.step(len(batches), len(batches))

    def _erase_pages(self, pages: Sequence[Page]) -> None:
        """Erase until the first and the last of them are blank: protected ones may say yes and stay."""
        seconds = 2.0 + sum(p.size for p in pages) / 10_000
        for tried in range(ERASES):
            try:
                self._loader.erase([p.index for p in pages], seconds)
            except Refused:
                raise Protected(pages) from None
            ends = dict.fromkeys((pages[0], pages[-1]))
            stuck = [p for p in ends if not self._holds(p.address, self._blank(SMALLEST))]
            if not stuck:
                return
            if tried >= 2 and not self._loader.failures:
                raise Protected(stuck)
        raise Protected(stuck)

    # -- writing ------------------------------------------------------------

    def _write(self, sheets: Sequence[Sheet]) -> None:
        done, total = 0, sum(len(s.want) for s in sheets)
        for sheet in sheets:
            self._write_page(sheet, lambda at, done=done: self._shown.step(done + at, total))  # type: ignore[misc]
            done += len(sheet.want)
        self._shown.step(total, total)

    def _write_page(self, sheet: Sheet, step: Callable[[int], None]) -> None:
        at, tried = 0, 0
        while at < len(sheet.want):
            block = sheet.want[at : at + self._size]
            have = block if block == self._blank(len(block)) else self._put(sheet, at, block)
            if have == block:
                at, tried = at + len(block), 0
                step(at)
            elif not self._can_become(have, block):
                self._renew(sheet)
                at = 0
            else:
                tried += 1
                if tried == PATIENT:
                    raise Lost(f"{tried} writes of one block failed")

    def _put(self, sheet: Sheet, at: int, block: bytes) -> bytes:
        """Write a block once; gives what the flash holds now."""
        address = sheet.page.address + at
        try:
            fine = self._loader.write(address, block)
        except Refused:
            raise Protected([sheet.page]) from None
        self._pace(fine)
        # On a bad line an answer may be that to the command before: look.
        return block if fine and self._size == self._chip.transfer else self._seen(address, block)

    def _can_become(self, have: bytes, block: bytes) -> bool:
        if have == self._blank(len(have)):
            return True
        return self._chip.unit == 1 and all(h & b == b for h, b in zip(have, block, strict=True))

    def _renew(self, sheet: Sheet) -> None:
        """Erase a page for another try."""
        sheet.mends += 1
        self._mended += 1
        if sheet.mends > MENDS:
            raise Wrong(f"0x{sheet.page.address:08x}")
        self._erase_pages([sheet.page])

    def _mend(self, sheet: Sheet) -> None:
        self._renew(sheet)
        self._write_page(sheet, lambda at: None)

    # -- comparing ----------------------------------------------------------

    def _compare(self, sheets: Sequence[Sheet]) -> list[Sheet]:
        """Those whose page holds something else."""
        done, total = 0, sum(len(s.want) for s in sheets)
        wrong = []
        for sheet in sheets:
            at = 0
            while at < len(sheet.want):
                block = sheet.want[at : at + self._size]
                if self._seen(sheet.page.address + at, block) != block:
                    wrong.append(sheet)
                    break
                at += len(block)
                self._shown.step(done + at, total)
            done += len(sheet.want)
        return wrong

    def _holds(self, address: int, want: bytes) -> bool:
        return self._seen(address, want) == want

    def _seen(self, address: int, want: bytes) -> bytes:
        """What the flash holds there: what is wanted, or what comes again and again."""
        found = b""
        while len(found) < len(want):
            found += self._piece(address + len(found), want[len(found) : len(found) + self._size])
        return found

    def _piece(self, address: int, want: bytes) -> bytes:
        seen: list[bytes] = []
        for _ in range(PATIENT):
            part = want[: self._size]
            try:
                have = self._loader.read(address, len(part), tries=1)
            except Lost:
                self._loader.check_time()
                self._pace(False)
                continue
            seen.append(have)
            if have == part or seen.count(have) == SEEN:
                self._pace(have == part)
                return have
        raise Lost(f"{PATIENT} reads of one block failed")

    # -- both ---------------------------------------------------------------

    def _pace(self, fine: bool) -> None:
        """Half as many bytes in a command after a failure, twice as many after a while without."""
        self._streak = self._streak + 1 if fine else 0
        if not fine:
            self._size = max(self._size // 2, self._smallest)
        elif self._streak % 16 == 0:
            self._size = min(2 * self._size, self._chip.transfer)

    def _blank(self, count: int) -> bytes:
        return bytes([self._chip.erased]) * count


def sheets(chip: Chip, segments: Iterable[Segment]) -> list[Sheet]:
    """The pages that an image touches, each up to the last byte that is used, in whole units of the flash.

    Raises ValueError for bytes outside the chip's flash.
    """
    wanted: dict[Page, bytearray] = {}
    pages = chip.pages
    for segment in segments:
        if segment.address < BASE or segment.address + len(segment.data) > pages[-1].end:
            raise ValueError(f"0x{segment.address:08x} is outside the flash")
        for page in pages:
            first = max(segment.address, page.address)
            last = min(segment.address + len(segment.data), page.end)
            if first >= last:
                continue
            memory = wanted.setdefault(page, bytearray())
            short = last - page.address - len(memory)
            memory += bytes([chip.erased]) * max(0, short)
            data = segment.data[first - segment.address : last - segment.address]
            memory[first - page.address : last - page.address] = data
    unit = max(chip.unit, 4)  # the protocol writes words
    return [
        Sheet(page, bytes(memory) + bytes([chip.erased]) * (-len(memory) % unit))
        for page, memory in sorted(wanted.items(), key=lambda item: item[0].address)
    ]


def _batches(pages: Sequence[Page]) -> list[list[Page]]:
    """Pages that are erased by one command: few, and not for longer than a look at the board."""
    batches: list[list[Page]] = []
    for page in pages:
        last = batches[-1] if batches else []
        if not last or len(last) == BATCH or sum(p.size for p in last) + page.size > BATCH_BYTES:
            batches.append([page])
        else:
            last.append(page)
    return batches
