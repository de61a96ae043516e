"""Dividing the rows: the options of a split, and how its rows are drawn."""
