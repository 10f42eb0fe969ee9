"""The folder that keeps what is costly to make again: compiled objects, measurements, learned weights."""

from __future__ import annotations

import os
from pathlib import Path

from edgec.diagnostics import Diagnostic


def cache_dir() -> Path:
    """What stays between builds: EDGEC_CACHE, or edgec in the user's cache folder.

    Raises Diagnostic E103 where it cannot be written.
    """
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(os.environ.get("EDGEC_CACHE") or Path(base) / "edgec")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Diagnostic(
            "E103",
            "the cache folder cannot be written",
            where=str(folder),
            facts=[("said", str(error))],
            remedies=["set EDGEC_CACHE to a folder that can be written"],
        ) from error
    return folder
