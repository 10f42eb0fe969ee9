"""A small integer graph with layers that kernels of several families can compute."""

from edgec.ir import Graph
from tests.schedule.layers import Net


def mixed(*features: str) -> Graph:
    """Convolutions, a depthwise one, a sum and a linear layer of many rows, for such a core."""
    n = Net("mixed", 0)
    x = n.conv(n.input(6, 6, 3), 8)
    y = n.op("add", [x, n.conv(n.depthwise(x), 8, 1)], {"activation": ""})
    graph = n.integer(n.linear(n.op("reshape", [y], {"shape": (1, 36, 8)}), 12))
    graph.features = frozenset(features)
    return graph
