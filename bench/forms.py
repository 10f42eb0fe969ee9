"""What weights below 8 bits cost: instructions of a layer in each form, times those of int8.

    python bench/forms.py                     the table of docs/quantization.md
    python bench/forms.py --target stm32f446 --forms int4,codebook3

Each layer is linked by itself and run on the simulated board, its rows in the blocks that the planner chooses
for the fewest cycles.
"""

from __future__ import annotations

import argparse

import numpy as np

from edgec.ir import Attr, DType, Graph, Quant, TensorType
from edgec.ops.base import add_op
from edgec.ops.forms import INT8
from edgec.quant.forms import every, project_graph
from edgec.target import Target, load_target
from edgec.tune.measure import measure

FORMS = (
    "int4",
    "int4/32",
    "codebook2",
    "codebook3",
    "codebook4",
    "codebook5",
    "codebook6",
    "codebook2/64",
    "codebook3/64",
    "codebook4/64",
    "codebook5/64",
    "codebook6/64",
    "int8+huffman",
    "int4+huffman",
    "int4/32+huffman",
    "codebook3/64+huffman",
    "codebook4/64+huffman",
    "codebook6/64+huffman",
)
PADDED: dict[str, Attr] = {"padding": (1, 1, 1, 1)}
LAYERS: dict[str, tuple[str, tuple[int, ...], tuple[int, ...], dict[str, Attr]]] = {
    "linear 192 to 192, 16 tokens": ("linear", (1, 16, 192), (192, 192), {}),
    "linear 192 to 192, 64 tokens": ("linear", (1, 64, 192), (192, 192), {}),
    "linear 256 to 256, 16 tokens": ("linear", (1, 16, 256), (256, 256), {}),
    "linear 256 to 256, 64 tokens": ("linear", (1, 64, 256), (256, 256), {}),
    "linear 192 to 192, 64 tokens in blocks of 8": ("linear", (1, 64, 192), (192, 192), {"block": 8}),
    "pointwise, 8x8x128 to 128": ("conv2d", (1, 8, 8, 128), (128, 1, 1, 128), {}),
    "3x3, 32x32x16 to 16": ("conv2d", (1, 32, 32, 16), (16, 3, 3, 16), PADDED),
    "3x3, 16x16x32 to 32": ("conv2d", (1, 16, 16, 32), (32, 3, 3, 32), PADDED),
    "3x3, 8x8x64 to 64": ("conv2d", (1, 8, 8, 64), (64, 3, 3, 64), PADDED),
    "linear 256 to 10, one vector": ("linear", (1, 256), (10, 256), {}),
    "linear 512 to 256, one vector": ("linear", (1, 512), (256, 512), {}),
}


def layer(name: str, form: str, target: Target) -> Graph | None:
    """A graph of one layer with weights of a normal distribution; None where the form does not suit it."""
    op, shape, weights, attrs = LAYERS[name]
    graph, outputs = Graph(name), weights[0]
    graph.features = target.features
    x = graph.add_input("x", TensorType(shape, DType.I8, Quant.of(0.05, 3)))
    w = np.random.default_rng(0).standard_normal((outputs, int(np.prod(weights[1:]))))
    w = np.rint(w / np.abs(w).max(axis=1, keepdims=True) * 127).astype(np.int8).reshape(weights)
    quant = Quant((0.01,) * outputs, (0,) * outputs, 0)
    (y,) = add_op(graph, op, [x, graph.add_constant("w", w, quant)], attrs)
    graph.set_type(y, graph.type(y).with_(dtype=DType.I8, quant=Quant.of(1.0)))
    graph.outputs = [y]
    found = project_graph(graph, every(graph, form))
    return graph if form == INT8 or found else None


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--target", default="stm32f746")
    parser.add_argument("--forms", default=",".join(FORMS))
    parser.add_argument("--layers", default="", help="those whose name has this in it")
    given = parser.parse_args()
    target, forms = load_target(given.target), given.forms.split(",")
    print("| layer |" + "".join(f" `{form}` |" for form in forms))
    print("|---" * (len(forms) + 1) + "|")
    for name in LAYERS:
        if given.layers not in name:
            continue
        plain = layer(name, INT8, target)
        assert plain is not None
        whole = measure(plain, target).instructions
        cells = []
        for form in forms:
            graph = layer(name, form, target)
            cells.append("-" if graph is None else f"{measure(graph, target).instructions / whole:.2f}")
        print(f"| {name} |" + "".join(f" {cell} |" for cell in cells), flush=True)


if __name__ == "__main__":
    main()
