"""The command line: parses, calls, prints. Nothing heavy is imported before a command needs it."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Annotated, Literal, NoReturn

import typer

from edgec import __version__
from edgec.diagnostics import Diagnostic
from edgec.failures import report_bug, report_failure, report_interruption

app = typer.Typer(
    name="edgec",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Compile a neural network for a board, and prove every output byte right on a simulated one.",
)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout, all else on stderr.")]
Build = Annotated[Path, typer.Argument(metavar="DIR", help="What edgec build wrote.", show_default=False)]
WHERE = "Where to run: sim, host, qemu, serial:PORT, or serial for the only port there is."


@app.callback(invoke_without_command=True)
def top(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Options of edgec itself."""
    if version or context.invoked_subcommand is None:
        print(f"edgec {__version__}" if version else context.get_help())
        raise typer.Exit


@app.command()
def build(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL", help="A .tflite, .pt2, .onnx or .keras file, or package.module:callable."
        ),
    ],
    target: Annotated[
        str,
        typer.Option(help="The board: a name that edgec targets lists, or a file of your own, board.toml."),
    ],
    budget: Annotated[
        str, typer.Option(help="All SRAM the model may use, stack included: 320KB, 65536.")
    ] = "",
    flash_budget: Annotated[
        str, typer.Option(help="Flash for code and weights: 1MB; of a program, what is loaded of its file.")
    ] = "",
    calib: Annotated[
        Path | None, typer.Option(help="Samples for quantization: an .npz, a folder of images, a .parquet.")
    ] = None,
    input: Annotated[
        Literal["whole", "stream"],
        typer.Option(help="The input is in SRAM before a run, or arrives in rows."),
    ] = "whole",
    optimize: Annotated[
        Literal["memory", "speed"] | None,
        typer.Option(
            help="memory: the smallest arena, with int8 residual streams; speed: the fewest cycles that fit, "
            "with weights copied to the SRAM that is left. "
            "[default: speed with --budget; without, the smallest arena at full precision]"
        ),
    ] = None,
    max_overhead: Annotated[
        float,
        typer.Option(
            help="How many times the model's multiply-accumulates less memory may cost: 1.3 is 30 % more."
        ),
    ] = 1.0,
    no_regions: Annotated[
        bool, typer.Option("--no-regions", help="Run every layer by itself: no row loops over several.")
    ] = False,
    pareto: Annotated[
        bool, typer.Option("--pareto", help="List and draw what less memory costs in multiply-accumulates.")
    ] = False,
    keep_dead: Annotated[
        bool,
        typer.Option("--keep-dead", help="Keep channels that are constant, equal to another or never read."),
    ] = False,
    tune: Annotated[
        bool, typer.Option("--tune", help="Choose kernels by what they take when run, which is remembered.")
    ] = False,
    tune_on: Annotated[
        str, typer.Option(help="Where --tune measures: sim, or serial:PORT for a board, flashed each time.")
    ] = "sim",
    jobs: Annotated[
        int | None, typer.Option(help="With --tune, measurements at a time. [default: one a core]")
    ] = None,
    rank: Annotated[
        float | None,
        typer.Option(
            help="Store layers as two of this part of their rank where that is smaller: 0.40 to 0.95."
        ),
    ] = None,
    weights: Annotated[
        str,
        typer.Option(
            help="How weights are stored: int8, int4, int4/32, codebook2 to 6, codebook4/64; "
            "with +huffman behind, as int8+huffman, in codes of unequal lengths."
        ),
    ] = "int8",
    rounding: Annotated[
        Literal["nearest", "learned"] | None,
        typer.Option(help="How weights are rounded: nearest, or learned. [default: learned below 8 bits]"),
    ] = None,
    max_drop: Annotated[
        float | None,
        typer.Option(help="Where flash is short, weights in fewer bits for so many points of top-1 at most."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Output directory. [default: MODEL-TARGET]")] = None,
    no_verify: Annotated[
        bool, typer.Option("--no-verify", help="Do not run the image after building it.")
    ] = False,
    json: Json = False,
) -> None:
    """Compile MODEL for a board, run it there simulated, compare every byte."""
    from edgec import output_dir
    from edgec.console import progress, show
    from edgec.options import BuildOptions
    from edgec.report import files, table
    from edgec.report.pareto import trade_offs
    from edgec.report.precision import frontier
    from edgec.sizes import parse_size
    from edgec.target import load_target

    board = load_target(target)
    sizes = {
        "budget": parse_size(budget, "--budget", board.sram_bytes) if budget else None,
        "flash_budget": parse_size(flash_budget, "--flash-budget", board.flash_bytes)
        if flash_budget
        else None,
    }
    place = out or output_dir.default_name(model, board.name)
    with progress() as shown, output_dir.fresh(place) as work:
        options = BuildOptions(
            model,
            target,
            work,
            calib=calib,
            input_mode=input,
            optimize=optimize,
            regions=not no_regions,
            max_overhead=max_overhead,
            pareto=pareto,
            keep_dead=keep_dead,
            tune=tune,
            tune_on=tune_on,
            jobs=jobs,
            rank=rank,
            weights=weights,
            rounding=rounding,
            max_drop=max_drop,
            verify=not no_verify,
            **sizes,
        )
        from edgec.build import build as compile_model

        report = compile_model(options, shown)
    if json:
        sys.stdout.write((place / files.NAME).read_text(encoding="utf-8"))
    show(table.closing(report) + frontier(report) + trade_offs(report), sys.stderr if json else sys.stdout)
    if not json:
        print(f"\nwrote {place}")


@app.command()
def run(
    folder: Build,
    input: Annotated[Path, typer.Option(help="x.npy with a leading batch axis; several inputs: x.npz.")],
    on: Annotated[str, typer.Option(help=WHERE)] = "sim",
    output: Annotated[
        Path | None, typer.Option(help="Where the raw integer outputs go: y.npy or y.npz.")
    ] = None,
    threads: Annotated[
        int, typer.Option(min=1, help="Share the rows of each layer out among so many threads.")
    ] = 1,
    json: Json = False,
) -> None:
    """Run a build on inputs, and keep its outputs."""
    from edgec.commands import run_build

    run_build(folder, on, input, output, json, threads)


@app.command()
def eval(
    folder: Build,
    data: Annotated[str, typer.Option(help="Samples as for build's --calib, with labels.")],
    on: Annotated[str, typer.Option(help=WHERE)] = "host",
    samples: Annotated[int | None, typer.Option(min=1, help="[default: all on host, else 100]")] = None,
    model: Annotated[str, typer.Option(help="The float model. [default: the one that was built]")] = "",
    no_float: Annotated[bool, typer.Option("--no-float", help="Do not run the float model.")] = False,
    output: Annotated[str, typer.Option(help="Which output has the classes, of several.")] = "",
    sensitivity: Annotated[bool, typer.Option("--sensitivity", help="Layers that int8 harms.")] = False,
    out: Annotated[Path | None, typer.Option(help="Draw the confusion matrix: picture.svg.")] = None,
    json: Json = False,
) -> None:
    """Say how often a build is right, how often it agrees with the float model, and what it mistakes."""
    from edgec.evaluate import EvalOptions, evaluate_build

    options = EvalOptions(folder, data, on, samples, output, model, not no_float, out, sensitivity)
    if not evaluate_build(options, json):
        raise SystemExit(130)


@app.command()
def profile(
    folder: Build,
    on: Annotated[
        str | None, typer.Option(help="Measure again there; without it, the build's own figures.")
    ] = None,
    json: Json = False,
) -> None:
    """Show instructions, cycles and bytes of every layer."""
    from edgec.commands import profile_build

    profile_build(folder, on, json)


@app.command()
def test(folder: Build, on: Annotated[str, typer.Option(help=WHERE)] = "host") -> None:
    """Run the tests that came with a build: every row of every layer, then the whole model."""
    from edgec.commands import test_build

    test_build(folder, on)


@app.command()
def package(
    folder: Build,
    form: Annotated[
        str,
        typer.Option("--as", help="cmake, zephyr, platformio, arduino, esp-idf, cubeide or wheel."),
    ],
    out: Annotated[
        Path | None, typer.Option(help="Output directory. [default: the build's name and the kind]")
    ] = None,
    name: Annotated[str, typer.Option(help="The package's name. [default: the model's]")] = "",
    version: Annotated[str, typer.Option(help="The package's version.")] = "1.0.0",
) -> None:
    """Make a build a package for another project's build system."""
    from edgec import output_dir
    from edgec.package import is_package, package_files

    made = package_files(folder, form, name, version)
    place = out or Path(f"{folder.resolve().name}-{form}")
    with output_dir.fresh(place, is_package) as work:
        output_dir.write_files(work, made)
    print(f"wrote {place}")


@app.command()
def flash(
    folder: Build,
    port: Annotated[
        str, typer.Option(metavar="PORT", help="ST's boot loader: /dev/ttyUSB0, COM3; for file, the drive.")
    ] = "",
    probe: Annotated[
        str, typer.Option(metavar="ID", help="The debug probe, by its id or a part of it.")
    ] = "",
    method: Annotated[
        str,
        typer.Option(help="uart, swd, dfu, openocd or file. [default: by the target and what is connected]"),
    ] = "",
    baud: Annotated[int, typer.Option(min=1200, help="Of the boot loader's line.")] = 115_200,
    pages: Annotated[
        str, typer.Option(help="Pages of a chip that edgec does not know: 4x16K,64K,7x128K.")
    ] = "",
    unprotect: Annotated[
        bool, typer.Option("--unprotect", help="Lift protections of the flash, which may erase all of it.")
    ] = False,
    dtr_rts: Annotated[
        bool, typer.Option("--dtr-rts", help="DTR resets the board and RTS drives BOOT0.")
    ] = False,
    timeout: Annotated[
        float | None, typer.Option(min=1, help="Seconds after which a bad line is given up.")
    ] = None,
    json: Json = False,
) -> None:
    """Write a build's firmware to a board, read it back, compare, start it."""
    from edgec.board_commands import flash_board
    from edgec.device.flash import FlashOptions

    flash_board(folder, FlashOptions(port, probe, method, baud, pages, unprotect, dtr_rts, timeout), json)


Seconds = Annotated[float | None, typer.Option(help="End after so long. [default: with Ctrl-C]")]


@app.command()
def monitor(
    port: Annotated[str, typer.Argument(metavar="PORT", show_default=False)] = "",
    baud: Annotated[int, typer.Option(min=1200)] = 115_200,
    seconds: Seconds = None,
) -> None:
    """Show what a board sends: text, frames of the firmware, the rest in hex."""
    from edgec.board_commands import monitor_port

    monitor_port(port, baud, seconds)


@app.command()
def simulate(
    folder: Build,
    bootloader: Annotated[
        bool, typer.Option("--bootloader", help="An empty board in ST's boot loader, to be flashed.")
    ] = False,
    noise: Annotated[
        str, typer.Option(help="Faults of its line, per byte: drop=0.01,flip=0.001,seed=3.")
    ] = "",
    seconds: Seconds = None,
) -> None:
    """Put a simulated board at a pseudo-terminal, and print its name: a port for flash, run and monitor."""
    from edgec.device.simulate import simulate_board

    simulate_board(folder, bootloader, noise, seconds)


@app.command()
def targets(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A board, to see its regions.", show_default=False)
    ] = "",
    json: Json = False,
) -> None:
    """List the boards, or the memory regions and features of one."""
    from edgec.show_targets import show_targets

    show_targets(name, json)


@app.command()
def doctor(json: Json = False) -> None:
    """Say what is installed, what is missing, what it is for and how to get it."""
    from edgec.doctor import examine

    raise typer.Exit(examine(json))


def main() -> NoReturn:
    """The entry point: runs a command and turns whatever happens into an exit status."""
    signal.signal(signal.SIGTERM, _terminate)
    try:
        status = app(standalone_mode=False, prog_name="edgec")
    except Diagnostic as e:
        status = report_failure(e)
    except typer.TyperException as e:
        status = report_failure(Diagnostic("E101", _usage(e), remedies=[_help()]))
    except (KeyboardInterrupt, typer.Abort):
        status = report_interruption(130)
    except BrokenPipeError:
        # The reader went away (`edgec targets | head`): nothing left to say, nor at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 1
    except Exception as e:
        status = report_bug(e)
    if status == 130:
        status = report_interruption(130)
    sys.exit(status or 0)


def _terminate(number: int, frame: object) -> NoReturn:
    raise KeyboardInterrupt


def _usage(e: typer.TyperException) -> str:
    """typer's message as one clause, without what its validator prepends."""
    return " ".join(e.format_message().split()).replace("Value error, ", "").rstrip(".")


def _help() -> str:
    """The help page nearest to the command that was typed."""
    names = [c.name or c.callback.__name__ for c in app.registered_commands if c.callback]
    command = next((a for a in sys.argv[1:] if a in names), "")
    return " ".join(filter(None, ("edgec", command, "--help")))
