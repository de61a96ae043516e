"""Bench: how fast training is on this machine, beside its own matrix products and beside other libraries."""

from bptrain.bench.command_lines import Command
from bptrain.bench.measuring import Comparison, Measurement
from bptrain.bench.workloads import WORKLOADS, Workload

__all__ = ["WORKLOADS", "Command", "Comparison", "Measurement", "Workload"]
