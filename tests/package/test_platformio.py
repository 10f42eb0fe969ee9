"""The PlatformIO library, by PlatformIO: its manifest, and a build of the example.

PlatformIO would download its platforms and SCons; here a stub of the native platform and pip's SCons stand
where it looks for them.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import pytest

from .conftest import IMAGE, STUBS, Packager, printed


@pytest.fixture
def package(packaged: Packager) -> Path:
    return packaged("platformio", IMAGE, "host")


def test_the_manifest(package: Path) -> None:
    schema = pytest.importorskip("platformio.package.manifest.schema")
    parser = pytest.importorskip("platformio.package.manifest.parser")
    licenses = {"licenses": [{"licenseId": "Apache-2.0"}]}  # PlatformIO asks its registry for the list
    with mock.patch.object(schema, "fetch_remote_content", return_value=json.dumps(licenses)):
        read = parser.ManifestParserFactory.new_from_dir(str(package)).as_dict()
        checked = schema.ManifestSchema().load_manifest(read)
    assert checked["name"] == "image" and checked["headers"] == ["image.h"]
    for example in checked["examples"]:
        assert all((package / example["base"] / name).is_file() for name in example["files"])
    assert (package / "src" / "image.h").is_file()


def home(folder: Path) -> Path:
    """A PlatformIO home that has what a build for this machine takes."""
    dependencies = pytest.importorskip("platformio.dependencies")
    scons = importlib.util.find_spec("SCons")
    if scons is None or scons.origin is None:
        pytest.skip("needs pip's SCons")
    shutil.copytree(STUBS / "native", folder / "platforms" / "native")
    tool = folder / "packages" / "tool-scons"
    tool.mkdir(parents=True)
    text = repr(dependencies.get_core_dependencies())
    found = re.search(r"'tool-scons': '[~^]?([\d.]+)'", text)
    assert found, text
    about = {"name": "tool-scons", "version": found[1], "description": "SCons", "system": "*"}
    (tool / "package.json").write_text(json.dumps(about))
    site = str(Path(scons.origin).parents[1])
    (tool / "scons.py").write_text(
        f"import sys\nsys.path.insert(0, {site!r})\nimport SCons.Script\nSCons.Script.main()\n"
    )
    for kind, name, version in (("tool", "tool-scons", found[1]), ("platform", "native", "1.0.0")):
        spec = {"owner": "platformio", "id": None, "name": name, "requirements": None, "uri": None}
        place = folder / f"{'packages' if kind == 'tool' else 'platforms'}" / name / ".piopm"
        place.write_text(json.dumps({"type": kind, "name": name, "version": version, "spec": spec}))
    return folder


def test_the_example_builds_and_runs(package: Path, zeros: Callable[..., list[int]], tmp_path: Path) -> None:
    own = tmp_path / "image"
    shutil.copytree(package, own)
    example = own / "examples" / "image"
    env = {**os.environ, "PLATFORMIO_CORE_DIR": str(home(tmp_path / "home")), "CI": "true"}
    command = [sys.executable, "-m", "platformio", "run", "-d", str(example), "-e", "native"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    run = subprocess.run([example / ".pio/build/native/program"], capture_output=True, text=True, check=True)
    assert printed(run.stdout) == zeros(IMAGE, "host")
