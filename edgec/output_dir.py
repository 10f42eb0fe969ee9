"""The output directory: made beside its place, moved there whole, or not at all."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from edgec.diagnostics import Diagnostic
from edgec.report.files import is_build


def default_name(model: str, target: str) -> Path:
    """`<model stem>-<target>` in the current directory; for module:callable the last two names."""
    if ":" in model and not Path(model).exists():
        module, _, attribute = model.partition(":")
        return Path(f"{module.rpartition('.')[2]}_{attribute}-{target}")
    return Path(f"{Path(model).resolve().stem}-{target}")


def check(out: Path, replaces: Callable[[Path], bool] = is_build) -> None:
    """Raise Diagnostic E103 where nothing can be put at `out`: what is there must be what it replaces."""
    if out.is_symlink():
        raise _refused(out, "it is a symbolic link", [f"--out {out.resolve()}"])
    if out.exists() and not (out.is_dir() and replaces(out)):
        if is_build(out):
            raise _refused(out, "it exists and is a build", ["--out with another name"])
        what = "a directory that edgec did not write" if out.is_dir() else "a file"
        raise _refused(out, f"it exists and is {what}", ["--out with another name", f"rm -r {out}"])


@contextmanager
def fresh(out: Path, replaces: Callable[[Path], bool] = is_build) -> Iterator[Path]:
    """An empty directory that becomes `out` if the block succeeds and vanishes if not.

    What `replaces` knows at `out`, an earlier build, is replaced, and untouched where the block fails. Raises
    Diagnostic E103 where `out` cannot be written.
    """
    check(out, replaces)
    made: list[Path] = []
    work: Path | None = None
    try:
        try:
            made = _make_parents(out.parent)
            work = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
            work.chmod(0o755)
        except OSError as e:
            raise _refused(out, _reason(e), ["--out with a directory that you may write"]) from e
        yield work
        try:
            _move(work, out)
        except OSError as e:
            raise _refused(out, _reason(e), ["--out with another name"]) from e
    except BaseException:
        with _uninterrupted():
            if work is not None:
                shutil.rmtree(work, ignore_errors=True)
            for folder in reversed(made):
                if folder.is_dir() and not any(folder.iterdir()):
                    folder.rmdir()
        raise


def write_files(folder: Path, contents: Mapping[str, str | bytes]) -> None:
    """Write files below a folder, making the folders they need."""
    for name, content in contents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def _make_parents(folder: Path) -> list[Path]:
    """Create a folder with its parents; returns those that did not exist, outermost first."""
    missing = []
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    for new in reversed(missing):
        new.mkdir()
    return missing[::-1]


def _move(work: Path, out: Path) -> None:
    with _uninterrupted():
        if not out.exists():
            work.rename(out)
            return
        old = Path(tempfile.mkdtemp(prefix=f".{out.name}.old.", dir=out.parent))
        out.rename(old)  # onto an empty directory, which POSIX replaces
        try:
            work.rename(out)
        except OSError:
            old.rename(out)
            raise
        shutil.rmtree(old, ignore_errors=True)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Ctrl-C waits: a second one must not leave half of a clean-up."""
    try:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    except ValueError:  # not the main thread: no signal reaches us here
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _reason(e: OSError) -> str:
    """Why, without the name of our own temporary directory."""
    return os.strerror(e.errno).lower() if e.errno else str(e)


def _refused(out: Path, reason: str, remedies: list[str]) -> Diagnostic:
    return Diagnostic(
        "E103", f"cannot write {out}", where="--out", facts=[("reason", reason)], remedies=remedies
    )
