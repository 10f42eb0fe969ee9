"""A graph in a file: a zip of its text and its constants, each an .npy named by its digest.

    graph.txt             the text form, constants by digest (edgec/ir/text.py)
    graph.json            {"format": 1, "input_perms": {input: axes}}
    constants/DIGEST.npy  one for each constant of more than a few elements

Members are stored uncompressed and dated alike, so that equal graphs give equal files.
"""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np

from edgec.ir.graph import Graph
from edgec.ir.parse import Infer, parse
from edgec.ir.text import INLINE, constant_table, digest, to_text

FORMAT = 1
_TEXT, _ABOUT, _FOLDER = "graph.txt", "graph.json", "constants/"
_DATE = (1980, 1, 1, 0, 0, 0)


class Damaged(Exception):
    """The bytes are not what `to_bytes` makes; the message says where."""


def to_bytes(graph: Graph) -> bytes:
    """The file."""
    about = {"format": FORMAT, "input_perms": {v: list(p) for v, p in sorted(graph.input_perms.items())}}
    members = {_ABOUT: json.dumps(about).encode(), _TEXT: to_text(graph).encode()}
    for key, data in sorted(constant_table(graph).items()):
        if data.size > INLINE:
            array = io.BytesIO()
            np.save(array, data, allow_pickle=False)
            members[f"{_FOLDER}{key}.npy"] = array.getvalue()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name, _DATE), content)
    return buffer.getvalue()


def from_bytes(data: bytes, infer: Infer | None = None) -> Graph:
    """The graph in a file; raises Damaged."""
    try:
        members = _members(data)
        about = json.loads(members.pop(_ABOUT))
        if about["format"] != FORMAT:
            raise Damaged(f"it is of format {about['format']}, this edgec reads {FORMAT}")
        text = members.pop(_TEXT).decode()
        table = {name[len(_FOLDER) : -len(".npy")]: _constant(name, x) for name, x in members.items()}
        graph = parse(text, table, infer)
        graph.input_perms = {v: _perm(graph, v, p) for v, p in about["input_perms"].items()}
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, NotImplementedError, OSError) as e:
        raise Damaged(f"{str(e) or type(e).__name__}") from e
    except (zipfile.BadZipFile, EOFError, OverflowError, RecursionError, MemoryError) as e:
        raise Damaged(str(e) or type(e).__name__) from e
    return graph


def _members(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        infos = archive.infolist()
        if sum(i.file_size for i in infos) > len(data):
            raise Damaged("the members are larger than the file")
        for info in infos:
            if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1:
                raise Damaged(f"member {info.filename} is compressed or encrypted")
        return {i.filename: archive.read(i) for i in infos}  # checks the CRC


def _constant(name: str, content: bytes) -> np.ndarray:
    array: np.ndarray = np.load(io.BytesIO(content), allow_pickle=False)
    if name != f"{_FOLDER}{digest(array)}.npy":
        raise Damaged(f"member {name} does not hold what its name says")
    return array


def _perm(graph: Graph, value: str, axes: list[int]) -> tuple[int, ...]:
    if value not in graph.inputs or sorted(axes) != list(range(len(graph.type(value).shape))):
        raise Damaged(f"{axes} is no order of the axes of {value}")
    return tuple(axes)
