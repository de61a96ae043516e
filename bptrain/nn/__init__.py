"""Networks: layers, activations, initializers and losses, each with its forward and backward pass by hand.

What a layer, an activation or a loss of one's own needs is all here: `from bptrain.nn import LAYERS, Parameter, Plan`.
"""

from bptrain.nn import activations, kernels, layers, normalization
from bptrain.nn.chain import Frame
from bptrain.nn.initializers import INITIALIZERS, GlorotUniform, HeNormal, Initializer, Normal, Ones, Zeros
from bptrain.nn.layer import ACTIVATIONS, LAYERS, Activation, Layer, Parameter, Plan, Scratch, State, Views, Workspace
from bptrain.nn.layers import completed
from bptrain.nn.losses import LOSSES, Loss, mean
from bptrain.nn.network import Entry, Network

__all__ = [
    "ACTIVATIONS",
    "INITIALIZERS",
    "LAYERS",
    "LOSSES",
    "Activation",
    "Entry",
    "Frame",
    "GlorotUniform",
    "HeNormal",
    "Initializer",
    "Layer",
    "Loss",
    "Network",
    "Normal",
    "Ones",
    "Parameter",
    "Plan",
    "Scratch",
    "State",
    "Views",
    "Workspace",
    "Zeros",
    "activations",
    "completed",
    "kernels",
    "layers",
    "mean",
    "normalization",
]
