"""edgec compiles a neural network for a board and proves every output byte right."""

__version__ = "0.1.0"
