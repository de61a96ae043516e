"""Explaining: a step of training as a worked example, and anybody's own computation held against it."""

from bptrain.explanation.exercises import Exercise, exercise
from bptrain.explanation.explaining import explain
from bptrain.explanation.page import Line, Page, Section
from bptrain.explanation.verifying import Verification, verify

__all__ = ["Exercise", "Line", "Page", "Section", "Verification", "exercise", "explain", "verify"]
