"""Damaged and hostile .pt2 files: always one Diagnostic, never code run from the file."""

from __future__ import annotations

import io
import json
import pickle
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch import Tensor, nn  # noqa: E402

from edgec.diagnostics import Diagnostic  # noqa: E402
from edgec.frontends.torch import load_torch  # noqa: E402

JSON = "models/model.json"
WEIGHTS = "data/weights/model_weights_config.json"


class Tiny(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.bn, self.fc = nn.Conv2d(3, 4, 3, 2, 1), nn.BatchNorm2d(4), nn.Linear(4, 3)
        self.attn = nn.MultiheadAttention(4, 2, batch_first=True)
        self.register_buffer("table", torch.arange(16).float())

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.bn(self.conv(x))).flatten(2).transpose(1, 2)
        x = x + self.table[:, None] * torch.arange(16)[:, None]
        x = x + self.attn(x, x, x, need_weights=False)[0]
        return self.fc(torch.cat([x[:, :4], x.chunk(2, 1)[1]], 1).mean(1))


@pytest.fixture(scope="module")
def members() -> dict[str, bytes]:
    torch.manual_seed(0)
    buffer = io.BytesIO()
    torch.export.save(torch.export.export(Tiny().eval(), (torch.randn(1, 3, 8, 8),)), buffer)
    with zipfile.ZipFile(buffer) as archive:
        return {i.filename.partition("/")[2]: archive.read(i) for i in archive.infolist()}


def packed(members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(f"tiny/{name}", content)
    return buffer.getvalue()


def code(path: Path, content: bytes) -> str:
    """The code of the Diagnostic that loading raises, empty where it loads."""
    path.write_bytes(content)
    try:
        load_torch(path)
    except Diagnostic as d:
        return d.code
    return ""


def edited(members: dict[str, bytes], name: str, edit: Callable[[Any], object]) -> bytes:
    tree = json.loads(members[name])
    edit(tree)
    return packed({**members, name: json.dumps(tree).encode()})


def test_the_untouched_file_loads(members: dict[str, bytes], tmp_path: Path) -> None:
    assert code(tmp_path / "m.pt2", packed(members)) == ""


def test_empty_truncated_and_foreign_files(members: dict[str, bytes], tmp_path: Path) -> None:
    whole = packed(members)
    for content in (b"", b"PK", b"not a zip" * 9, whole[: len(whole) // 2], whole[:-30], packed({"a": b"b"})):
        assert code(tmp_path / "m.pt2", content) == "E201"


def test_compressed_members_and_repeated_names_are_refused(members: dict[str, bytes], tmp_path: Path) -> None:
    bomb = {**members, "data/weights/weight_0": bytes(1 << 20)}
    assert code(tmp_path / "m.pt2", packed(bomb, zipfile.ZIP_DEFLATED)) == "E201"
    twice = io.BytesIO(packed(members))
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(twice, "a") as archive:
        archive.writestr(f"tiny/{JSON}", b"{}")
    assert code(tmp_path / "m.pt2", twice.getvalue()) == "E201"


class Evil:
    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return open, (self.path, "w")


def test_no_pickle_in_the_file_is_run(members: dict[str, bytes], tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    evil = pickle.dumps(Evil(str(mark)))
    samples = {**members, "data/sample_inputs/model.pt": evil}
    assert code(tmp_path / "m.pt2", packed(samples)) == ""  # they are not needed, and not read

    def pickled(config: Any) -> None:
        next(iter(config["config"].values()))["use_pickle"] = True

    as_weight = {**members, "data/weights/weight_0": evil}
    assert code(tmp_path / "m.pt2", edited(as_weight, WEIGHTS, pickled)) == "E201"
    for name in ("data/constants/custom_obj_0", "data/weights/model.pt", "data/aotinductor/model/a.so"):
        assert code(tmp_path / "m.pt2", packed({**members, name: evil})) == "E201"
    assert not mark.exists()


def test_no_source_in_the_file_is_run(members: dict[str, bytes], tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    source = f"open({str(mark)!r}, 'w')"

    def nodes(program: Any) -> Any:
        return program["graph_module"]["graph"]["nodes"]

    def guards(program: Any) -> None:
        program["guards_code"] = [source]

    def name(program: Any) -> None:
        nodes(program)[0]["outputs"][0]["as_tensor"]["name"] = source

    def size(program: Any) -> None:
        next(iter(program["graph_module"]["graph"]["tensor_values"].values()))["sizes"][0] = {
            "as_expr": {"expr_str": source, "hint": {"as_int": 4}}
        }

    def target(program: Any) -> None:
        nodes(program)[0]["target"] = "torch.hub.load"

    results = [code(tmp_path / "m.pt2", edited(members, JSON, edit)) for edit in (guards, name, size, target)]
    assert results == ["", "E201", "E203", "E202"]
    assert not mark.exists()


def test_a_foreign_operator_is_named_with_its_layer(members: dict[str, bytes], tmp_path: Path) -> None:
    def rename(program: Any) -> None:
        node = next(n for n in program["graph_module"]["graph"]["nodes"] if "conv2d" in n["target"])
        node["target"] = "torch.ops.torchvision.deform_conv2d.default"

    (tmp_path / "m.pt2").write_bytes(edited(members, JSON, rename))
    with pytest.raises(Diagnostic) as caught:
        load_torch(tmp_path / "m.pt2")
    assert caught.value.code == "E202"
    assert caught.value.facts == (("op", "torchvision.deform_conv2d.default in conv"),)


def test_sizes_that_promise_more_than_the_file_holds(members: dict[str, bytes], tmp_path: Path) -> None:
    def huge(config: Any) -> None:
        meta = config["config"]["fc.weight"]["tensor_meta"]
        meta["sizes"], meta["strides"] = [{"as_int": 1 << 20}] * 2, [{"as_int": 0}] * 2

    assert code(tmp_path / "m.pt2", edited(members, WEIGHTS, huge)) == "E201"
    emptied = {**members, "data/weights/weight_0": b""}
    assert code(tmp_path / "m.pt2", packed(emptied)) == "E201"

    def long_range(program: Any) -> None:
        node = next(n for n in program["graph_module"]["graph"]["nodes"] if "arange" in n["target"])
        node["inputs"][0]["arg"] = {"as_int": 1 << 40}

    assert code(tmp_path / "m.pt2", edited(members, JSON, long_range)) in ("E201", "E202")


# -- mutations --------------------------------------------------------------


def places(tree: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all values in nested JSON."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    return [p for k, v in items for p in ((*path, k), *places(v, (*path, k)))]


def mutated(content: bytes, rng: random.Random) -> bytes:
    """JSON with one value changed, removed, repeated or replaced by another."""
    tree = json.loads(content)
    paths = places(tree)
    *route, key = rng.choice(paths)
    holder: Any = tree
    for k in route:
        holder = holder[k]
    match rng.randrange(4):
        case 0 if type(holder[key]) is int:
            holder[key] = rng.choice([holder[key] + 1, -holder[key], holder[key] * 1000, 1 << 40])
        case 0 | 1:
            holder[key] = rng.choice([None, -1, 1e308, "", "torch.ops.aten.relu.default", [], {}, True])
        case 2:
            del holder[key]
        case _:
            other: Any = json.loads(content)
            for k in rng.choice(paths):
                other = other[k]
            holder[key] = other
    return json.dumps(tree).encode()


def test_mutated_files_load_or_are_refused(members: dict[str, bytes], tmp_path: Path) -> None:
    """Mutations behind the checksums, and of the raw file; a failure names its seed."""
    names = [JSON, JSON, JSON, WEIGHTS, "data/constants/model_constants_config.json"]
    for seed in range(60):
        rng = random.Random(seed)
        if seed % 4:
            name = rng.choice(names)
            content = packed({**members, name: mutated(members[name], rng)})
        else:
            raw = bytearray(packed(members))
            for _ in range(rng.choice([1, 3, 20])):
                raw[rng.randrange(len(raw))] = rng.randrange(256)
            content = bytes(raw)
        try:
            result = code(tmp_path / "m.pt2", content)
        except Exception as e:
            raise AssertionError(f"seed {seed}") from e
        assert result in ("", "E201", "E202", "E203", "E204", "E206"), f"seed {seed}"
