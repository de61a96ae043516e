"""Benchmarks: the speed of training on this machine, next to its own matrix products and to other libraries."""
