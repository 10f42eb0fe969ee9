"""Where the files that are not Python lie: templates, targets, firmware."""

from __future__ import annotations

from functools import cache
from pathlib import Path


@cache
def resource_dir(kind: str) -> Path:
    """The folder of a kind of resource: "templates", "targets" or "firmware".

    In a wheel they are inside the package, in a checkout beside it.
    """
    package = Path(__file__).resolve().parent
    for folder in (package / "_data" / kind, package.parent / kind):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(f"edgec is installed without its {kind}")


def license_text() -> str:
    """The licence of what edgec generates, and of edgec."""
    return (resource_dir("templates").parent / "LICENSE").read_text(encoding="utf-8")
