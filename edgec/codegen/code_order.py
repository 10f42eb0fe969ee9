"""The order of functions in the image: what runs together lies together, so that the code cache holds it."""

from __future__ import annotations

from collections.abc import Sequence

from edgec.codegen.image import Image
from edgec.codegen.stack import frame_of


def code_order(image: Image, kernels: Sequence[str], size: int) -> list[str]:
    """The kernels in their order, each followed by what it calls and by what those call, each function once.

    size: bytes of the code cache, where the list ends: functions within as many bytes never take each other's
    place in it, and what lies behind gains nothing. Of functions called at the same depth short ones come
    first, so that there are more of them.
    """
    by_address = {f.address: f for f in reversed(image.functions)}
    found: dict[str, None] = {}
    for kernel in kernels:
        level = [f for f in by_address.values() if f.name == kernel]
        while level:
            called = set[int]()
            for function in sorted(level, key=lambda f: (f.size, f.address)):
                if function.name in found:
                    continue
                size -= function.size
                if size < 0:
                    return list(found)
                found[function.name] = None
                called |= frame_of(image, function, by_address).calls
            level = [by_address[a] for a in called]
    return list(found)
