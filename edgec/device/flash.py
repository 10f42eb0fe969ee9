"""`edgec flash`: a build's image to a board, by the method that fits target and connection."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edgec.codegen.image import Image, Segment
from edgec.diagnostics import Diagnostic
from edgec.options import Progress
from edgec.report import files
from edgec.target import Target

METHODS = ("uart", "swd", "dfu", "openocd", "file")

BAUD = 115_200

BY_PROBE = ["--method swd or openocd, with a debug probe"]


@dataclass(frozen=True)
class FlashOptions:
    """What the user says of the way to the board; what is empty is found out.

    baud: of the boot loader's line. pages: the layout of a chip that edgec does not know. unprotect: whether
    protections of the flash may be lifted. wired: whether DTR resets the board and RTS drives BOOT0.
    timeout: seconds after which uart gives up; by the size of the image if not said.
    """

    port: str = ""
    probe: str = ""
    method: str = ""
    baud: int = BAUD
    pages: str = ""
    unprotect: bool = False
    wired: bool = False
    timeout: float | None = None


@dataclass(frozen=True)
class Job:
    """What is to be written where. segments: bytes by address."""

    folder: Path
    target: Target
    segments: tuple[Segment, ...]

    @property
    def bytes(self) -> int:
        """All that is written."""
        return sum(len(s.data) for s in self.segments)

    def only_internal(self, method: str, what: str) -> None:
        """Raise Diagnostic E101 where a part of the image lies in a memory that `what` cannot write."""
        boot = self.target.boot
        outside = [s for s in self.segments if not boot.address <= s.address < boot.end]
        if outside:
            region = self.target.region_at(outside[0].address)
            raise Diagnostic(
                "E101",
                f"a part of the image lies in {region.name if region else 'another memory'}, "
                f"which the {what} cannot write",
                where=f"--method {method}",
                facts=[("part", f"{sum(len(s.data) for s in outside):,} B at 0x{outside[0].address:08x}")],
                remedies=BY_PROBE,
            )

    @property
    def elf(self) -> Path:
        """The image with its addresses."""
        return self.folder / "firmware.elf"


def flash_build(folder: Path, options: FlashOptions, shown: Progress) -> dict[str, object]:
    """Write a build's image to a board, read it back and start it; gives what was done.

    Raises Diagnostic E101 for a build without an image or a choice that is open, E302 for a chip with too
    small a flash, E401 for a missing tool, E402 for what the board or the way to it does, E501 where the
    flash keeps something else than was written.
    """
    return flash_job(load_job(folder), options, shown)


def flash_job(job: Job, options: FlashOptions, shown: Progress) -> dict[str, object]:
    """The same for an image that is no build. Raises Diagnostic as `flash_build`."""
    from edgec.device.methods import choose

    method, place = choose(job, options)
    shown.note(f"{job.target.name}, {job.bytes:,} B, by {method}" + (f" at {place}" if place else ""))
    if method == "uart":
        from edgec.device.uart import flash_uart

        facts = flash_uart(job, place, options, shown)
    elif method == "swd":
        from edgec.device.swd import flash_swd

        facts = flash_swd(job, place, options, shown)
    elif method == "file":
        from edgec.device.drive import flash_drive

        facts = flash_drive(job, place, shown)
    else:
        from edgec.device.tools import flash_dfu, flash_openocd

        facts = (flash_dfu if method == "dfu" else flash_openocd)(job, place, shown)
    return {"method": method, "at": place, "target": job.target.name, "bytes": job.bytes, **facts}


def load_job(folder: Path) -> Job:
    """The image of a build. Raises Diagnostic E105 for what is no build, E101 for one without an image."""
    target = files.target(folder)
    if not target.is_mcu or target.is_qemu:
        raise Diagnostic(
            "E101",
            f"{target.name} is no board with a flash to write",
            where=str(folder),
            remedies=["edgec build MODEL --target stm32f746, or another of edgec targets"],
        )
    path = folder / "firmware.elf"
    try:
        image = Image.read(path)
    except Exception as error:  # pyelftools raises what it meets
        raise Diagnostic(
            "E105",
            "the build's image cannot be read",
            where=str(path),
            facts=[("reason", str(error) or type(error).__name__)],
            remedies=["build it anew"],
        ) from error
    return Job(folder, target, tuple(image.segments))
