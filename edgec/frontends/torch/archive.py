"""Reads a .pt2 archive without trusting it.

A .pt2 is a zip that may hold pickles, compiled libraries and expressions that torch
evaluates. So the archive is read with zipfile, checked, reduced to what an exported
program is (its JSON, and weights as plain bytes), and only that is given to torch.
No pickle is ever read: the example inputs, the one pickle torch.export writes, are left out.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgec.diagnostics import Diagnostic
from edgec.frontends.torch.program import dynamic_shapes, first_line, quiet

if TYPE_CHECKING:
    from torch.export import ExportedProgram

_MODEL = "models/model.json"
_CONFIGS = ("data/weights/model_weights_config.json", "data/constants/model_constants_config.json")
_SAMPLES = "data/sample_inputs/model.pt"
_SMALL = ("archive_format", "archive_version", "byteorder", ".data/version", ".data/serialization_id")
_TENSOR = re.compile(r"data/(weights/weight_|constants/tensor_)\d+")
_NAME = re.compile(r"[A-Za-z_][\w.]*")
_TARGET = re.compile(r"torch\.ops\.(aten|higher_order|prims)(\.\w+)+|_operator\.getitem")
_MAX_DEPTH = 100
_MAX_JSON = 256 << 20


class _Damaged(Exception):
    """The archive is not what torch.export.save writes; the message says where."""


def read_archive(path: Path) -> ExportedProgram:
    """Load a .pt2; raises Diagnostic E201, E202 (foreign ops), E203 or E205."""
    try:
        data = path.read_bytes()
    except OSError as e:
        raise Diagnostic("E205", f"cannot read the model: {e.strerror}", where=str(path)) from e
    try:
        members = _members(data)
        program = _json(members, _MODEL)
        _check_program(program, str(path))
        program["guards_code"] = []  # Python source, which torch would run
        members[_MODEL] = json.dumps(program).encode()
        for config in _CONFIGS:
            _check_payloads(_json(members, config), members, config.rpartition("/")[0])
    except (_Damaged, zipfile.BadZipFile, RecursionError, MemoryError) as e:
        raise _unreadable(path, str(e) or type(e).__name__) from e
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, NotImplementedError, OSError) as e:
        raise _unreadable(path, f"{type(e).__name__}: {first_line(e)}") from e
    import torch

    try:
        with quiet():
            return torch.export.load(io.BytesIO(_rebuilt(members)))
    except Exception as e:
        raise _unreadable(path, f"{type(e).__name__}: {first_line(e)}") from e


def _unreadable(path: Path, why: str) -> Diagnostic:
    return Diagnostic(
        "E201",
        "unreadable or damaged .pt2",
        where=str(path),
        facts=(("error", why),),
        remedies=(
            "write it again with torch.export.save(torch.export.export(model.eval(), (x,)), PATH)"
            " and the installed torch",
        ),
    )


def _members(data: bytes) -> dict[str, bytes]:
    """The members that an exported program needs, by their name below the top folder."""
    if not data:
        raise _Damaged("the file is empty")
    found: dict[str, bytes] = {}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        infos = archive.infolist()
        if sum(i.file_size for i in infos) > len(data):
            raise _Damaged("the members are larger than the file: compressed or overlapping")
        for info in infos:
            name = info.filename.partition("/")[2]
            if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1:
                raise _Damaged(f"member {info.filename} is compressed or encrypted")
            if name in found:
                raise _Damaged(f"member {info.filename} is there twice")
            content = archive.read(info)  # checks the CRC
            if name in (_MODEL, *_CONFIGS, *_SMALL) or _TENSOR.fullmatch(name):
                found[name] = content
            elif name != _SAMPLES and not name.startswith("extra/"):
                raise _Damaged(f"member {info.filename} is not part of an exported program")
    for name in (_MODEL, *_CONFIGS):
        if name not in found:
            raise _Damaged(f"there is no {name} in it")
    return found


def _json(members: dict[str, bytes], name: str) -> dict[str, Any]:
    if len(members[name]) > _MAX_JSON:
        raise _Damaged(f"{name} is larger than {_MAX_JSON} bytes")
    content = json.loads(members[name])
    if not isinstance(content, dict):
        raise _Damaged(f"{name} is not a JSON object")
    return content


def _walk(tree: object, depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Every (key, value) of nested objects."""
    if depth > _MAX_DEPTH:
        raise _Damaged("the program is nested too deeply")
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield key, value
            yield from _walk(value, depth + 1)
    elif isinstance(tree, list):
        for value in tree:
            if isinstance(value, dict | list):
                yield from _walk(value, depth + 1)


def _check_program(program: dict[str, Any], where: str) -> None:
    """Names are identifiers, ops are ATen's, shapes are numbers, nothing is a custom object."""
    graph = program["graph_module"]["graph"]
    symbolic = [
        (name, "[" + ", ".join(_dimension(d) for d in meta["sizes"]) + "]")
        for name, meta in graph["tensor_values"].items()
        if any("as_int" not in d for d in meta["sizes"])
    ]
    if symbolic:
        inputs = {i["user_input"]["arg"].get("as_tensor", {}).get("name") for i in _user_inputs(program)}
        raise dynamic_shapes([s for s in symbolic if s[0] in inputs] or symbolic[:1], where)
    foreign: list[tuple[str, str]] = []
    for key, value in _walk(program):
        if key == "nodes":
            for node in value:
                if not _TARGET.fullmatch(node["target"]):
                    foreign.append((node["target"], node.get("metadata", {}).get("nn_module_stack", "")))
        elif key in ("name", "graph_name"):
            if value is not None and not (isinstance(value, str) and (not value or _NAME.fullmatch(value))):
                raise _Damaged(f"{value!r:.80} is no name")
        elif key in ("expr_str", "as_custom_obj", "as_operator") and value is not None:
            raise _Damaged(f"the program holds a {key}")
    if foreign:
        raise Diagnostic(
            "E202",
            "unsupported operators",
            where=where,
            facts=tuple(
                ("op", f"{op.removeprefix('torch.ops.')} in {_layer(stack)}") for op, stack in foreign
            ),
            remedies=("write these layers with PyTorch's own operators",),
        )


def _user_inputs(program: dict[str, Any]) -> list[dict[str, Any]]:
    specs = program["graph_module"]["signature"]["input_specs"]
    return [s for s in specs if "user_input" in s]


def _dimension(size: dict[str, Any]) -> str:
    if "as_int" in size:
        return str(size["as_int"])
    return str(size.get("as_expr", {}).get("expr_str", "?"))


def _layer(stack: str) -> str:
    """The innermost module path of a serialized nn_module_stack."""
    path = stack.rpartition(";")[2].split(",")
    return (path[1] if len(path) > 1 else "") or "the model"


def _check_payloads(config: dict[str, Any], members: dict[str, bytes], folder: str) -> None:
    """Every tensor is plain bytes in a member that is there and long enough."""
    for name, payload in config["config"].items():
        member = f"{folder}/{payload['path_name']}"
        if payload["use_pickle"] or not _TENSOR.fullmatch(member):
            raise _Damaged(f"{name} is a pickled object, not a plain tensor")
        if member not in members:
            raise _Damaged(f"{name} has no data: {member} is missing")
        elements = 1
        for size in payload["tensor_meta"]["sizes"]:
            elements *= size["as_int"]
        if not members[member] and elements:
            raise _Damaged(f"{name} has no data: {member} is empty")
        if elements > 8 * len(members[member]) and _expanded(payload["tensor_meta"]):
            raise _Damaged(f"{name} claims {elements} elements of {len(members[member])} bytes")


def _expanded(meta: dict[str, Any]) -> bool:
    """Whether a stride of zero makes the tensor larger than its bytes."""
    return any(s["as_int"] == 0 for s in meta["strides"])


def _rebuilt(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in {**members, _SAMPLES: b""}.items():
            archive.writestr(f"model/{name}", content)
    return buffer.getvalue()
