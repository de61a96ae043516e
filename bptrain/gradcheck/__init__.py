"""Gradient checks: the hand-written backward pass held against the complex step of the forward pass."""

from bptrain.gradcheck.complex_step import Check, Twin, check
from bptrain.gradcheck.suite import GradientReport, check_gradients

__all__ = ["Check", "GradientReport", "Twin", "check", "check_gradients"]
