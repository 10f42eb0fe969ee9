"""The pages: their links lead somewhere, and the commands and options they name exist."""

import re
from pathlib import Path

import pytest

from tests.cli.invoke import edgec
from tests.conftest import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
        if "://" not in link:
            assert (page.parent / link).exists(), f"{page.name} links to {link}"
    # a path in backticks is a path from the root
    for path in re.findall(r"`((?:docs|edgec|firmware|tests|targets|templates|examples)/[\w./-]+)`", text):
        if not re.search(r"[A-Z]{3}", path):  # NAME and FAMILY stand for names
            assert (ROOT / path).exists(), f"{page.name} names {path}"


def test_commands_of_the_readme() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = set(re.findall(r"^    edgec (\w+)", text, re.MULTILINE))
    known = "build run eval profile test package flash monitor simulate targets doctor"
    assert commands == set(known.split())
    for command in sorted(commands):
        shown = edgec(command, "--help").out
        for line in re.findall(rf"^    edgec {command} (.*)", text, re.MULTILINE):
            for option in re.findall(r"--[\w-]+", line):
                assert option in shown, f"edgec {command} has no {option}"
