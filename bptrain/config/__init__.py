"""Configs: YAML text to a frozen `Experiment`, and back."""

from bptrain.config.dump import dump, to_yaml
from bptrain.config.experiment import Convergence, Data, EarlyStopping, Experiment, Training
from bptrain.config.load import Config, from_json, load
from bptrain.config.reference import reference
from bptrain.config.yaml_text import Origin

__all__ = [
    "Config",
    "Convergence",
    "Data",
    "EarlyStopping",
    "Experiment",
    "Origin",
    "Training",
    "dump",
    "from_json",
    "load",
    "reference",
    "to_yaml",
]
