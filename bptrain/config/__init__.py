"""Configs: YAML text to a frozen `Experiment`, and back."""

from bptrain.config.annotated import annotated
from bptrain.config.dump import dump, to_yaml
from bptrain.config.experiment import (
    Checkpointing,
    Convergence,
    Data,
    EarlyStopping,
    Experiment,
    Logging,
    TargetOptions,
    Training,
)
from bptrain.config.load import Config, changed, from_json, load
from bptrain.config.origin import Origin

__all__ = [
    "Checkpointing",
    "Config",
    "Convergence",
    "Data",
    "EarlyStopping",
    "Experiment",
    "Logging",
    "Origin",
    "TargetOptions",
    "Training",
    "annotated",
    "changed",
    "dump",
    "from_json",
    "load",
    "to_yaml",
]
