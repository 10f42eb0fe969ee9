"""Figures against the committed ones: what got worse, what better, what is new, what is gone."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from measure import SCHEMA, Document, Figures, Row, document
from peers import ratios

TOLERANCE = 0.01
"""Of a figure; less than this is no change worth a word."""
Place = tuple[str, str, str]
"""Model, target, build."""


@dataclass
class Comparison:
    """Lines that say what changed, less being better for every figure. small: figures that moved by less than
    TOLERANCE."""

    worse: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    better: list[str] = field(default_factory=list)
    new: list[str] = field(default_factory=list)
    tools: list[str] = field(default_factory=list)
    small: int = 0
    same: int = 0

    @property
    def failed(self) -> bool:
        """Whether a figure got worse; one that disappeared did."""
        return bool(self.worse or self.gone)

    def text(self) -> str:
        """All of it, the worst first."""
        parts = (("worse", self.worse), ("gone", self.gone), ("better", self.better), ("new", self.new))
        lines = [f"{name:<7} {line}" for name, found in parts for line in found]
        counts = ", ".join(f"{len(found)} {name}" for name, found in parts)
        lines += [f"tool    {line}" for line in self.tools]
        lines.append(f"{counts}, {self.small} moved by up to {TOLERANCE:.0%}, {self.same} the same")
        return "\n".join(lines)


def compare(now: Document, before: Document, *, whole: bool) -> Comparison:
    """What changed between two documents.

    whole: `now` should have all that `before` has. Otherwise only the builds measured now are looked at.
    """
    found = Comparison()
    here, there = _by_place(now), _by_place(before)
    for place, (figures, why) in here.items():
        _one(found, place, figures, there[place][0] if place in there else {}, why)
    for place, (figures, _) in there.items():
        if whole and place not in here and figures:
            found.gone.append(f"{' '.join(place)}: not measured, {len(figures)} figures committed")
    for name, version in before["tools"].items():
        if (have := now["tools"].get(name)) != version:
            found.tools.append(f"{name} {have}, the committed figures are from {version}")
    models = {row["target"]: row["cycles_model"] for row in before["rows"] if "cycles_model" in row}
    for target, model in {r["target"]: r["cycles_model"] for r in now["rows"] if "cycles_model" in r}.items():
        if models.get(target, model) != model:
            found.tools.append(f"cycles of {target}: {model}; the committed ones: {models[target]}")
    return found


def _one(found: Comparison, place: Place, now: Figures, before: Figures, why: str) -> None:
    label = " ".join(place)
    if before and not now:
        found.gone.append(f"{label}: {why or 'no figures'}")
        return
    for name, value in now.items():
        old = before.get(name)
        if old is None:
            found.new.append(f"{label} {name}: {value:,}")
            continue
        change = f"{label} {name}: {old:,} -> {value:,}" + (f", {value / old - 1:+.1%}" if old else "")
        if value > old * (1 + TOLERANCE):
            found.worse.append(change)
        elif value < old * (1 - TOLERANCE):
            found.better.append(change)
        elif value != old:
            found.small += 1
        else:
            found.same += 1
    found.gone += [f"{label} {name}: {old:,} before" for name, old in before.items() if name not in now]


def _by_place(document: Document) -> dict[Place, tuple[Figures, str]]:
    found: dict[Place, tuple[Figures, str]] = {}
    for row in document["rows"]:
        key = (row["model"], row["target"])
        found |= {(*key, build): (figures, "") for build, figures in row["builds"].items()}
        found |= {(*key, build): ({}, why) for build, why in row.get("failed", {}).items()}
    return found


def merged(now: Document, before: Document, models: list[str]) -> Document:
    """`before` with what was measured now in the place of what it had; models: the ones to keep, in order."""
    rows: dict[tuple[str, str], Row] = {(r["model"], r["target"]): r for r in before["rows"]}
    for row in now["rows"]:
        key = (row["model"], row["target"])
        old = rows.get(key)
        builds, failed = {**old["builds"]} if old else {}, {**old.get("failed", {})} if old else {}
        for build in (*row["builds"], *row.get("failed", {})):
            builds.pop(build, None)
            failed.pop(build, None)
        new = Row(model=row["model"], target=row["target"], core=row["core"], builds={}, ratios={})
        new["builds"], new["failed"] = builds | row["builds"], failed | row.get("failed", {})
        new["ratios"] = ratios(row["model"], row["core"], new["builds"])
        if not new["failed"]:
            del new["failed"]
        model = row.get("cycles_model") or (old or row).get("cycles_model")
        if model:
            new["cycles_model"] = model
        rows[key] = new
    order = [row for name in models for (model, _), row in rows.items() if model == name]
    return document(order)


def dump(document: Document) -> str:
    """The text of a document, the same for the same figures."""
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


def load(path: Path) -> Document:
    """A document that `dump` wrote. Raises SystemExit for anything else."""
    try:
        found: Document = json.loads(path.read_text(encoding="utf-8"))
        if found["schema"] == SCHEMA:
            return found
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SystemExit(f"{path} cannot be read: {error}") from error
    raise SystemExit(f"{path} is no {SCHEMA}")
