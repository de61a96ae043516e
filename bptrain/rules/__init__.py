"""Rules: what is wrong or risky in a config together with its data, under codes that `bptrain help` explains."""

from bptrain.rules import column_rules, data_rules, layer_rules, network_rules, training_rules
from bptrain.rules.judge import judge, require_sense
from bptrain.rules.rule import RULES, Case, get_severity

__all__ = [
    "RULES",
    "Case",
    "column_rules",
    "data_rules",
    "get_severity",
    "judge",
    "layer_rules",
    "network_rules",
    "require_sense",
    "training_rules",
]
