"""Networks: layers, activations, initializers and losses, each with its forward and backward pass by hand."""

from bptrain.nn import activations, layers, normalization
from bptrain.nn.chain import Frame
from bptrain.nn.initializers import INITIALIZERS, Initializer
from bptrain.nn.layer import ACTIVATIONS, LAYERS, Activation, Layer, Parameter, Plan, Scratch, State, Views, Workspace
from bptrain.nn.layers import completed
from bptrain.nn.losses import LOSSES, Loss
from bptrain.nn.network import Entry, Network

__all__ = [
    "ACTIVATIONS",
    "INITIALIZERS",
    "LAYERS",
    "LOSSES",
    "Activation",
    "Entry",
    "Frame",
    "Initializer",
    "Layer",
    "Loss",
    "Network",
    "Parameter",
    "Plan",
    "Scratch",
    "State",
    "Views",
    "Workspace",
    "activations",
    "completed",
    "layers",
    "normalization",
]
