"""Explanations: a training step with all of its numbers, and exercises built from it."""
