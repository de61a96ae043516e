"""How parameters are changed: optimizers, learning-rate schedules, and penalties on the weights."""

from bptrain.optim.optimizers import OPTIMIZERS, Adam, Optimizer, Sgd
from bptrain.optim.regularization import Regularization
from bptrain.optim.schedules import SCHEDULES, Constant, Cosine, Schedule

__all__ = [
    "OPTIMIZERS",
    "SCHEDULES",
    "Adam",
    "Constant",
    "Cosine",
    "Optimizer",
    "Regularization",
    "Schedule",
    "Sgd",
]
