"""Who pays for an instruction: its layer, the library around the layers, or the firmware."""

from __future__ import annotations

from edgec.codegen.image import Image, Symbol

_FIRMWARE = ("main", "link_", "board_")
"""How the functions around an inference begin; what they call is theirs, unless it is the library's."""


def layer_slots(image: Image) -> int:
    """Slots for an image's layers; behind them come the library's slot and the firmware's."""
    return max((f.layer + 1 for f in image.functions if f.layer is not None), default=0)


def owner(function: Symbol | None, slots: int) -> int:
    """The slot that is charged from a function on; -1: the one that was before. slots: `layer_slots`."""
    if function is None:
        return -1
    if function.layer is not None:
        return function.layer
    if function.name.startswith("model_"):
        return slots
    return slots + 1 if function.name.startswith(_FIRMWARE) else -1
