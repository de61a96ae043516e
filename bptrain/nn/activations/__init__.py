"""Activations: functions of single values, with their derivatives."""

from bptrain.nn.activations.rectifiers import Elu, HardTanh, Identity, LeakyRelu, Prelu, Relu, Relu6, Selu
from bptrain.nn.activations.smooth import GeluTanh, Mish, Sigmoid, Silu, Softplus, Softsign, Tanh

__all__ = [
    "Elu", "GeluTanh", "HardTanh", "Identity", "LeakyRelu", "Mish", "Prelu", "Relu", "Relu6", "Selu", "Sigmoid",
    "Silu", "Softplus", "Softsign", "Tanh",
]  # fmt: skip
