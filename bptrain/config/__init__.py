"""Configs: YAML text to a frozen `Experiment`, and back."""

from bptrain.config.annotation import annotate
from bptrain.config.document.dump import dump, to_yaml
from bptrain.config.experiment import Data, Experiment, TargetOptions
from bptrain.config.load import Config, from_json, load, load_document

__all__ = [
    "Config",
    "Data",
    "Experiment",
    "TargetOptions",
    "annotate",
    "dump",
    "from_json",
    "load",
    "load_document",
    "to_yaml",
]
