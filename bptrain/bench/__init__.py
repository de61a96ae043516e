"""Bench: how fast training is on this machine, beside its own matrix products and beside other libraries."""

from bptrain.bench.benchmarking import Benchmark, benchmark
from bptrain.bench.commands import Command
from bptrain.bench.measuring import Comparison, Measurement
from bptrain.bench.workloads import WORKLOADS, Workload

__all__ = ["WORKLOADS", "Benchmark", "Command", "Comparison", "Measurement", "Workload", "benchmark"]
