"""Explaining: a step of training as a worked example, and anybody's own computation held against it."""

from bptrain.explain.explaining import explain
from bptrain.explain.page import Line, Page, Section

__all__ = ["Line", "Page", "Section", "explain"]
