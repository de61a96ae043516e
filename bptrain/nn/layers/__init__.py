"""Layers that do more than apply one function to each value; each file has one family."""

from bptrain.nn.layers.dense import Dense, Residual
from bptrain.nn.layers.noise import Dropout, GaussianNoise
from bptrain.nn.layers.normalization import BatchNorm, LayerNorm, Softmax
from bptrain.nn.layers.periodic import Periodic

__all__ = ["BatchNorm", "Dense", "Dropout", "GaussianNoise", "LayerNorm", "Periodic", "Residual", "Softmax"]
