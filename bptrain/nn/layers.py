"""Layers that do more than apply one function to each value."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge, Lt

from bptrain.arrays import Array, Shape
from bptrain.nn.initializers import INITIALIZERS, GlorotUniform, Initializer, Zeros
from bptrain.nn.layer import LAYERS, Activation, Layer, Parameter, Plan, Scratch, Views, Workspace

Auto = Literal["auto"]


@LAYERS.register
@dataclass(frozen=True)
class Dense:
    """A fully connected layer: every unit is a weighted sum of all inputs.

    Forward: `y = x W + b`. Backward: `dW = xᵀ dy`, `db = Σ_rows dy`, `dx = dy Wᵀ`.
    Shapes: x `(n, inputs)`, W `(inputs, units)`, b `(units,)`, y `(n, units)`.
    Reference: Rumelhart, Hinton and Williams, 1986. Keras stores W the same way, PyTorch transposed.
    """

    units: Annotated[Annotated[int, Ge(1)] | Auto, "outputs; auto, in the last dense layer: what the target needs"] = (
        "auto"
    )
    bias: Annotated[bool, "whether to add b"] = True
    weight_init: Annotated[
        Annotated[Initializer, INITIALIZERS] | Auto, "start of W; auto: what suits the activation that follows"
    ] = "auto"
    bias_init: Annotated[Initializer, INITIALIZERS, "start of b"] = Zeros()

    @classmethod
    def example(cls) -> "Dense":
        """One to try between other layers."""
        return cls(3)

    def completed(self, units: int, following: Sequence[Layer]) -> "Dense":
        """The layer with `auto` replaced: by `units`, and by the initializer for the next activation in `following`."""
        suitable: Initializer = GlorotUniform()
        for layer in following:
            if isinstance(layer, Dense):
                break
            if isinstance(layer, Activation):
                suitable = layer.initializer
                break
        return replace(
            self,
            units=units if self.units == "auto" else self.units,
            weight_init=suitable if self.weight_init == "auto" else self.weight_init,
        )

    def plan(self, shape: Shape) -> Plan:
        if self.units == "auto" or self.weight_init == "auto":
            return self.completed(1, ()).plan(shape)
        parameters = {"weight": Parameter((*shape, self.units), self.weight_init)}
        if self.bias:
            parameters["bias"] = Parameter((self.units,), self.bias_init, decay=False)
        return Plan((self.units,), parameters, reads="x")

    def forward(self, p: Views, x: Array, y: Array, s: Workspace) -> None:
        np.dot(x, p.weight, out=y)
        if self.bias:
            y += p.bias

    def backward(self, p: Views, g: Views, x: Array, y: Array, dy: Array, dx: Array | None, s: Workspace) -> None:
        np.dot(x.T, dy, out=g.weight)
        if self.bias:
            # A product with ones: faster than dy.sum(axis=0), and not one long float32 sum.
            np.dot(s.ones, dy, out=g.bias)
        if dx is not None:
            np.dot(dy, p.weight.T, out=dx)


@LAYERS.register
@dataclass(frozen=True)
class Dropout:
    """Sets a random share of the values to zero while training, so that no unit relies on another.

    Forward: `y = x · m / (1 - rate)` with a fresh `m ~ Bernoulli(1 - rate)` for each value; outside training `y = x`.
    Backward: `dx = dy · m / (1 - rate)`. Shapes: any, kept. `rate` is the share that is dropped, as in PyTorch and
    Keras; the share that is kept in the first TensorFlow and in JAX's stax. Reference: Srivastava et al., 2014 (this
    is the inverted form, which leaves evaluation alone).
    """

    rate: Annotated[float, Ge(0), Lt(1), "share of the values that is dropped"] = 0.5

    def plan(self, shape: Shape) -> Plan:
        scratch = {"uniform": Scratch(shape, "float32"), "mask": Scratch(shape)}
        return Plan(shape, scratch=scratch, reads="", elementwise=True)

    def forward(self, p: Views, x: Array, y: Array, s: Workspace) -> None:
        if not s.training:
            if y is not x:
                np.copyto(y, x)
            return
        # Drawn in float32 whatever the dtype of the network, so that the masks of a seed are always the same.
        s.rng.random(out=s.uniform, dtype=np.float32)
        np.greater_equal(s.uniform, self.rate, out=s.mask)
        s.mask *= 1 / (1 - self.rate)
        np.multiply(x, s.mask, out=y)

    def backward(self, p: Views, g: Views, x: Array, y: Array, dy: Array, dx: Array | None, s: Workspace) -> None:
        np.multiply(dy, s.mask, out=dx)
