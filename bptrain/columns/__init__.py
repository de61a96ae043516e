"""Columns: their kinds, how each is encoded for the network, the targets, and which rows train."""
