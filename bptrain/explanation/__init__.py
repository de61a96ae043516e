"""Explanations: a training step with all its numbers, and exercises made of it."""
