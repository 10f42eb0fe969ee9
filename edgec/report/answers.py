"""The table of `edgec eval`."""

from __future__ import annotations

from edgec.report.evaluation import Class, Evaluation
from edgec.report.table import BAR, NAME, Line, Span
from edgec.report.words import short

_SHOWN = 6
"""Classes and confusions in the table; the JSON has all."""
_NAME = 24


def lines(e: Evaluation) -> list[Line]:
    """Accuracy, agreement with float, the classes that fare worst, and what is taken for what."""
    head = Line(((e["model"], "bold"), (" on ", ""), (e["target"], "bold"), (f", run on {e['on']}", "")))
    return [head, _data(e), *_accuracy(e), *_float(e), *_worst(e), *_confused(e), *_sensitive(e), *_ties(e)]


def _line(label: str, *spans: Span) -> Line:
    return Line(((f"  {label:<10}", "cyan"), *spans))


def _data(e: Evaluation) -> Line:
    drawn = f", drawn with seed {e['seed']}" if "seed" in e else ""
    told = f"{e['samples']:,} of {e['of']:,} samples{drawn}" if e["samples"] < e["of"] else f"all {e['of']:,}"
    line = _line("data", (f"{e['data']}: {told}", ""))
    if "planned" in e:
        text = f"  interrupted: {e['planned'] - e['samples']:,} that were asked for did not run"
        line = Line((*line.spans, (text, "yellow")))
    return line


def _bar(share: float, style: str) -> tuple[Span, Span]:
    full = min(round(share * BAR), BAR - (share < 1))
    return ("#" * full, style), ("." * (BAR - full), "dim")


def _accuracy(e: Evaluation) -> list[Line]:
    low, high = (100 * x for x in e["interval"])
    told = f"  {e['right']:,} of {e['samples']:,}; 95 % interval {low:.1f} to {high:.1f}"
    found = [_line("top-1", *_bar(e["top1"], "green"), (f" {e['top1']:8.2%}", "bold"), (told, "dim"))]
    if "top5" in e:
        found.append(_line("top-5", *_bar(e["top5"], "green"), (f" {e['top5']:8.2%}", "bold")))
    return found


def _float(e: Evaluation) -> list[Line]:
    if "float" not in e:
        return (
            [_line("float", (f"not compared: {e['float_absent']}", "yellow"))] if "float_absent" in e else []
        )
    f = e["float"]
    more = 100 * (e["top1"] - f["top1"])
    style = "green" if f["agreement"] >= 0.98 else "yellow" if f["agreement"] >= 0.95 else "red"
    told = f"  the same answer; float has top-1 {f['top1']:.2%}, here {more:+.2f} points"
    flips = f"{f['lost']:,} right in float only, {f['won']:,} right here only; float is {f['model']}"
    return [
        _line("agreement", *_bar(f["agreement"], style), (f" {f['agreement']:8.2%}", "bold"), (told, "dim")),
        _line("", (flips, "dim")),
    ]


def _worst(e: Evaluation) -> list[Line]:
    seen = [c for c in e["classes"] if "recall" in c]
    worst = [c for c in sorted(seen, key=_recall) if _recall(c) < 1][:_SHOWN]
    width = max((len(_named(c["name"])) for c in worst), default=0)
    found = []
    for k, c in enumerate(worst):
        recall, name = (f" {_recall(c):8.2%}", "bold"), (f"  {_named(c['name']):<{width}}", "")
        of = (f"  {c['right']:,} of {c['samples']:,}", "dim")
        found.append(_line("" if k else "worst", *_bar(_recall(c), "yellow"), recall, name, of))
    if (unseen := len(e["classes"]) - len(seen)) > 0:
        found.append(_line("", (f"{unseen:,} class{'es' * (unseen > 1)} without samples", "dim")))
    return found


def _named(name: str) -> str:
    """A class for a column; a number alone would be taken for a figure."""
    return f"class {name}" if name.isdecimal() else short(name, _NAME)


def _recall(c: Class) -> float:
    return c.get("recall", 1.0)


def _confused(e: Evaluation) -> list[Line]:
    shown = e["confusions"][:_SHOWN]
    width = max((len(_named(c["label"])) for c in shown), default=0)
    other = max((len(_named(c["said"])) for c in shown), default=0)
    found = []
    for k, c in enumerate(shown):
        pair = f"{_named(c['label']):<{width}} taken for {_named(c['said']):<{other}}"
        times = f"  {c['count']:>5,} time{'s' if c['count'] != 1 else ''}"
        share = f", {c['share']:.0%} of its samples"
        found.append(_line("" if k else "confused", (pair, ""), (times, "bold"), (share, "dim")))
    return found


def _sensitive(e: Evaluation) -> list[Line]:
    found = []
    shown = e.get("sensitivity", [])[:_SHOWN]
    width = max((len(short(x["name"], NAME)) for x in shown), default=0)
    for k, x in enumerate(shown):
        share = (f" {x['share']:8.2%}", "bold")
        name = f"  {short(x['name'], NAME):<{width}}"
        told = f"  {x['snr_db']:.1f} dB with its {x['weights']:,} weights alone in int8"
        label = "" if k else "sensitive"
        found.append(_line(label, *_bar(x["share"], "yellow"), share, (name, ""), (told, "dim")))
    return found


def _ties(e: Evaluation) -> list[Line]:
    if not e["ties"]:
        return []
    count = e["ties"]
    text = f"{count:,} sample{'s have' if count > 1 else ' has'} two equal largest outputs; the first counts"
    return [_line("note", (text, "dim"))]
