"""Rules: checks of whether a config makes sense with its data, each with a code that the guide explains."""

from bptrain.rules import data_rules, network_rules, training_rules
from bptrain.rules.rule import RULES, check_rules, find_problems, get_severity

__all__ = ["RULES", "check_rules", "data_rules", "find_problems", "get_severity", "network_rules", "training_rules"]
