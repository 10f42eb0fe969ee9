"""A build to the files of a package."""

from __future__ import annotations

import difflib
import json
import keyword
import re
import sys
from pathlib import Path

from edgec import __version__
from edgec.codegen.data import identifier
from edgec.codegen.render import render
from edgec.diagnostics import Diagnostic
from edgec.package.facts import THREADS, Facts
from edgec.package.formats import FORMATS, Format
from edgec.report import files
from edgec.resources import license_text
from edgec.target import load_target

MARK = "edgec.json"
"""The file by which a package of edgec is known; it has the build's facts for other programs."""
SCHEMA = "edgec.package/1"
_TOLD = ("model", "target", "input_mode", "hash", "inputs", "outputs", "sram", "flash", "macs", "cycles")
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_RELEASE = re.compile(r"(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}")
_TAKEN = {"model", "threads", "weights", "edgec", "main", "numpy", "arduino", *keyword.kwlist}
_TAKEN |= sys.stdlib_module_names
"""Names that would hide a header of the library, or a module of a Python wheel's users."""


def package_files(folder: Path, form: str, name: str = "", release: str = "1.0.0") -> dict[str, str | bytes]:
    """The files of a package, by their paths in it.

    folder: what `edgec build` wrote. form: a name of FORMATS. name: of the package; the model's without it.
    release: the package's version. Raises Diagnostic E101 for a format that does not exist or does not take
    the build, or a bad name or version, E105 for a folder that is no build.
    """
    kind = _format(form)
    report = files.load(folder)
    target = load_target(report["target"])
    if not kind.takes(target):
        raise Diagnostic(
            "E101",
            f"a build for {target.name} cannot become {kind.what}",
            where=f"--as {form}",
            facts=[("needs", kind.wants), ("have", target.description)],
            remedies=[f"edgec build MODEL --target {kind.target}, and package that"],
        )
    if not _RELEASE.fullmatch(release):
        raise Diagnostic("E101", f"not a version: {release}", where="--version", remedies=["--version 1.0.0"])
    library = _library(folder, kind)
    facts = Facts(folder, report, target, _name(name, report["model"]), release, kind.source, library)
    return _made(kind, facts)


def is_package(folder: Path) -> bool:
    """Whether a folder is a package that edgec wrote."""
    try:
        mark = json.loads((folder / MARK).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(mark, dict) and mark.get("schema") == SCHEMA


def _made(kind: Format, facts: Facts) -> dict[str, str | bytes]:
    values = {**facts.values, **kind.values}
    made: dict[str, str | bytes] = {
        "README.md": render(f"packages/{kind.name}/README.md.j2", values),
        "LICENSE": license_text(),
        MARK: _mark(kind, facts),
    }
    if kind.source:
        made |= {f"{kind.source}/{path}": text for path, text in facts.library.items()}
        made[f"{kind.source}/{facts.name}.h"] = render("packages/name.h.j2", values)
    for path, template in kind.files.items():
        if (text := render(f"packages/{kind.name}/{template}", values)).strip():
            made[path.format(name=facts.name)] = text
    return made | dict(kind.further(facts))


def _mark(kind: Format, facts: Facts) -> str:
    told = {key: facts.report[key] for key in _TOLD if key in facts.report}  # type: ignore[literal-required]
    head = {"schema": SCHEMA, "edgec": __version__, "format": kind.name, "name": facts.name}
    return json.dumps(head | {"version": facts.release} | told, indent=2, ensure_ascii=False) + "\n"


def _format(name: str) -> Format:
    if name in FORMATS:
        return FORMATS[name]
    near = difflib.get_close_matches(name, FORMATS, n=1, cutoff=0.4)
    raise Diagnostic(
        "E101",
        f"no such kind of package: {name}",
        where="--as",
        facts=[("known", ", ".join(FORMATS))],
        remedies=[f"--as {n}" for n in near],
    )


def _name(asked: str, model: str) -> str:
    """The package's name: the one asked for, or the model's as an identifier that hides nothing."""
    if not asked:
        made = re.sub("^[^a-z]+", "", identifier(model).lower()) or "model"
        return f"my_{made}" if made in _TAKEN else made
    if not _NAME.fullmatch(asked) or asked in _TAKEN:
        reason = (
            "it is taken by something else" if asked in _TAKEN else "small letters, digits and _ make a name"
        )
        raise Diagnostic(
            "E101",
            f"no name for a package: {asked}",
            where="--name",
            facts=[("reason", reason)],
            remedies=[f"--name {_name('', asked)}"],
        )
    return asked


def _library(folder: Path, kind: Format) -> dict[str, str]:
    """The library's sources; without threads where the package's users have none."""
    source = folder / "src"
    if not (source / "model.h").is_file():
        raise files.not_a_build(folder, "there is no src/model.h")
    paths = sorted(p.relative_to(source).as_posix() for p in source.rglob("*") if p.is_file())
    return {p: (source / p).read_text(encoding="utf-8") for p in paths if kind.threads or p not in THREADS}
