"""Pieces of SVG that the pictures share."""

from __future__ import annotations

import math
from html import escape


def number(value: float) -> str:
    """A coordinate, to a tenth of a unit."""
    return f"{value:.1f}".removesuffix(".0")


def rect(x: float, y: float, width: float, height: float, more: str) -> str:
    """A rectangle, never too thin to be seen. more: attributes."""
    size = f'width="{number(max(width, 0.3))}" height="{number(max(height, 0.3))}"'
    return f'<rect x="{number(x)}" y="{number(y)}" {size} {more}/>'


def text(x: float, y: float, words: str, css: str = "", anchor: str = "") -> str:
    """Words at a place; nothing where there are none. css: a class."""
    if not words:
        return ""
    more = (f' class="{css}"' if css else "") + (f' text-anchor="{anchor}"' if anchor else "")
    return f'<text x="{number(x)}" y="{number(y)}"{more}>{escape(words)}</text>'


def document(width: float, height: float, style: str, body: list[str]) -> str:
    """A picture that needs nothing beside itself, on white."""
    open_tag = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {number(width)} {number(height)}">'
    page = rect(0, 0, width, height, 'fill="#fff"')
    return "\n".join([open_tag, f"<style>{style}</style>", page, *body, "</svg>", ""])


def byte_step(size: float) -> int:
    """Of a scale of bytes: a power of two times 1 or 1.5, about as large."""
    power = 2 ** max(4, math.floor(math.log2(max(size, 16))))
    return int(min((power, power * 3 // 2, power * 2), key=lambda s: abs(s - size)))
