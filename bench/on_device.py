"""CIFAR-10 on the device: top-1 of the float model and of the build, and how often they agree.

    python bench/on_device.py [--on host|sim] [--count N]

Builds examples/cifar_vit.py and cifar_cnn.py for stm32f746 in 320 KB, calibrated with training
images, and runs test images on the build. Needs the images (EDGEC_DATA).
"""

from __future__ import annotations

import argparse
import importlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
NAMES = ("cifar_vit", "cifar_cnn")


def edgec(*arguments: object) -> None:
    """Run a command of edgec; its progress stays visible."""
    code = "from edgec.cli import main; main()"
    command = [sys.executable, "-c", code, *map(str, arguments)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def measure(name: str, place: str, count: int) -> str:
    """One line: both accuracies and the agreement."""
    import cifar10
    import torch
    from training import accuracy, as_input, export

    model = cifar10.trained(name, importlib.import_module(name).build)
    images = cifar10.load()
    y = images.test_y[:count]
    scores = torch.cat([model(as_input(part)).detach() for part in torch.split(images.test_x[:count], 500)])
    export(model, images, name)
    np.save("x.npy", as_input(images.test_x[:count]).numpy())
    edgec(
        "build", f"{name}.pt2", "--target", "stm32f746", "--budget", "320KB", "--calib", f"{name}-calib.npz"
    )
    edgec("run", f"{name}-stm32f746", "--on", place, "--input", "x.npy", "--output", "y.npy")
    device = np.load("y.npy").reshape(len(y), -1).argmax(1)
    top1 = 100 * float((device == y.numpy()).mean())
    same = 100 * float((device == scores.argmax(1).numpy()).mean())
    reference = accuracy(model, images.test_x[:count], y)
    figures = f"float {reference:.2f} %, device {top1:.2f} %, same answer {same:.2f} %"
    return f"{name}: {figures} of {len(y)} images ({place})"


def main() -> None:
    """Measure both models."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--on", default="host", choices=("host", "sim", "qemu"))
    parser.add_argument("--count", type=int, default=5000)
    parser.add_argument("names", nargs="*", default=NAMES, metavar="NAME", help="default: both")
    options = parser.parse_args()
    sys.path.insert(0, str(ROOT / "examples"))
    with tempfile.TemporaryDirectory() as work:
        os.chdir(work)
        for name in options.names:
            print(measure(name, options.on, options.count), flush=True)
        os.chdir(ROOT)


if __name__ == "__main__":
    main()
