"""Kernels chosen by measuring them: candidates, runs on the simulated board, a cache of what they took."""

from edgec.tune.measure import uncounted
from edgec.tune.on_board import board_at
from edgec.tune.tuner import Tuned, Tuner

__all__ = ["Tuned", "Tuner", "board_at", "uncounted"]
