"""The wheel: pip installs it, Python runs it, and what it says of itself is so."""

from __future__ import annotations

import base64
import hashlib
import io
import platform
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from edgec import run_io
from edgec.codegen.toolchain import build_shared
from edgec.package.runtime import Library, Port
from edgec.package.wheel import GLIBC
from edgec.report import files
from edgec.report.schema import Report
from edgec.runners import open_runner
from edgec.target import load_target
from tests.conftest import Builder

from .conftest import IMAGE, Packager

ENTRIES = {"edgec_context_bytes", "edgec_infer", "edgec_threads_start", "edgec_threads_stop"}
TWICE = "tests.e2e.models:twice"
on_linux = pytest.mark.skipif(
    platform.machine() not in ("x86_64", "aarch64"), reason="no wheel is made for this machine"
)


def wheel_of(package: Path) -> Path:
    (wheel,) = package.glob("*.whl")
    return wheel


def installed(wheel: Path, folder: Path) -> Path:
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--no-index",
        "--no-deps",
        "--target",
        str(folder),
    ]
    subprocess.run([*command, str(wheel)], check=True, capture_output=True)
    return folder


def run_there(site: Path, code: str, **arrays: np.ndarray) -> dict[str, np.ndarray]:
    """What code makes of arrays in a Python that knows the wheel and numpy only: it gets `a`, fills `out`."""
    np.savez(site / "in.npz", **arrays)  # type: ignore[arg-type]
    paths = [str(site), str(Path(np.__file__).parents[1])]
    head = f"import sys; sys.path[:0] = {paths!r}\nimport numpy as np; a = np.load('in.npz'); out = {{}}\n"
    tail = "\nnp.savez('out.npz', **out)"
    subprocess.run([sys.executable, "-I", "-S", "-c", head + code + tail], cwd=site, check=True)
    return dict(np.load(site / "out.npz"))


def reference(folder: Path, *arrays: np.ndarray) -> dict[str, np.ndarray]:
    """What `edgec run` gives."""
    report = files.load(folder)
    fitted = [run_io._fit(Path("x"), x, p) for x, p in zip(arrays, report["inputs"], strict=True)]
    with open_runner(folder, "host") as runner:
        results = runner.run(run_io.pack(fitted, report["inputs"]))
    return run_io.unpack([r.outputs for r in results], report["outputs"])


@on_linux
@pytest.mark.parametrize("mode", ["whole", "stream"])
def test_it_is_installed_and_runs(mode: str, packaged: Packager, built: Builder, tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    x, q = rng.normal(size=(3, 3, 8, 8)).astype(np.float32), rng.integers(-128, 128, (2, 3, 8, 8), np.int8)
    site = installed(wheel_of(packaged("wheel", IMAGE, "host", input_mode=mode)), tmp_path)
    code = (
        "import image\n"
        "out['x'], out['q'] = image.run(a['x']), image.run(a['q'].astype(np.int64))\n"
        "out['real'] = image.OUTPUTS[0].real(out['x'])\n"
        "out['refused'] = 0\n"
        "for bad in (a['x'][0], a['x'] * np.nan, a['q'] * 2.0j, np.full((1, 3, 8, 8), 300), a['x'][:0]):\n"
        "    try: image.run(bad)\n"
        "    except ValueError: out['refused'] += 1\n"
        "try: image.run(a['x'], threads=2)\n"
        "except RuntimeError: out['refused'] += 1\n"
    )
    got, folder = run_there(site, code, x=x, q=q), built(IMAGE, "host", input_mode=mode)
    (port,) = files.load(folder)["outputs"]
    for name, given in (("x", x), ("q", q)):
        (want,) = reference(folder, given).values()
        assert got[name].dtype == want.dtype and got[name].shape == want.shape
        assert (got[name] == want).all()
    real = (got["x"].astype(np.float64) - port["zero_point"]) * port["scale"]
    assert got["real"].dtype == np.float32 and np.array_equal(got["real"], real.astype(np.float32))
    assert got["refused"] == 6


def test_ports_with_a_batch_of_their_own() -> None:
    port = Port("x", (4, 2), "int16", 0.5, 3, (1, 0))
    x = np.arange(24, dtype=np.int16).reshape(3, 4, 2)
    assert port.pack(x, 1) == x[1].T.tobytes() and port.nbytes == 16
    assert np.array_equal(port.unpack([one.tobytes() for one in x], 0), x)
    assert port.unpack([x.tobytes()], 16).tolist() == [x[1].tolist()]
    assert port.quantize(np.array([0.25, 0.75, -1e9, 1e9])).tolist() == [3, 5, -32768, 32767]
    with pytest.raises(ValueError, match="integers"):
        Port("x", (1,), "int8", None, 0, (0,)).quantize(x)


@on_linux
def test_several_outputs(packaged: Packager, built: Builder, tmp_path: Path) -> None:
    site = installed(wheel_of(packaged("wheel", TWICE, "host")), tmp_path)
    x = np.random.default_rng(4).normal(size=(4, 6)).astype(np.float32)
    got = run_there(site, "import twice; out['y'], out['z'] = twice.run(a['x'])", x=x)
    want = list(reference(built(TWICE, "host"), x).values())
    assert all(np.array_equal(g, w) for g, w in zip(got.values(), want, strict=True))


def ports(report: Report) -> tuple[list[Port], list[Port]]:
    made = [
        [
            Port(
                p["name"],
                tuple(p["shape"]),
                p["dtype"],
                p.get("scale"),
                p.get("zero_point", 0),
                tuple(p.get("perm", range(len(p["shape"])))),
            )
            for p in side
        ]
        for side in (report["inputs"], report["outputs"])
    ]
    return made[0], made[1]


@on_linux
def test_threads(built: Builder, tmp_path: Path) -> None:
    """The library of a build for Linux with threads, compiled for this machine."""
    folder = built(IMAGE, "cortex-a53")
    path = tmp_path / "libimage.so"
    path.write_bytes(build_shared(folder / "src", load_target("host"), platform.machine(), GLIBC))
    library = Library(path, *ports(files.load(folder)))
    x = np.random.default_rng(5).normal(size=(3, 3, 8, 8)).astype(np.float32)
    (want,) = reference(folder, x).values()
    for threads in (1, 2, 3):
        assert np.array_equal(library.run([x], threads)[0], want)
    with pytest.raises(RuntimeError):
        library.run([x], 0)
    with pytest.raises(ImportError):
        Library(path, *ports(files.load(folder)), needs=["no-such-feature"])


def test_what_it_says_of_itself(packaged: Packager) -> None:
    wheel = wheel_of(packaged("wheel", IMAGE, "cortex-a53"))
    assert wheel.name == "image-1.0.0-py3-none-manylinux_2_17_aarch64.manylinux2014_aarch64.whl"
    with zipfile.ZipFile(wheel) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    record = contents.pop("image-1.0.0.dist-info/RECORD").decode().splitlines()
    assert record.pop() == "image-1.0.0.dist-info/RECORD,,"
    for line in record:
        path, digest, size = line.split(",")
        data = contents.pop(path)
        want = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        assert (digest, int(size)) == (f"sha256={want}", len(data))
    assert not contents


def test_auditwheel_agrees_with_the_tag(packaged: Packager) -> None:
    pytest.importorskip("auditwheel")
    wheel = wheel_of(packaged("wheel", IMAGE, "cortex-a53"))
    command = [sys.executable, "-m", "auditwheel", "show", str(wheel)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert 'consistent with the following platform tag:\n"manylinux_2_17_aarch64"' in done.stdout


def test_the_library_is_what_the_tag_says(packaged: Packager) -> None:
    from elftools.elf.elffile import ELFFile

    with zipfile.ZipFile(wheel_of(packaged("wheel", IMAGE, "cortex-a53"))) as archive:
        elf = ELFFile(io.BytesIO(archive.read("image/libimage.so")))
    assert (elf["e_machine"], elf["e_type"]) == ("EM_AARCH64", "ET_DYN")
    symbols = elf.get_section_by_name(".dynsym").iter_symbols()
    assert {s.name for s in symbols if s["st_shndx"] != "SHN_UNDEF"} == ENTRIES
    needed = [
        t.needed for t in elf.get_section_by_name(".dynamic").iter_tags() if t.entry.d_tag == "DT_NEEDED"
    ]
    assert set(needed) <= {"libc.so.6", "libpthread.so.0"}
    versions = [a.name for _, uses in elf.get_section_by_name(".gnu.version_r").iter_versions() for a in uses]
    newest = max(tuple(map(int, v.removeprefix("GLIBC_").split("."))) for v in versions)
    assert newest <= tuple(map(int, GLIBC.split(".")))
