"""Sense: rules that find what is wrong or risky in a config together with its data."""

from bptrain.training.sense import assembling, columns, data, layers, network, training
from bptrain.training.sense.judge import judge
from bptrain.training.sense.rule import RULES, Case, Rule

__all__ = ["RULES", "Case", "Rule", "assembling", "columns", "data", "judge", "layers", "network", "training"]
