"""Doubtful calibration data: what is doubted, and that the figures told are those of the model."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from edgec.ir import Graph, TensorType
from edgec.ops.base import add_op
from edgec.options import BuildOptions, Silent
from edgec.pipeline import lower
from edgec.quant.choose import quantize_model
from edgec.quant.data import Samples, load_samples
from edgec.quant.doubts import doubts_of
from edgec.quant.observe import observe
from edgec.quant.ptq import quantize_graph
from edgec.quant.snr import compare
from edgec.quant.weigh_doubts import weighed

RNG = np.random.default_rng(5)


def photos(count: int = 40) -> np.ndarray:
    """NHWC, 0..1."""
    return RNG.uniform(0, 1, (count, 8, 8, 3)).astype(np.float32)


def network() -> Graph:
    g = Graph()
    value = g.add_input("x", TensorType((1, 8, 8, 3)))
    padded = {"stride": (1, 1), "padding": (1, 1, 1, 1), "dilation": (1, 1), "groups": 1}
    for k, (op, shape, attrs) in enumerate(
        [("conv2d", (8, 3, 3, 3), padded | {"activation": "relu"}), ("linear", (5, 8), {})]
    ):
        w = g.add_constant(f"w{k}", RNG.standard_normal(shape).astype(np.float32))
        (value,) = add_op(g, op, [value, w], attrs, path=f"{k}", name=f"l{k}")
    (value,) = add_op(g, "mean", [value], {"axes": (1, 2), "keepdims": False}, path="pool", name="pool")
    g.outputs = [value]
    return g


def what(x: np.ndarray, labels: object = None, classes: tuple[str, ...] = ()) -> list[str]:
    return [d.what for d in doubts_of({"x": x}, None if labels is None else np.array(labels), classes)]


def test_good_data_is_not_doubted() -> None:
    x = photos()
    assert what(x) == what(x[:16]) == []
    assert what(x, [k % 2 for k in range(40)], ("cat", "dog")) == []
    dark = np.where(RNG.uniform(0, 1, x.shape) < 0.8, 0, x)
    assert what(dark) == [], "a dark background"
    strokes = np.where(RNG.uniform(0, 1, x.shape) < 0.5, 0, np.minimum(1.25 * x, 1))
    assert what(strokes) == [], "digits on black, a fifth of their strokes white"
    some = x.copy()
    some[:4] = 0.5
    some[4:12] = some[4:12] > 0.5
    assert what(some) == [], "single ones that are bad"
    assert what(RNG.integers(0, 2, (40, 8)).astype(np.float32)) == [], "features, not images"


def test_few_and_repeated_samples() -> None:
    x = photos()
    assert what(x[:3]) == ["3 calibration samples"]
    assert what(x[:15]) == ["15 calibration samples"]
    assert what(np.tile(x[:3], (9, 1, 1, 1))) == ["27 calibration samples, of which 3 differ"]
    (few,) = doubts_of({"x": np.tile(x[:3], (9, 1, 1, 1))})
    assert few.distinct == (0, 1, 2)
    assert what(np.repeat(x[:1], 20, 0), [1] * 20) == ["all 20 calibration samples are the same one"]
    assert what(x[:1]) == ["1 calibration sample"]
    same, other = np.repeat(x[:1], 20, 0), photos(20)
    assert doubts_of({"x": same, "y": other}) == (), "one input may be the same"


def test_samples_of_one_class() -> None:
    x = photos()
    assert what(x, [1] * 40, ("cat", "dog")) == ["all 40 calibration samples are of one class, dog"]
    assert what(x, [7] * 40, ("cat", "dog")) == ["all 40 calibration samples are of one class, 7"]
    assert what(x, ["a"] * 40) == ["all 40 calibration samples are of one class, a"]
    assert len(what(x, [[0, 1]] * 40)) == 1, "one-hot"


def test_images_in_which_there_is_nothing_to_be_seen() -> None:
    x = photos()
    grey = x.copy()
    grey[:10] = RNG.uniform(0, 1, (10, 1, 1, 3))
    said = "10 of 40 calibration images are of one colour"
    assert what(grey) == what(grey.transpose(0, 3, 1, 2).copy()) == [said]
    assert what(np.repeat(photos()[:, 0, 0, :1], 20, 1)) == [
        "40 of 40 calibration samples hold one number throughout"
    ]
    hard = np.clip((x - 0.5) * 8 + 0.5, 0, 1)
    hard[:4] = x[:4]
    assert what(hard) == ["36 of 40 calibration images are mostly black and white pixels, saturated"]
    assert what(np.where(x > 0.3, 1, x)) == [
        "40 of 40 calibration images are mostly black and white pixels, saturated"
    ]


def test_labels_come_with_the_samples(tmp_path: Path) -> None:
    x, inputs = photos(300), {"x": TensorType((1, 8, 8, 3))}
    labels = np.arange(300) % 3
    np.savez(tmp_path / "a.npz", x=x, labels=labels)
    assert load_samples(str(tmp_path / "a.npz"), inputs).doubts == ()
    (one,) = load_samples(str(tmp_path / "a.npz"), inputs, limit=100).doubts  # every third
    assert one.what.endswith("of one class, 0")
    np.savez(tmp_path / "b.npz", x=x[:20], labels=np.zeros(7))
    assert load_samples(str(tmp_path / "b.npz"), inputs).doubts == (), "labels of something else"
    few = load_samples(str(tmp_path / "a.npz"), inputs, limit=4)
    assert few.doubts and not few.head(2).doubts, "parts are none of the user's"


def figures(text: str) -> list[float]:
    return [float(f) for f in re.findall(r"(-?\d+\.\d) dB", text)]


@pytest.mark.parametrize(
    ("count", "parts"), [(2, [[0], [1]]), (3, [[0], [1], [2]]), (6, [[1, 4]])], ids=["two", "three", "six"]
)
def test_few_samples_are_judged_by_those_left_out(count: int, parts: list[list[int]]) -> None:
    g, x = network(), photos(count)
    x[1] *= 8
    samples = Samples({"x": x}, "test", doubts=doubts_of({"x": x}))
    chosen = quantize_model(g, samples, Silent())
    (text,) = weighed(samples, chosen, g, Silent())
    own, left = figures(text)
    assert own == pytest.approx(compare(g, chosen.graph, samples).snr, abs=0.05)
    noise = []
    for out in parts:
        rest = samples.part([k for k in range(count) if k not in out])
        held = quantize_graph(g, observe(g, rest).ranges(chosen.method.partition(" ")[0]))
        noise.append(10 ** (-compare(g, held, samples.part(out)).snr / 10))
    assert left == pytest.approx(-10 * np.log10(np.mean(noise)), abs=0.05) and left < own - 10
    which = "each" if count < 5 else "2 of them"
    assert text == (
        f"{count} calibration samples: outputs keep {own:.1f} dB on them, {left:.1f} dB on {which} "
        "when left out of calibration; give a few dozen that look like real use"
    )


def test_black_images_are_weighed_with_noise() -> None:
    g, x = network(), np.full((20, 8, 8, 3), 0.01, np.float32)
    x += RNG.uniform(0, 0.001, (20, 1, 1, 1)).astype(np.float32)
    samples = Samples({"x": x}, "test", doubts=doubts_of({"x": x}, np.zeros(20)))
    chosen = quantize_model(g, samples, Silent())
    classes, colour = weighed(samples, chosen, g, Silent())
    assert figures(classes) == figures(colour)
    have, could = figures(colour)
    assert have < 10 and could > 20, "of what is not black nothing was seen"
    assert re.fullmatch(
        r"20 of 20 calibration images are of one colour: outputs keep \S+ dB on noise about their mean, "
        r"\S+ dB if calibrated with it; check how they were taken, decoded and scaled",
        colour,
    )
    one = Samples({"x": np.zeros((1, 8, 8, 3), np.float32)}, "test")
    one.doubts = doubts_of(one.arrays)
    first, *_ = weighed(one, quantize_model(g, one, Silent()), g, Silent())
    have, could = figures(first)
    assert have < 10 and could > 20, "nothing but zeros was seen"


def test_what_has_no_values_on_noise() -> None:
    g = Graph()
    value = g.add_input("x", TensorType((1, 20)))
    for k, op in enumerate(("sqrt", "tanh")):
        (value,) = add_op(g, "pointwise", [value], {"fn": op}, path=op, name=f"l{k}")
    g.outputs = [value]
    samples = Samples({"x": np.zeros((1, 20), np.float32)}, "test")
    samples.doubts = doubts_of(samples.arrays)
    texts = weighed(samples, quantize_model(g, samples, Silent()), g, Silent())
    assert texts[0] == (
        "1 calibration sample: on noise about their mean the model's values are no numbers; "
        "give a few dozen that look like real use"
    )


class Told(Silent):
    def __init__(self) -> None:
        self.warned: list[str] = []
        self.stages: list[str] = []

    def warn(self, text: str) -> None:
        self.warned.append(text)

    def stage(self, name: str) -> None:
        self.stages.append(name)


@pytest.mark.parametrize("count", [4, 16])
def test_a_build_warns(tmp_path: Path, count: int) -> None:
    np.savez(tmp_path / "a.npz", x=photos(count))
    told = Told()
    options = BuildOptions("model", "host", tmp_path / "out", calib=tmp_path / "a.npz")
    lowered = lower(network(), options, told)
    assert lowered.warnings == told.warned
    if count == 16:
        assert not told.warned and "weigh the calibration data" not in told.stages
    else:
        (text,) = told.warned
        own, left = figures(text)
        assert text.startswith("4 calibration samples: ") and min(own, left) > 20
