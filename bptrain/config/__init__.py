"""Configs: YAML text to a frozen `Experiment`, and back."""

from bptrain.config.annotated import annotated
from bptrain.config.dump import dump, to_yaml
from bptrain.config.examples import Example, copy_example, examples
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
from bptrain.config.reference import reference
from bptrain.config.schema import schema, write_schema
from bptrain.config.starter import init

__all__ = [
    "Checkpointing",
    "Config",
    "Convergence",
    "Data",
    "EarlyStopping",
    "Example",
    "Experiment",
    "Logging",
    "Origin",
    "TargetOptions",
    "Training",
    "annotated",
    "changed",
    "copy_example",
    "dump",
    "examples",
    "from_json",
    "init",
    "load",
    "reference",
    "schema",
    "to_yaml",
    "write_schema",
]
