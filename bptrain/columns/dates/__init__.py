"""Dates: how they are written, and the inputs that a column of them becomes."""
