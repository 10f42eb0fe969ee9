"""What convolutions and pools share: output sizes, sliding windows, rows."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edgec.ops.base import Call, OpError, Rows

_LONGEST = 2**16
_LARGEST = 2**22
"""Rows or columns, and pixels, that a window may cover."""


@dataclass(frozen=True)
class Window2d:
    """A kernel that slides over an image: (height, width) pairs, padding (top, left, bottom, right)."""

    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int, int, int]
    dilation: tuple[int, int]

    @staticmethod
    def of(call: Call, kernel: tuple[int, ...]) -> Window2d:
        """From the attributes stride, padding and dilation of a call.

        Raises OpError where the operand is no image or a number is out of range.
        """
        if len(call.ins[0].shape) != 4:
            raise OpError(f"the input must be [N,H,W,C], not {call.ins[0].shape}")
        stride, dilation = call.ints("stride", (1, 1)), call.ints("dilation", (1, 1))
        padding = call.ints("padding", (0, 0, 0, 0))
        if (len(kernel), len(stride), len(dilation), len(padding)) != (2, 2, 2, 4):
            raise OpError("kernel, stride and dilation have two numbers, padding has four")
        if min(*kernel, *stride, *dilation) < 1 or min(padding) < 0:
            raise OpError(f"kernel {kernel}, stride {stride}, dilation {dilation}, padding {padding}")
        reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
        if max(*reach, *stride, *padding) > _LONGEST or math.prod(reach) > _LARGEST:
            raise OpError(f"a window of {reach}, stride {stride}, padding {padding} is too large")
        kh, kw = kernel
        sh, sw = stride
        dh, dw = dilation
        t, left, b, right = padding
        return Window2d((kh, kw), (sh, sw), (t, left, b, right), (dh, dw))

    @property
    def extent(self) -> tuple[int, int]:
        """Rows and columns from the first to the last tap."""
        (kh, kw), (dh, dw) = self.kernel, self.dilation
        return (kh - 1) * dh + 1, (kw - 1) * dw + 1

    def output(self, height: int, width: int) -> tuple[int, int]:
        """Size of the result; raises OpError where not one window fits."""
        t, left, b, r = self.padding
        oh = (height + t + b - self.extent[0]) // self.stride[0] + 1
        ow = (width + left + r - self.extent[1]) // self.stride[1] + 1
        if oh < 1 or ow < 1:
            raise OpError(f"a window of {self.extent} does not fit an image of {height}x{width}")
        return oh, ow

    def rows(self, call: Call) -> Rows:
        """The rows of operand 0 that each output row needs, image by image."""
        n, height = call.ins[0].shape[:2]
        oh = call.outs[0].shape[1]
        one = Rows.sliding(oh, height, stride=self.stride[0], pad=self.padding[0], extent=self.extent[0])
        base = np.repeat(np.arange(n) * height, oh)
        return Rows(np.tile(one.first, n) + base, np.tile(one.last, n) + base)

    def lies_in_rows(self, call: Call) -> bool:
        """Whether the taps of every pixel lie side by side in one row of operand 0."""
        (_, height, width, _), (_, oh, ow, _) = call.ins[0].shape, call.outs[0].shape
        inside = (oh - 1) * self.stride[0] < height and (ow - 1) * self.stride[1] + self.kernel[1] <= width
        dense = self.kernel[0] == 1 and (self.kernel[1] == 1 or self.dilation[1] == 1)
        return dense and inside and self.padding[:2] == (0, 0)

    def patches(self, x: np.ndarray, fill: float) -> np.ndarray:
        """x [N,H,W,C] -> a view [N,OH,OW,KH,KW,C] of every window; taps outside are `fill`."""
        oh, ow = self.output(*x.shape[1:3])
        t, left, b, r = self.padding
        (eh, ew), (sh, sw), (dh, dw) = self.extent, self.stride, self.dilation
        if any(self.padding):
            x = np.pad(x, ((0, 0), (t, b), (left, r), (0, 0)), constant_values=fill)
        view = np.lib.stride_tricks.sliding_window_view(x, (eh, ew), axis=(1, 2))
        view = view[:, ::sh, ::sw, :, ::dh, ::dw][:, :oh, :ow]
        return view.transpose(0, 1, 2, 4, 5, 3)
