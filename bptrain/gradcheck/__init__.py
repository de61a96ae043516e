"""Gradient checks: the hand-written backward pass held against the derivative of the forward pass."""

from bptrain.gradcheck.network_check import check
from bptrain.gradcheck.planted.mutation_report import MutationReport
from bptrain.gradcheck.sweep import Sweep, sweep
from bptrain.gradcheck.taylor import Taylor
from bptrain.gradcheck.twin import Twin
from bptrain.gradcheck.verdict import Check

__all__ = [
    "Check",
    "MutationReport",
    "Sweep",
    "Taylor",
    "Twin",
    "check",
    "sweep",
]
