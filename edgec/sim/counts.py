"""Instructions counted inside QEMU, by firmware/simulator/qemu/plugin.c."""

from __future__ import annotations

import hashlib
import mmap
import re
import struct
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from edgec.cache import cache_dir
from edgec.codegen.image import Image
from edgec.codegen.tools import zig
from edgec.resources import resource_dir
from edgec.sim.owners import layer_slots, owner
from edgec.sim.runner import Cost

_HEADER = struct.Struct("<IIIi")
_REFUSED = "Could not load plugin"
"""What a QEMU with plugins says of one that does not exist."""


class Counts:
    """The counts of one QEMU, in a file that it shares with us. `arguments`: QEMU's."""

    def __init__(self, image: Image, plugin: Path, folder: Path) -> None:
        self._slots = layer_slots(image)
        code, size = image.sections[".text"]
        base = min(code, image.sections[".vectors"][0])
        halfwords = (code + size - base) // 2
        owners = [owner(image.function_at(base + 2 * k), self._slots) for k in range(halfwords)]
        path, total = folder / "counts", self._slots + 2
        path.write_bytes(
            _HEADER.pack(base, halfwords, total, self._slots + 1)
            + bytes(8 * total)
            + struct.pack(f"<{halfwords}i", *owners)
        )
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 0)
        self.arguments = ["-plugin", f"{plugin},counts={path}"]

    def totals(self) -> list[Cost]:
        """By layer, then the library around them; the firmware is left out."""
        return [Cost(n) for n in struct.unpack_from(f"<{self._slots + 1}Q", self._map, _HEADER.size)]

    def close(self) -> None:
        """Let go of the file."""
        self._map.close()


@cache
def plugin(qemu: str) -> Path | None:
    """The plugin for a QEMU, compiled at the first use on a machine; None where that QEMU takes none.

    Raises Diagnostic E401 where there is no compiler for it.
    """
    if sys.platform == "win32":
        return None
    probe = [qemu, "-M", "none", "-display", "none", "-plugin", "/nonexistent"]
    said = subprocess.run(probe, capture_output=True, text=True, stdin=subprocess.DEVNULL).stderr
    version = subprocess.run([qemu, "--version"], capture_output=True, text=True).stdout
    major = re.search(r"version (\d+)", version)
    if _REFUSED not in said or major is None:
        return None
    # The interface's own number: what we use of it is the same in all.
    interface = 1 if int(major.group(1)) < 9 else 2
    source, tool = resource_dir("firmware") / "simulator" / "qemu" / "plugin.c", zig()
    key = source.read_bytes() + f"{tool.version} {sys.platform} {interface}".encode()
    final = cache_dir() / f"plugin-{hashlib.sha256(key).hexdigest()[:16]}.so"
    if not final.is_file():
        with tempfile.TemporaryDirectory(dir=final.parent) as work:
            made = Path(work) / final.name
            flags = ["-O2", "-std=c11", "-D_GNU_SOURCE", "-shared", "-fPIC", "-mcpu=baseline"]
            flags += ["-fno-sanitize=undefined", f"-DPLUGIN_VERSION={interface}"]
            flags += ["-Wl,-undefined,dynamic_lookup"] if sys.platform == "darwin" else []
            tool.run([*flags, source.name, "-o", str(made)], cwd=source.parent)
            made.replace(final)
    return final
