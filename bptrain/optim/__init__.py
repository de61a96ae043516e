"""How parameters are changed: optimizers, learning-rate schedules, penalties on weights, and gradient clipping."""

from bptrain.optim.adam import Adam, Adamax, Adamw, Nadam
from bptrain.optim.adaptive import Adadelta, Adagrad, Rmsprop, Rprop
from bptrain.optim.lbfgs import Lbfgs
from bptrain.optim.optimizer import OPTIMIZERS, LearningRate, LineSearch, Optimizer
from bptrain.optim.regularization import Clipping, Regularization
from bptrain.optim.schedule import (
    SCHEDULES,
    Constant,
    Exponential,
    InverseTime,
    Linear,
    MultiStep,
    Plateau,
    Polynomial,
    Schedule,
    Step,
)
from bptrain.optim.sgd import Lion, Sgd
from bptrain.optim.waves import Cosine, CosineRestarts, OneCycle, Warmup

__all__ = [
    "OPTIMIZERS", "SCHEDULES", "Adadelta", "Adagrad", "Adam", "Adamax", "Adamw", "Clipping", "Constant", "Cosine",
    "CosineRestarts", "Exponential", "InverseTime", "Lbfgs", "LearningRate", "LineSearch", "Linear", "Lion",
    "MultiStep", "Nadam", "OneCycle", "Optimizer", "Plateau", "Polynomial", "Regularization", "Rmsprop", "Rprop",
    "Schedule", "Sgd", "Step", "Warmup",
]  # fmt: skip
