"""Schedules: how the learning rate changes while training goes on."""

from bptrain.optim.schedules.decays import (
    Constant,
    Exponential,
    InverseTime,
    Linear,
    MultiStep,
    Plateau,
    Polynomial,
    Step,
)
from bptrain.optim.schedules.schedule import SCHEDULES, Schedule
from bptrain.optim.schedules.waves import Cosine, CosineRestarts, OneCycle, Warmup

__all__ = [
    "SCHEDULES",
    "Constant",
    "Cosine",
    "CosineRestarts",
    "Exponential",
    "InverseTime",
    "Linear",
    "MultiStep",
    "OneCycle",
    "Plateau",
    "Polynomial",
    "Schedule",
    "Step",
    "Warmup",
]
