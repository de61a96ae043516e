"""Explaining: a step of training as a worked example, and anybody's own computation held against it."""

from bptrain.explanation.explaining import explain
from bptrain.explanation.page import Line, Page, Section
from bptrain.explanation.verifying import Verification, verify

__all__ = ["Line", "Page", "Section", "Verification", "explain", "verify"]
