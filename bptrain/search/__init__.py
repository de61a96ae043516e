"""Searching: which of several configs is better, beyond chance."""
