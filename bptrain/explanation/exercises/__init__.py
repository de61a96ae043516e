"""Exercises: steps to compute by hand, and answers held against the truth."""
