"""edgec targets: the boards, or one board's memory regions and features."""

from __future__ import annotations

import json
from dataclasses import asdict

from edgec.target import FEATURES, Target, load_target, targets
from edgec.target_parts import Region


def show_targets(name: str, as_json: bool) -> None:
    """Print all boards, or one with its regions. Raises Diagnostic E102 for an unknown name."""
    chosen = [load_target(n) for n in ([name] if name else targets())]
    if as_json:
        entries = [{**asdict(t), "sram": t.sram_bytes, "flash": t.flash_bytes} for t in chosen]
        print(json.dumps(entries[0] if name else entries, indent=2))
    elif name:
        print("\n".join(_detail(chosen[0])))
    else:
        print("\n".join(_table(chosen)))


def _table(chosen: list[Target]) -> list[str]:
    """All boards, by core; smaller cores come first, as in FEATURES."""
    lines = [f"  {'target':<22} {'clock':>8} {'SRAM':>8} {'flash':>8}  board"]
    for cpu in sorted(FEATURES, key=lambda c: c == "host"):
        rows = [_row(t) for t in chosen if t.cpu == cpu]
        lines += ["", cpu, *rows] if rows else []
    return lines


def _row(t: Target) -> str:
    clock = f"{t.clock_hz / 1e6:.0f} MHz" if t.clock_hz else "-"
    sizes = f"{_size(t.sram_bytes):>8} {_size(t.flash_bytes):>8}"
    return f"  {t.name:<22} {clock:>8} {sizes}  {t.description.partition(': ')[0]}"


def _detail(t: Target) -> list[str]:
    lines = [f"{t.name}: {t.description}", ""]
    lines.append(f"  core      {t.cpu}" + (f", {t.clock_hz / 1e6:.0f} MHz" if t.clock_hz else ""))
    lines.append(f"  budgets   SRAM {_size(t.sram_bytes)}, flash {_size(t.flash_bytes)}")
    lines.append(f"  runs on   {', '.join(_runners(t))}")
    if t.regions:
        lines += ["", f"  {'region':<10} {'address':<12} {'size':>8}  {'access':<6} {'waits':>5}  holds"]
        lines += [f"  {_region(r)}" for r in t.regions]
    return lines


def _region(r: Region) -> str:
    holds = ", ".join(r.holds) or "nothing yet"
    return f"{r.name:<10} 0x{r.address:08x}   {_size(r.size):>8}  {r.access:<6} {r.wait_states:>5}  {holds}"


def _runners(t: Target) -> list[str]:
    """Where `edgec run --on` can run a build for this target."""
    if t.is_mcu:
        return ["sim", "host", *(["qemu"] if t.qemu else [])]
    return ["host", "qemu"] if t.kind == "linux" else ["host"]


def _size(size: int | None) -> str:
    if size is None:
        return "any"
    return f"{size // 1024**2} MB" if size % 1024**2 == 0 else f"{size // 1024} KB"
