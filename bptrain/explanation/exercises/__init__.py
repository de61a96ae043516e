"""Exercises: steps to compute by hand, and the verification of the answers."""
