"""layout: NCHW graphs of foreign frameworks end up with as few moves as possible."""

from __future__ import annotations

import pytest

from edgec.ir import Graph
from edgec.passes.collapse_views import CollapseViews, remaining_copies
from edgec.passes.layout import SolveLayout
from tests.passes.common import graph_of, lines, ops, optimised


def solved(text: str) -> Graph:
    return optimised(graph_of(text), SolveLayout(), CollapseViews())


CONV = "{stride=(1, 1), padding=(0, 0, 0, 0), dilation=(1, 1), groups=1}"


def test_a_residual_block_in_nchw_moves_nothing() -> None:
    graph = solved(f"""
        input %x: f32[1, 3, 8, 8] NCHW
        const %w: f32[3, 1, 1, 3] = random(1)
        const %s: f32[3, 1, 1] = random(2)
        %a = transpose(%x) {{perm=(0, 2, 3, 1)}}
        %b = conv2d(%a, %w) {CONV}
        %c = transpose(%b) {{perm=(0, 3, 1, 2)}}
        %d = pointwise(%c) {{fn="relu"}}
        %e = add(%d, %x)
        %f = mul(%e, %s)
        %g = transpose(%f) {{perm=(0, 2, 3, 1)}}
        %h = conv2d(%g, %w) {CONV}
        %i = transpose(%h) {{perm=(0, 3, 1, 2)}}
        %j = mean(%i) {{axes=(2, 3), keepdims=false}}
        output %j
    """)
    assert remaining_copies(graph) == (0, 0)
    assert ops(graph) == ["conv2d", "pointwise", "add", "mul", "conv2d", "mean"]
    assert graph.input_perms == {"x": (0, 2, 3, 1)}
    assert graph.type("x").shape == (1, 8, 8, 3) and graph.type("x").layout == "NHWC"


def test_patch_embedding_moves_nothing() -> None:
    graph = solved("""
        input %x: f32[1, 3, 8, 8]
        const %w: f32[6, 4, 4, 3] = random(1)
        const %p: f32[1, 4, 6] = random(2)
        %a = transpose(%x) {perm=(0, 2, 3, 1)}
        %b = conv2d(%a, %w) {stride=(4, 4), padding=(0, 0, 0, 0), dilation=(1, 1), groups=1}
        %c = transpose(%b) {perm=(0, 3, 1, 2)}
        %d = reshape(%c) {shape=(1, 6, 4)}
        %e = transpose(%d) {perm=(0, 2, 1)}
        %y = add(%e, %p)
        output %y
    """)
    assert remaining_copies(graph) == (0, 0)
    assert ops(graph) == ["conv2d", "reshape", "add"]


def test_elementwise_between_conv_and_tokens_follows_the_conv() -> None:
    graph = solved(f"""
        input %x: f32[1, 3, 8, 8]
        const %w: f32[5, 1, 1, 3] = random(1)
        %a = transpose(%x) {{perm=(0, 2, 3, 1)}}
        %b = conv2d(%a, %w) {CONV}
        %c = transpose(%b) {{perm=(0, 3, 1, 2)}}
        %d = pointwise(%c) {{fn="gelu"}}
        %e = reshape(%d) {{shape=(1, 5, 64)}}
        %f = pointwise(%e) {{fn="relu"}}
        %g = transpose(%f) {{perm=(0, 2, 1)}}
        %h = softmax(%g) {{beta=1.0}}
        output %h
    """)
    assert remaining_copies(graph) == (0, 0)


def test_one_dimensional_convs() -> None:
    graph = solved(f"""
        input %x: f32[1, 3, 16]
        const %w: f32[3, 1, 1, 3] = random(1)
        %a = transpose(%x) {{perm=(0, 2, 1)}}
        %b = reshape(%a) {{shape=(1, 16, 1, 3)}}
        %c = conv2d(%b, %w) {CONV}
        %d = reshape(%c) {{shape=(1, 16, 3)}}
        %e = transpose(%d) {{perm=(0, 2, 1)}}
        %f = pointwise(%e) {{fn="gelu"}}
        %g = add(%f, %x)
        %h = transpose(%g) {{perm=(0, 2, 1)}}
        %i = reshape(%h) {{shape=(1, 16, 1, 3)}}
        %j = conv2d(%i, %w) {CONV}
        output %j
    """)
    assert remaining_copies(graph) == (0, 0)
    assert graph.input_perms == {"x": (0, 2, 1)}


def test_concat_pad_and_argmax_change_their_axes() -> None:
    graph = solved(f"""
        input %x: f32[1, 3, 8, 8]
        const %w: f32[3, 1, 1, 3] = random(1)
        %a = transpose(%x) {{perm=(0, 2, 3, 1)}}
        %b = conv2d(%a, %w) {CONV}
        %c = transpose(%b) {{perm=(0, 3, 1, 2)}}
        %d = concat(%c, %x) {{axis=1}}
        %e = pad(%d) {{pads=((0, 0), (0, 0), (1, 2), (0, 1)), value=0.0}}
        %f = argmax(%e) {{axis=1, keepdims=false}}
        output %f
    """)
    assert remaining_copies(graph) == (0, 0)
    text = "\n".join(lines(graph))
    assert "{axis=3}" in text
    assert "pads=((0, 0), (1, 2), (0, 1), (0, 0))" in text
    assert "{axis=3, keepdims=false}" in text


def test_an_image_output_keeps_the_users_layout() -> None:
    graph = solved(f"""
        input %x: f32[1, 3, 8, 8]
        const %w: f32[2, 1, 1, 3] = random(1)
        %a = transpose(%x) {{perm=(0, 2, 3, 1)}}
        %b = conv2d(%a, %w) {CONV}
        %c = transpose(%b) {{perm=(0, 3, 1, 2)}}
        %d = pointwise(%c) {{fn="relu"}}
        output %d
    """)
    assert remaining_copies(graph) == (1, 512)
    assert graph.type(graph.outputs[0]).shape == (1, 2, 8, 8)


def test_the_smaller_tensor_is_moved() -> None:
    """A broadcast sum of a permuted and a plain tensor: the one that costs less gives way."""
    graph = solved("""
        input %x: f32[1, 6, 40]
        input %s: f32[1, 40, 1]
        const %w: f32[6, 6] = random(1)
        %a = transpose(%x) {perm=(0, 2, 1)}
        %b = linear(%a, %w)
        %c = linear(%b, %w)
        %d = mul(%c, %s)
        %e = transpose(%d) {perm=(0, 2, 1)}
        %f = mean(%e) {axes=(2,), keepdims=false}
        output %f
    """)
    assert remaining_copies(graph) == (0, 0)
    assert graph.input_perms == {"x": (0, 2, 1)}


@pytest.mark.parametrize("axes", [(1,), (2, 3), (1, 2, 3)])
@pytest.mark.parametrize("keepdims", [False, True])
def test_reductions(axes: tuple[int, ...], keepdims: bool) -> None:
    graph = solved(f"""
        input %x: f32[1, 3, 4, 5]
        const %w: f32[3, 1, 1, 3] = random(1)
        %a = transpose(%x) {{perm=(0, 2, 3, 1)}}
        %b = conv2d(%a, %w) {CONV}
        %c = transpose(%b) {{perm=(0, 3, 1, 2)}}
        %y = mean(%c) {{axes={axes!s}, keepdims={str(keepdims).lower()}}}
        output %y
    """)
    assert remaining_copies(graph)[1] <= 4 * 4 * 5


@pytest.mark.parametrize("channels", [1, 3])
def test_an_image_cut_into_patches_is_taken_pixel_by_pixel(channels: int) -> None:
    graph = solved(f"""
        input %x: f32[1, {channels}, 8, 8]
        const %w: f32[5, {16 * channels}] = random(1)
        %a = reshape(%x) {{shape=(1, {channels}, 2, 4, 2, 4)}}
        %b = transpose(%a) {{perm=(0, 2, 4, 3, 5, 1)}}
        %c = reshape(%b) {{shape=(1, 4, {16 * channels})}}
        %y = linear(%c, %w)
        output %y
    """)
    assert graph.input_perms == {"x": (0, 2, 3, 1)}
    assert remaining_copies(graph)[0] == 1
