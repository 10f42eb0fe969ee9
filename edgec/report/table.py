"""The closing table: one layout, in colour on a terminal, in plain characters elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgec.ops.forms import INT8
from edgec.report.estimates import apart
from edgec.report.schema import Layer, Region, Report
from edgec.report.words import bound_words, short

if TYPE_CHECKING:
    from rich.text import Text

BAR = 24
"""Characters of a bar."""

NAME = 48
"""Characters of a layer's name; report.json has it whole."""

Span = tuple[str, str]
"""A piece of text and its rich style."""


@dataclass(frozen=True)
class Line:
    """One line of a table."""

    spans: tuple[Span, ...]

    @property
    def plain(self) -> str:
        """The text alone."""
        return "".join(text for text, _ in self.spans).rstrip()


def closing(report: Report) -> list[Line]:
    """What a build ends with: memory, work, the slowest layers, what was proved."""
    lines = [_line((report["model"], "bold"), (" on ", ""), (report["target"], "bold"))]
    lines += _memory(report) + _work(report) + _slowest(report) + _quality(report) + _checks(report)
    return lines


def profile(report: Report) -> list[Line]:
    """Every layer with its instructions, cycles, MACs, live bytes and window, by region."""
    loops = {k: r for k, r in enumerate(report.get("regions", [])) if len(r["layers"]) > 1}
    layers = report["layers"]
    names = [f"{'  ' if x['region'] in loops else ''}{_short(x)}" for x in layers]
    width = max([5, *map(len, names)])
    head = f"{'layer':<{width}}  {'op':<18} {'MACs':>12} {'instructions':>13} {'cycles':>13} {'live B':>9}"
    lines = [_line((f"{head}  {'rows kept':>13}", "bold"))]
    now = -1
    for name, layer in zip(names, layers, strict=True):
        if layer["region"] != now and (now := layer["region"]) in loops:
            lines.append(_line((f"region {now}: {_loop(loops[now])}{_arriving(loops[now])}", "cyan")))
        row = f"{name:<{width}}  {_op(layer):<18} {layer['macs']:>12,}"
        row += f" {_figure(layer.get('instructions')):>13} {_figure(layer.get('cycles')):>13}"
        lines.append(_line((f"{row} {layer['live_bytes']:>9,}", ""), (f"  {_kept(layer):>13}", "dim")))
    total = f"{'total':<{width}}  {'':<18} {report['macs']:>12,}"
    total += f" {_figure(report.get('instructions')):>13} {_figure(report.get('cycles')):>13}"
    lines.append(_line((f"{total} {report['sram']['arena']:>9,}", "bold")))
    if "cycles_model" in report:
        lines.append(_line((f"cycles: {report['cycles_model']}", "dim")))
    return lines


def _op(layer: Layer) -> str:
    """The op, and the form of its weights where that is not int8."""
    form = layer.get("weights", {"form": INT8})["form"]
    return layer["op"] if form == INT8 else f"{layer['op']} {form}"


def _kept(layer: Layer) -> str:
    """Of a result that a window holds: how many rows of how many."""
    rows, window = layer.get("rows", 0), layer.get("window", 0)
    return f"{window} of {rows}" if window < rows else ""


def _loop(region: Region) -> str:
    """What a region is, in a few words."""
    rows, windows = region["rows"], region["windows"]
    text = f"{len(region['layers'])} layers in a loop over {rows:,} row{'s' * (rows != 1)}"
    if windows:
        size = sum(w["bytes"] for w in windows)
        text += f", {len(windows)} window{'s' * (len(windows) > 1)} of {size:,} B"
    return text


def _arriving(region: Region) -> str:
    """The inputs whose rows arrive while it runs."""
    arriving = [w for w in region["windows"] if w["name"] not in region["layers"]]
    return "".join(f"; {w['name']} arrives, {w['rows']} of {w['of']} rows kept" for w in arriving)


def plain(lines: list[Line]) -> str:
    """The lines without colour, for pipes and files."""
    return "\n".join(line.plain for line in lines)


def styled(lines: list[Line]) -> Text:
    """The lines for a terminal."""
    from rich.text import Text

    return Text("\n").join(Text.assemble(*line.spans) for line in lines)


def _line(*spans: Span) -> Line:
    return Line(spans)


def _labelled(label: str, *spans: Span) -> Line:
    return Line(((f"  {label:<10}", "cyan"), *spans))


def _memory(report: Report) -> list[Line]:
    sram, flash = report["sram"], report["flash"]
    smallest = sram.get("optimal") or sram["arena"] == sram["lower_bound"]
    bound = bound_words(sram["arena"], sram["lower_bound"], bool(smallest))
    parts = [
        f"arena {sram['arena']:,} ({bound})",
        *_items(("data", sram.get("data")), ("stack", sram.get("stack")), ("window", sram.get("window"))),
        *_items(("weights", sram.get("weights")), ("code", sram.get("code"))),
    ]
    lines = [_budget("SRAM", sram["total"], sram.get("budget")), _labelled("", (" + ".join(parts), "dim"))]
    if (peak := sram.get("peak")) is not None:
        layer = short(sram.get("peak_layer", ""), NAME)
        where = f"in step {sram.get('peak_step', 0):,}, {layer}" if layer else "before the first step"
        lines.append(_labelled("", (f"most live: {peak:,} {where}", "dim")))
    lines += _regions(report)
    lines.append(_budget("flash", flash["total"], flash.get("budget")))
    text = " + ".join(_items(("weights", flash["weights"]), ("code", flash.get("code"))))
    used = [f"{name} {size:,}" for name, size in flash["regions"].items() if size]
    if len(used) > 1:
        text += "; " + ", ".join(used)
    return [*lines, _labelled("", (text, "dim")), *_forms(report)]


def _forms(report: Report) -> list[Line]:
    """How weights are stored, where some are not int8."""
    found: dict[str, list[int]] = {}
    for layer in report["layers"]:
        if (weights := layer.get("weights")) is not None:
            found.setdefault(weights["form"], []).append(weights["bytes"])
    if not set(found) - {INT8}:
        return []
    each = [f"{form} {sum(x):,} B in {len(x)} layer{'s' * (len(x) > 1)}" for form, x in sorted(found.items())]
    return [_labelled("", (", ".join(each), "dim"))]


def _regions(report: Report, count: int = 8) -> list[Line]:
    """The row loops, those that need the most memory."""
    loops = [(k, r) for k, r in enumerate(report.get("regions", [])) if len(r["layers"]) > 1]
    shown = sorted(sorted(loops, key=lambda x: -x[1]["live_bytes"])[:count], key=lambda x: x[0])
    lines = []
    for k, (index, region) in enumerate(shown):
        ends = " to ".join(short(region["layers"][at], NAME // 2) for at in (0, -1))
        text = f"  {_loop(region)}, live {region['live_bytes']:,}"
        lines.append(_labelled("" if k else "regions", (f"{index:<3}{ends}", ""), (text, "dim")))
    if len(loops) > count:
        lines.append(_labelled("", (f"and {len(loops) - count} more, in memory.txt", "dim")))
    return lines


def _items(*items: tuple[str, int | None]) -> list[str]:
    return [f"{name} {size:,}" for name, size in items if size is not None]


def _budget(label: str, used: int, budget: int | None) -> Line:
    if not budget:
        return _labelled(label, (f"{used:,} B", "bold"))
    share = used / budget
    full = min(BAR, max(1, round(share * BAR)))
    style = "green" if share <= 0.8 else "yellow" if share <= 1 else "red"
    bar = (("#" * full, style), ("." * (BAR - full), "dim"))
    return _labelled(label, *bar, (f"  {used:,} B", "bold"), (f" of {budget:,} ({share:.0%})", ""))


def _work(report: Report) -> list[Line]:
    parts = [f"{report['macs']:,} MACs"]
    if "instructions" in report:
        parts.append(f"{report['instructions']:,} instructions")
    lines = [_labelled("work", (", ".join(parts), ""))]
    estimate = report.get("cycles_estimate")
    word = "estimated as" if report.get("tuned") else "planned with"
    planned = "" if estimate is None else f"{word} {estimate:,}"
    if "cycles" in report:
        notes = "; ".join(filter(None, (planned, report.get("cycles_model", ""))))
        lines.append(_labelled("", (f"{report['cycles']:,} cycles", ""), (f"  {notes}", "dim")))
    elif "cycles_model" in report:
        lines.append(_labelled("", ("cycles", ""), (f"  {report['cycles_model']}", "dim")))
    elif planned:
        lines.append(_labelled("", (f"{estimate:,} cycles estimated", "")))
    return lines + _estimates(report) + _reads(report)


def _estimates(report: Report) -> list[Line]:
    """How far the model of the cost is from the simulated board, and what --tune did."""
    lines = []
    if (off := apart(report["layers"])) is not None:
        text = f"estimate off by {off.average:.0%} on the average"
        worst = f"worst {off.worst:.0%} in {short(off.layer, NAME)}"
        lines.append(_labelled("", (text, ""), (f"  {worst}", "dim")))
    if "tuning" in report:
        tried, changed = report["tuning"]["candidates"], report["tuning"]["changed"]
        text = f"{tried:,} candidates, {changed} layer{'s' * (changed != 1)} with another kernel for it"
        lines.append(_labelled("tuned", (text, "")))
    return lines


def _reads(report: Report) -> list[Line]:
    """How many bytes of constants are read, and how many with layers one by one."""
    reads, plain = report.get("constant_reads"), report.get("constant_reads_unstreamed")
    if reads is None or plain is None:
        return []
    told = f"{reads / plain:.2f} times those of layers one by one" if plain else "there are none"
    return [_labelled("", (f"{reads:,} B of constants read", ""), (f"  {told}", "dim"))]


def _slowest(report: Report, count: int = 5) -> list[Line]:
    timed = [layer for layer in report["layers"] if _cost(layer)]
    total = sum(_cost(layer) for layer in timed)
    timed.sort(key=lambda layer: -_cost(layer))
    width = max([0, *(len(_short(layer)) for layer in timed[:count])])
    return [
        _labelled(
            "slowest" if k == 0 else "",
            (f"{_short(layer):<{width}}", ""),
            (f"  {layer['op']:<16}", "dim"),
            (f" {_cost(layer) / total:4.0%}", ""),
        )
        for k, layer in enumerate(timed[:count])
    ]


def _short(layer: Layer) -> str:
    return short(layer["name"], NAME)


def _cost(layer: Layer) -> int:
    return layer.get("cycles", layer.get("instructions", 0))


def _quality(report: Report) -> list[Line]:
    lines = []
    if "copies" in report:
        count, size = report["copies"]["count"], report["copies"]["bytes"]
        text = f"{count} remain, {size:,} B moved" if count else "none remain"
        lines.append(_labelled("copies", (text, "")))
    if "accuracy" in report:
        accuracy = report["accuracy"]
        text = f"cosine to the float model {accuracy['cosine']:.4f}"
        if "top1_agreement" in accuracy:
            text += f", same top-1 for {accuracy['top1_agreement']:.1%}"
        lines.append(_labelled("accuracy", (f"{text} ({accuracy['samples']} samples)", "")))
        ranked = sorted((x for x in report["layers"] if "snr_db" in x), key=lambda x: x["snr_db"])
        if ranked and accuracy["cosine"] < 0.98:
            worst = ", ".join(f"{_short(layer)} {layer['snr_db']:.1f} dB" for layer in ranked[:3])
            lines.append(_labelled("", (f"lost in: {worst}", "yellow")))
    lines += [_labelled("note", (text, "dim")) for text in report.get("notes", [])]
    lines += [_labelled("warning", (text, "yellow")) for text in report.get("warnings", [])]
    return lines


def _checks(report: Report) -> list[Line]:
    if not report["checks"]:
        return [_labelled("checks", ("none run (--no-verify)", "yellow"))]
    lines = []
    for k, check in enumerate(report["checks"]):
        mark = ("pass", "green") if check["passed"] else ("FAIL", "red bold")
        label = "checks" if k == 0 else ""
        lines.append(_labelled(label, mark, (f"  {check['name']}", ""), (f"  {check['detail']}", "dim")))
    return lines


def _figure(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"
