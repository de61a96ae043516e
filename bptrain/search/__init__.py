"""Searching: which of several configs is best, beyond chance."""
