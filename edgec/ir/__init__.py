"""The graph IR: typed tensors, ops, constants; built on networkx, which stays in here."""

from edgec.ir.graph import Attr, Graph, Node, Value
from edgec.ir.types import DType, Quant, TensorType, dtype_of

__all__ = ["Attr", "DType", "Graph", "Node", "Quant", "TensorType", "Value", "dtype_of"]
