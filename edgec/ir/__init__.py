"""The graph IR: typed tensors, ops, constants; built on networkx, which stays in here."""

from edgec.ir.graph import Attr, Graph, Node, Value
from edgec.ir.parse import TextError, parse
from edgec.ir.text import constant_table, to_text
from edgec.ir.types import DType, Quant, TensorType, dtype_of
from edgec.ir.verify import GraphError, verify

__all__ = [
    "Attr",
    "DType",
    "Graph",
    "GraphError",
    "Node",
    "Quant",
    "TensorType",
    "TextError",
    "Value",
    "constant_table",
    "dtype_of",
    "parse",
    "to_text",
    "verify",
]
