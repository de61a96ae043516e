"""Benchmarks: the speed of training on this machine, next to matrix products alone and to other libraries."""
