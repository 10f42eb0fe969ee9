"""report.json: written with every build, read back by the commands that use a build."""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

from edgec.diagnostics import Diagnostic
from edgec.report.schema import SCHEMA, Report, missing_keys
from edgec.target import Target, load_target, target_file

NAME = "report.json"
TARGET = "target.toml"
"""The copy of a target file of the user's own, in its build."""


def dump(report: Report) -> str:
    """The text of report.json, the same for the same report."""
    return json.dumps(report, indent=2, ensure_ascii=False) + "\n"


def is_build(folder: Path) -> bool:
    """Whether edgec wrote this folder."""
    try:
        load(folder)
    except Diagnostic:
        return False
    return True


def load(folder: Path) -> Report:
    """The report of a build; raises Diagnostic E105 where the folder is not one."""
    path = folder / NAME
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise not_a_build(folder, "there is no report.json") from None
    except (OSError, ValueError) as e:
        raise not_a_build(folder, f"report.json cannot be read: {e}") from e
    if not isinstance(report, dict) or report.get("schema") != SCHEMA:
        raise not_a_build(folder, f"report.json is not of schema {SCHEMA}")
    if missing := missing_keys(report):
        raise not_a_build(folder, f"report.json lacks {', '.join(missing[:3])}")
    return cast(Report, report)


def target(folder: Path) -> Target:
    """The target of a build. Raises Diagnostic E105 where the folder is not one."""
    name, own = load(folder)["target"], folder / TARGET
    return target_file(own, name) if own.is_file() else load_target(name)


def not_a_build(folder: Path, reason: str) -> Diagnostic:
    """The error of a folder that a command cannot use as a build."""
    return Diagnostic(
        "E105",
        "not a build of edgec",
        where=str(folder),
        facts=[("reason", reason)],
        remedies=[f"edgec build MODEL --target T --out {folder}"],
    )
