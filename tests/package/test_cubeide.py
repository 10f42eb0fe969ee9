"""The STM32CubeIDE project: its files as Eclipse reads them, and a build as they say, run on the board."""

from __future__ import annotations

import shutil
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from edgec.codegen.flags import gcc_flags
from edgec.codegen.image import Image
from edgec.codegen.stack import stack_bound
from edgec.report import files
from edgec.runners import open_runner
from edgec.sim.board import SimRunner
from edgec.target import load_target
from tests.conftest import Builder

from .conftest import IMAGE, Packager

ST = "com.st.stm32cube.ide.mcu.gnu.managedbuild."
CASES = [("stm32f446", "Debug"), ("stm32f746", "Release")]


def configurations(package: Path) -> dict[str, ET.Element]:
    root = ET.parse(package / ".cproject").getroot()
    return {c.attrib["name"]: c for c in root.iter("configuration")}


def option(configuration: ET.Element, name: str) -> ET.Element:
    (found,) = (o for o in configuration.iter("option") if o.attrib["superClass"] == ST + name)
    return found


def listed(configuration: ET.Element, name: str) -> list[str]:
    return [v.attrib["value"] for v in option(configuration, name).iter("listOptionValue")]


def test_the_files_are_eclipses(packaged: Packager) -> None:
    package = packaged("cubeide", IMAGE, "stm32f746")
    about = ET.parse(package / ".project").getroot()
    assert about.tag == "projectDescription" and about.findtext("name") == "image"
    natures = {n.text for n in about.iter("nature")}
    assert {"org.eclipse.cdt.core.cnature", "com.st.stm32cube.ide.mcu.MCUProjectNature"} <= natures
    root = ET.parse(package / ".cproject").getroot()
    ids = [
        e.attrib["id"]
        for e in root.iter()
        if e.tag in ("option", "tool", "toolChain", "builder", "inputType")
    ]
    assert len(set(ids)) == len(ids)
    found = configurations(package)
    assert set(found) == {"Debug", "Release"}
    for configuration in found.values():
        assert option(configuration, "option.target_mcu").attrib["value"] == "STM32F746ZGTx"
        for folder in listed(configuration, "tool.c.compiler.option.includepaths"):
            assert (package / "Release" / folder).resolve().is_dir(), folder
        for entry in configuration.iter("entry"):
            assert list((package / entry.attrib["name"]).rglob("*.c"))
        script = option(configuration, "tool.c.linker.option.script").attrib["value"]
        assert script == "${workspace_loc:/${ProjName}/linker.ld}" and (package / "linker.ld").is_file()


@pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="needs arm-none-eabi-gcc")
@pytest.mark.parametrize(("target", "name"), CASES)
def test_it_builds_and_runs(
    target: str, name: str, packaged: Packager, built: Builder, tmp_path: Path
) -> None:
    """As the IDE's makefiles do it: from a folder of the configuration, with its options."""
    package, board = tmp_path / "project", load_target(target)
    shutil.copytree(packaged("cubeide", IMAGE, target), package)
    configuration, work = configurations(package)[name], package / name
    work.mkdir()
    level = (
        option(configuration, "tool.c.compiler.option.optimization.level").attrib["value"].rpartition(".")[2]
    )
    flags = ["-std=gnu11", f"-O{level[1:]}", "-ffunction-sections", "-fdata-sections", "-Wall", "-Werror"]
    flags += [f"-I{folder}" for folder in listed(configuration, "tool.c.compiler.option.includepaths")]
    flags += " ".join(listed(configuration, "tool.c.compiler.option.otherflags")).split()
    link = ["-T../linker.ld", "--specs=nosys.specs", "-Wl,--gc-sections", "-static"]
    link += listed(configuration, "tool.c.linker.option.otherflags")
    folders = [package / e.attrib["name"] for e in configuration.iter("entry")]
    sources = [str(p) for folder in folders for p in sorted(folder.rglob("*.c"))]
    command = [
        "arm-none-eabi-gcc",
        *gcc_flags(board),
        "--specs=nano.specs",
        *flags,
        *sources,
        *link,
        "-o",
        "x.elf",
    ]
    done = subprocess.run(command, cwd=work, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    image = Image.read(work / "x.elf")
    own = files.load(built(IMAGE, target))["sram"]["stack"]
    assert stack_bound(image) <= image.sizes().stack == 2 * own
    assert image.sizes().weights > 0
    sample = bytes(range(256)) * 3
    outputs = set()
    for runner in (SimRunner((work / "x.elf").read_bytes(), board), open_runner(built(IMAGE, target), "sim")):
        with runner:
            outputs.add(runner.run([sample[: runner.identify().inputs]])[0].outputs)
    assert len(outputs) == 1
