"""CIFAR-10 from parquet files (columns image.bytes and label), and the checkpoints of its models."""

from __future__ import annotations

import argparse
import io
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from training import Images, Recipe, accuracy, export, fit

HERE = Path(__file__).resolve().parent
DATA = Path(os.environ.get("EDGEC_DATA", HERE.parents[1] / "shared" / "data")) / "cifar10"


def read(path: Path) -> tuple[Tensor, Tensor]:
    """Images uint8 [N, 3, 32, 32] and labels [N] of a parquet file."""
    import pyarrow.parquet as parquet
    from PIL import Image

    columns = parquet.read_table(path).to_pydict()
    pixels = [np.asarray(Image.open(io.BytesIO(i["bytes"])).convert("RGB")) for i in columns["image"]]
    return torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2).contiguous(), torch.tensor(columns["label"])


def load() -> Images:
    """The training and test images."""
    return Images(*read(DATA / "train.parquet"), *read(DATA / "test.parquet"))


def trained(name: str, build: Callable[[], nn.Module]) -> nn.Module:
    """The model with the weights of checkpoints/NAME.pt (stored in half precision)."""
    model = build()
    state = torch.load(HERE / "checkpoints" / f"{name}.pt")
    model.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in state.items()})
    return model.eval()


def main(name: str, build: Callable[[], nn.Module], recipe: Recipe) -> None:
    """Train where asked, then measure the checkpoint and export it."""
    parser = argparse.ArgumentParser(description=f"Train or export {name}.")
    parser.add_argument("--train", action="store_true", help="train anew instead of using the checkpoint")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    images = load()
    if options.train:
        model = build()
        fit(model, images, recipe, resume=Path(f"{name}.resume"))
        state = {k: v.half() if v.is_floating_point() else v for k, v in model.state_dict().items()}
        torch.save(state, HERE / "checkpoints" / f"{name}.pt")
    model = trained(name, build)
    print(f"test top-1 {accuracy(model, images.test_x, images.test_y):.2f} %")
    export(model, images, name)
