"""CONTRIBUTING.md does what it says: its files are written into a copy, its commands run."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
SECTIONS = re.findall(r"^## (Add .*?)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
CARRIED = ("edgec", "firmware", "templates", "targets", "tests", "pyproject.toml")


def copy_of_the_project(folder: Path) -> Path:
    for name in CARRIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder)
    return folder


def commands_on_path(folder: Path) -> Path:
    """`python` and `edgec` as in an environment where the copy is installed."""
    folder.mkdir()
    for name, code in (("python", '"$@"'), ("edgec", "-c 'from edgec.cli import main; main()' \"$@\"")):
        (folder / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {code}\n')
        (folder / name).chmod(0o755)
    return folder


def test_the_page_has_its_sections() -> None:
    assert [title for title, _ in SECTIONS] == ["Add an op", "Add a target", "Add a pass"]


@pytest.mark.parametrize(("title", "text"), SECTIONS, ids=[title for title, _ in SECTIONS])
def test_section(title: str, text: str, tmp_path: Path) -> None:
    project = copy_of_the_project(tmp_path / "project")
    path = f"{commands_on_path(tmp_path / 'bin')}{os.pathsep}{os.environ['PATH']}"
    env = {**os.environ, "PATH": path, "PYTHONPATH": str(project)}
    ran = 0
    for language, block in re.findall(r"```(\w+)\n(.*?)```", text, re.DOTALL):
        if language != "bash":
            name = re.search(r"[\w/]+\.\w+", block.splitlines()[0])
            assert name, f"the first line names no file: {block.splitlines()[0]}"
            (project / name[0]).write_text(block)
            continue
        for command in block.splitlines():
            done = subprocess.run(
                command, shell=True, cwd=project, env=env, capture_output=True, text=True, timeout=280
            )
            assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}{done.stderr[-2000:]}"
            ran += 1
    assert ran
    wrote = [p for p in project.rglob("*.py") if not (ROOT / p.relative_to(project)).exists()]
    if wrote:
        for arguments in (("check",), ("format", "--check")):
            tidy = subprocess.run(
                [sys.executable, "-m", "ruff", *arguments, *wrote],
                cwd=project,
                capture_output=True,
                text=True,
            )
            assert tidy.returncode == 0, tidy.stdout
