"""Losses: how far scores are from the targets, and the gradient; for numbers, classes, labels and shares."""

from bptrain.nn.losses.binary import BinaryCrossEntropy, Focal
from bptrain.nn.losses.classification import Hinge, KlDivergence, SoftmaxCrossEntropy
from bptrain.nn.losses.loss import LOSSES, Encoding, Loss, MultiTask, Part, Value, mean
from bptrain.nn.losses.regression import Huber, LogCosh, Mae, Mse, Poisson

__all__ = [
    "LOSSES", "BinaryCrossEntropy", "Encoding", "Focal", "Hinge", "Huber", "KlDivergence", "LogCosh", "Loss", "Mae",
    "Mse", "MultiTask", "Part", "Poisson", "SoftmaxCrossEntropy", "Value", "mean",
]  # fmt: skip
