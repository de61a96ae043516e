"""Optimizers: rules that turn a gradient into a step, from plain descent to a line search."""

from bptrain.optim.optimizers.adam import Adam, Adamax, Adamw, Nadam
from bptrain.optim.optimizers.adaptive import Adadelta, Adagrad, Rmsprop
from bptrain.optim.optimizers.lbfgs import Lbfgs
from bptrain.optim.optimizers.optimizer import OPTIMIZERS, LearningRate, LineSearch, Optimizer
from bptrain.optim.optimizers.sgd import Sgd
from bptrain.optim.optimizers.signs import Lion, Rprop

__all__ = [
    "OPTIMIZERS",
    "Adadelta",
    "Adagrad",
    "Adam",
    "Adamax",
    "Adamw",
    "Lbfgs",
    "LearningRate",
    "LineSearch",
    "Lion",
    "Nadam",
    "Optimizer",
    "Rmsprop",
    "Rprop",
    "Sgd",
]
