"""How many instructions kernels with Advanced SIMD take for an element of a result, on the simulator.

Some of their loops are the compiler's vectors: that it makes them is tested here, too.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from edgec import prove
from edgec.build import write_files
from edgec.codegen.library import generate
from edgec.codegen.toolchain import build_runner
from edgec.ir.parse import parse
from edgec.ops.base import infer_types
from edgec.ops.interpret import evaluate
from edgec.schedule import make_plan
from edgec.sim.linux import LinuxRunner
from edgec.target import load_target

LAYERS = """
graph layers for {features}
input %x: i8[1, 16, 16, 48] NHWC q(0.05, 3)
const %g: f32[48] = random(1)
const %b: f32[48] = random(2)
const %up.w: i8[8, 2, 2, 48] q(0.02) = random(3)
%wide = requantize(%x) : i16 q(0.0003, 0) @ s8_s16
%back = requantize(%wide) : i8 q(0.04, -5) @ s16_s8
%sum = add(%x, %back) : i8 q(0.08, -3) @ add
%sum16 = add(%wide, %sum) : i16 q(0.0004, 0) @ add_s16
%mul = mul(%sum, %back) : i8 q(0.2, 7) @ mul
%pooled = mean(%mul) {axes=(1, 2), keepdims=true} : i8 q(0.1, 0) @ mean
%scaled = mul(%mul, %pooled) : i8 q(0.1, 1) @ mul_channels
%max = maximum(%scaled, %x) : i8 q(0.2, 0) @ maximum
%largest = max_pool2d(%x) {kernel=(3, 3), stride=(1, 1), padding=(1, 1, 1, 1)} : i8 q(0.05, 3) @ max_pool
%average = avg_pool2d(%back) {kernel=(3, 3), stride=(1, 1), padding=(1, 1, 1, 1)} : i8 q(0.04, -5) @ avg_pool
%small = avg_pool2d(%x) {kernel=(2, 2), stride=(2, 2)} : i8 q(0.05, 3) @ avg_pool_2x2
%resized = resize_bilinear(%small) {size=(16, 16), half_pixel=true} : i8 q(0.05, 3) @ bilinear
%norm = layer_norm(%resized, %g, %b) {epsilon=1e-05} : i8 q(0.03, 0) @ layer_norm
%norm16 = layer_norm(%sum16, %g, %b) {epsilon=1e-05} : i8 q(0.03, 0) @ layer_norm_s16
%group = group_norm(%norm, %g, %b) {epsilon=1e-05, groups=2} : i8 q(0.03, 0) @ group_norm
%line = pointwise(%sum16) {fn="gelu"} : i16 q(0.0003, 0) @ lut_s16
%line8 = pointwise(%line) {fn="gelu"} : i8 q(0.05, -120) @ lut_s16_s8
%soft = softmax(%group) : i8 q(0.00390625, -128) @ softmax
%tokens = reshape(%norm) {shape=(1, 256, 48)} : i8 q(0.03, 0) @ tokens
%mixed = attention(%tokens, %tokens, %tokens) {dims=(1, 1, 256, 256, 48, 48), q_view=(0, 0, 0, 48), k_view=(0, 0, 0, 48), v_view=(0, 0, 0, 48), scale=0.25} : i8 q(0.05, 0) @ attention
%table = pointwise(%mixed) {fn="gelu"} : i8 q(0.05, -120) @ lut_s8
%up = conv_transpose2d(%small, %up.w) {stride=(2, 2)} : i8 q(0.2, 5) @ conv_transpose
%both = concat(%norm16, %line8, %soft) {axis=3} : i8 q(0.05, 0) @ concat
%running = running_sums(%norm) {columns=16, taps=3, stride=1, padding=(1, 1)} : i32 @ running_sums
%running8 = running_max(%norm) {columns=16, taps=3, stride=1, padding=(1, 1)} : i8 q(0.03, 0) @ running_max
output %max, %largest, %average, %both, %running, %running8, %table, %up
"""  # noqa: E501
FEATURES = {"cortex-a53": "neon", "cortex-a76": "dotprod, neon"}
MOST = {
    "s8_s16": (3.6, 3.6),
    "s16_s8": (3.6, 3.6),
    "add": (6.9, 6.9),
    "add_s16": (6.9, 6.8),
    "mul": (4.7, 4.7),
    "mean": (165.0, 174.0),
    "mul_channels": (5.2, 5.2),
    "maximum": (6.1, 6.1),
    "max_pool": (7.9, 8.5),
    "avg_pool": (13.7, 13.9),
    "avg_pool_2x2": (10.8, 10.5),
    "conv_transpose": (77.0, 68.0),
    "bilinear": (5.4, 5.2),
    "layer_norm": (7.0, 7.1),
    "layer_norm_s16": (7.3, 7.3),
    "lut_s16": (8.3, 8.5),
    "lut_s16_s8": (7.3, 7.6),
    "group_norm": (8.0, 8.1),
    "softmax": (15.0, 16.0),
    "concat": (4.1, 4.0),
    "attention": (356.0, 307.0),
    "lut_s8": (1.7, 1.7),
    "running_max": (2.8, 2.9),
    "running_sums": (5.9, 6.2),
}
"""By layer, on each of the targets: a little more than what they take."""


def counted(target: str, work: Path) -> dict[str, float]:
    """Instructions for an element of a layer's result, by the layer's name. Raises where a byte is wrong."""
    graph = parse(LAYERS.replace("{features}", FEATURES[target]), infer=infer_types)
    library = generate(graph, make_plan(graph, regions=False), load_target(target))
    write_files(work, library.files)
    (image,) = prove.draw_inputs(graph, 1)
    want = b"".join(y.tobytes() for y in evaluate(graph, image).values())
    with LinuxRunner(build_runner(work / "src", load_target(target)), load_target(target)) as runner:
        (result,) = runner.run([prove.pack_inputs(library, image)])
    assert result.outputs == want
    assert result.per_layer is not None
    return {
        layer.title: cost.instructions / graph.out_types(layer.node)[0].size
        for layer, cost in zip(library.layers, result.per_layer, strict=True)
    }


@pytest.mark.parametrize("target", FEATURES)
def test_instructions_for_an_element(target: str, tmp_path: Path) -> None:
    found = counted(target, tmp_path)
    most = {name: both[list(FEATURES).index(target)] for name, both in MOST.items()}
    assert found.keys() == most.keys()
    assert {name: n for name, n in found.items() if n > most[name]} == {}
