"""Columns: their kinds, what each becomes for the network, targets, and which rows train."""
