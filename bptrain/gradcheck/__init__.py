"""Gradient checks: the hand-written backward pass held against the derivative of the forward pass."""

from bptrain.gradcheck.checking import check
from bptrain.gradcheck.comparison import Check
from bptrain.gradcheck.mutations import MutationReport
from bptrain.gradcheck.sweep import Sweep, sweep
from bptrain.gradcheck.taylor import Taylor
from bptrain.gradcheck.twin import Twin

__all__ = [
    "Check",
    "MutationReport",
    "Sweep",
    "Taylor",
    "Twin",
    "check",
    "sweep",
]
