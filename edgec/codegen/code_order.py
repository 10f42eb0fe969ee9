"""The order of functions in the image: what runs together lies together, so that the code cache holds it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from edgec.codegen.image import Image, Symbol
from edgec.codegen.stack import frame_of


def code_order(image: Image, kernels: Sequence[str]) -> list[Symbol]:
    """The kernels in their order, each followed by what it calls and by what those call, each function once.

    Of functions called at the same depth short ones come first, so that there are more of them in the cache
    or the memory that the list is for (`first_bytes`).
    """
    by_address = {f.address: f for f in reversed(image.functions)}
    found: dict[str, Symbol] = {}
    for kernel in kernels:
        level = [f for f in by_address.values() if f.name == kernel]
        while level:
            called = set[int]()
            for function in sorted(level, key=lambda f: (f.size, f.address)):
                if function.name in found:
                    continue
                found[function.name] = function
                called |= frame_of(image, function, by_address).calls
            level = [by_address[a] for a in called]
    return list(found.values())


def first_bytes(functions: Iterable[Symbol], size: int, beside: int = 0) -> list[str]:
    """The first of the functions, as many as `size` bytes hold. beside: bytes that each takes on top.

    Those within the bytes of the code cache never take each other's place in it, and what lies behind gains
    nothing.
    """
    found = list[str]()
    for function in functions:
        size -= function.size + beside
        if size < 0:
            break
        found.append(function.name)
    return found
