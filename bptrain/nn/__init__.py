"""Networks, and the layers, activations, losses and initializers that they are built from; all gradients by hand.

Everything that you need to write your own is here: `from bptrain.nn import LAYERS, Parameter, Plan`.
"""

from bptrain.equations import Equations
from bptrain.nn import activations, kernels, layers
from bptrain.nn.chain import Frame, resolve_layers
from bptrain.nn.initializers import INITIALIZERS, GlorotUniform, HeNormal, Initializer, Normal, Ones, Zeros
from bptrain.nn.layer import ACTIVATIONS, LAYERS, Activation, Layer, Parameter, Plan, Scratch, State, Views, Workspace
from bptrain.nn.layers import normalization
from bptrain.nn.losses import LOSSES, Loss, mean
from bptrain.nn.network import Entry, Network

__all__ = [
    "ACTIVATIONS", "INITIALIZERS", "LAYERS", "LOSSES", "Activation", "Entry", "Equations", "Frame", "GlorotUniform",
    "HeNormal", "Initializer", "Layer", "Loss", "Network", "Normal", "Ones", "Parameter", "Plan", "Scratch",
    "State", "Views", "Workspace", "Zeros", "activations", "kernels", "layers", "mean", "normalization",
    "resolve_layers",
]  # fmt: skip

completed = resolve_layers
"""The former name of `resolve_layers`, for `--code` files that still use it."""
