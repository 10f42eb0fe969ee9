"""x.npy in, y.npy out: between a user's arrays and the bytes a device is fed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from edgec.diagnostics import Diagnostic
from edgec.report.schema import Port

_GIVEN = Path("inputs")
"""What errors call arrays that come from no file."""


def load_inputs(path: Path, ports: Sequence[Port]) -> list[np.ndarray]:
    """One array per input, [N, ...] in the user's axis order and the device's dtype.

    A .npy file serves a model with one input; a .npz names its arrays as the inputs (with
    one input, any name will do). Integers are the model's own quantized input; floats are
    quantized: round half to even of x / scale, plus the zero point, clipped to the dtype.
    Raises Diagnostic E105 for a file that does not fit the model.
    """
    return _counted(path, _read(path, ports))


def fit(arrays: Mapping[str, np.ndarray], ports: Sequence[Port]) -> list[np.ndarray]:
    """The same of arrays by the names of the inputs."""
    return _counted(_GIVEN, _by_name(_GIVEN, arrays, ports))


def _counted(path: Path, arrays: list[np.ndarray]) -> list[np.ndarray]:
    counts = {len(a) for a in arrays}
    if len(counts) > 1:
        raise _bad(path, "the inputs differ in their number of samples", [("have", str(sorted(counts)))])
    return arrays


def pack(arrays: Sequence[np.ndarray], ports: Sequence[Port]) -> list[bytes]:
    """Per sample the bytes the device takes: its inputs one after the other, in its axis order."""
    samples = []
    for k in range(len(arrays[0])):
        parts = []
        for x, port in zip(arrays, ports, strict=True):
            one = x[k : k + 1].reshape(port["shape"])
            parts.append(one.transpose(_perm(port)).tobytes())
        samples.append(b"".join(parts))
    return samples


def unpack(samples: Sequence[bytes], ports: Sequence[Port]) -> dict[str, np.ndarray]:
    """Per output [N, ...] in the user's axis order, raw integers, from what the device sent."""
    outputs: dict[str, np.ndarray] = {}
    at = 0
    for port in ports:
        dtype, shape = np.dtype(port["dtype"]), port["shape"]
        perm = _perm(port)
        device = tuple(shape[p] for p in perm)
        size = int(np.prod(shape, dtype=np.int64))
        rows = [
            np.frombuffer(raw, dtype, size, at).reshape(device).transpose(np.argsort(perm)) for raw in samples
        ]
        batched = len(shape) > 0 and shape[0] == 1
        outputs[port["name"]] = np.concatenate(rows) if batched else np.stack(rows)
        at += size * dtype.itemsize
    return outputs


def _perm(port: Port) -> list[int]:
    return port.get("perm", list(range(len(port["shape"]))))


def save_outputs(path: Path, outputs: Mapping[str, np.ndarray]) -> Path:
    """Write y.npy, or y.npz where there are several outputs; returns the path written.

    Raises Diagnostic E103 where it cannot be written.
    """
    if len(outputs) > 1:
        path = path.with_suffix(".npz")
    try:
        with path.open("wb") as file:
            if len(outputs) > 1:
                np.savez(file, **dict(outputs))  # type: ignore[arg-type]
            else:
                np.save(file, next(iter(outputs.values())))
    except OSError as e:
        raise Diagnostic(
            "E103", f"cannot write {path}", where="--output", facts=[("reason", e.strerror or str(e))]
        ) from e
    return path


def _read(path: Path, ports: Sequence[Port]) -> list[np.ndarray]:
    try:
        loaded = np.load(path, allow_pickle=False)
        arrays = {k: loaded[k] for k in loaded.files} if isinstance(loaded, np.lib.npyio.NpzFile) else loaded
    except FileNotFoundError:
        raise _bad(path, "no such file", []) from None
    except Exception as e:
        # numpy raises whatever zip, zlib, tokenize and struct raise on a damaged file
        reason = str(e).splitlines()[0] if str(e) else type(e).__name__
        raise _bad(path, "the file cannot be read as .npy or .npz", [("reason", reason)]) from e
    if isinstance(arrays, np.ndarray) or len(ports) == 1:
        only = arrays if isinstance(arrays, np.ndarray) else next(iter(arrays.values()), None)
        if only is None or len(ports) != 1 or (not isinstance(arrays, np.ndarray) and len(arrays) > 1):
            names = ", ".join(p["name"] for p in ports)
            raise _bad(path, f"the model has {len(ports)} inputs", [("need", f"an .npz with {names}")])
        return [_fit(path, only, ports[0])]
    return _by_name(path, arrays, ports)


def _by_name(path: Path, arrays: Mapping[str, np.ndarray], ports: Sequence[Port]) -> list[np.ndarray]:
    if missing := [p["name"] for p in ports if p["name"] not in arrays]:
        have = ", ".join(arrays)
        raise _bad(path, f"inputs are missing: {', '.join(missing)}", [("have", have)])
    return [_fit(path, arrays[p["name"]], p) for p in ports]


def _fit(path: Path, x: np.ndarray, port: Port) -> np.ndarray:
    """The array in the device's dtype, its shape checked against the port's."""
    shape = port["shape"][1:] if port["shape"][:1] == [1] else port["shape"]
    need = f"{port['name']}: n x {shape}, {port['dtype']} or float"
    facts = [("need", need), ("have", f"{list(x.shape)}, {x.dtype}")]
    if list(x.shape) == shape:
        raise _bad(path, "the batch axis is missing", facts, ["numpy.save(path, x[None])"])
    if list(x.shape[1:]) != shape:
        raise _bad(path, "the input has another shape than the model's", facts)
    if not len(x):
        raise _bad(path, "there are no samples", facts)
    dtype = np.dtype(port["dtype"])
    limits = np.iinfo(dtype)
    if x.dtype.kind in "iu":
        if x.min() < limits.min or x.max() > limits.max:
            facts[1] = ("have", f"{x.dtype} from {x.min()} to {x.max()}")
            remedy = "give the model's quantized input, or floats, which edgec quantizes"
            raise _bad(path, f"integers beyond {port['dtype']}", facts, [remedy])
        return x.astype(dtype)
    if x.dtype.kind != "f":
        raise _bad(path, f"cannot take {x.dtype}", facts)
    if not np.isfinite(x).all():
        raise _bad(path, "NaN or infinity among the values", facts)
    if "scale" not in port:
        raise _bad(path, f"{port['name']} takes integers only", facts)
    q = np.round(x.astype(np.float64) / port["scale"]) + port.get("zero_point", 0)
    return np.clip(q, limits.min, limits.max).astype(dtype)


def _bad(
    path: Path, title: str, facts: Sequence[tuple[str, str]], remedies: Sequence[str] = ()
) -> Diagnostic:
    return Diagnostic("E105", f"bad input: {title}", where=str(path), facts=facts, remedies=remedies)
