"""Gradient checks: the hand-written backward pass compared with the derivative of the forward pass."""

from bptrain.gradcheck.network_check import check
from bptrain.gradcheck.sweep import Sweep, sweep
from bptrain.gradcheck.twin import Twin
from bptrain.gradcheck.verdict import Check

__all__ = ["Check", "Sweep", "Twin", "check", "sweep"]
