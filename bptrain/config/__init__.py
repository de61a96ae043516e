"""Configs: YAML text to a frozen `Experiment`, and back."""

from bptrain.config.annotation import annotate
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
from bptrain.config.load import Config, from_json, load, load_document
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
    "annotate",
    "dump",
    "from_json",
    "load",
    "load_document",
    "to_yaml",
]
