"""What average and maximum pooling share."""

from __future__ import annotations

from edgec.ir import TensorType
from edgec.ops.base import Call, Op, QuantRule, Rows
from edgec.ops.windows2d import Window2d


class Pool2d(Op):
    """A window slides over every channel by itself: x [N,H,W,C] -> [N,OH,OW,C]."""

    def infer(self, call: Call) -> list[TensorType]:
        window = self.window(call)
        n, h, w, c = call.ins[0].shape
        return [TensorType((n, *window.output(h, w), c), layout=call.ins[0].layout)]

    def rows(self, call: Call) -> tuple[Rows | None, ...]:
        return (self.window(call).rows(call),)

    def overwrites(self, call: Call) -> tuple[int, ...]:
        # A value is written when its taps have been read, channels ascending. No later one needs
        # them where windows do not overlap, or where there is only one.
        window, y = self.window(call), call.outs[0].shape
        apart = all(e <= s for e, s in zip(window.extent, window.stride, strict=True))
        return (0,) if (apart and not any(window.padding)) or y[1:3] == (1, 1) else ()

    def quantization(self, call: Call) -> QuantRule:
        return QuantRule(output="same")

    def window(self, call: Call) -> Window2d:
        """The sliding window, from the attributes kernel, stride, padding and dilation."""
        return Window2d.of(call, call.ints("kernel"))
