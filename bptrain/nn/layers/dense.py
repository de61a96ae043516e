"""Fully connected layers, and residual blocks of layers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge

from bptrain.arrays import Array, Shape
from bptrain.equations import Equations
from bptrain.errors import Mistake, OptionError
from bptrain.nn.activations.smooth import Tanh
from bptrain.nn.initializers import INITIALIZERS, GlorotUniform, Initializer, Zeros
from bptrain.nn.layer import LAYERS, Activation, Layer, Parameter, Plan, Views, Workspace

Auto = Literal["auto"]


@LAYERS.register
@dataclass(frozen=True)
class Dense:
    """A fully connected layer: every unit is a weighted sum of all inputs.

    Shapes: x `(n, inputs)`, W `(inputs, units)`, b `(units,)`, y `(n, units)`. Reference: Rumelhart, Hinton and
    Williams, 1986. Keras stores W the same way, PyTorch transposed.
    """

    equations = Equations(
        forward=("y = x W + b",),
        backward=("dW = xᵀ dy", "db = Σ_rows dy", "dx = dy Wᵀ"),
        variants={"without bias": Equations(forward=("y = x W",), backward=("dW = xᵀ dy", "dx = dy Wᵀ"))},
    )
    aliases = ("affine", "fc", "fully_connected", "inner_product", "linear")

    units: Annotated[Annotated[int, Ge(1)] | Auto, "number of units; auto: as many as the target needs"] = "auto"
    bias: Annotated[bool, "whether each unit adds a bias b"] = True
    weight_init: Annotated[
        Annotated[Initializer, INITIALIZERS] | Auto, "initializer of W; auto: chosen for the next activation"
    ] = "auto"
    bias_init: Annotated[Initializer, INITIALIZERS, "initializer of b"] = Zeros()
    l1: Annotated[Annotated[float, Ge(0)] | None, "L1 penalty on W; null: the one of regularization"] = None
    l2: Annotated[Annotated[float, Ge(0)] | None, "L2 penalty on W; null: the one of regularization"] = None

    @classmethod
    def example(cls, width: int) -> "Dense":
        """Return a layer to check on rows of `width` values."""
        return cls(3)

    def resolve(self, units: int | None, following: Sequence[Layer]) -> "Dense":
        """Return the layer with every `auto` replaced.

        Args:
            units: as many as the target needs; None where the target does not decide.
            following: the layers after it; the first activation before the next dense layer decides on the initializer.

        Raises:
            OptionError: its units are `auto`, and `units` is None.
        """
        if self.units == "auto" and units is None:
            what = "auto is for the last dense layer, whose units the target decides; give a number"
            raise OptionError(Mistake("units", what))
        suitable: Initializer = GlorotUniform()
        for layer in following:
            if isinstance(layer, Dense):
                break
            if isinstance(layer, Activation):
                suitable = layer.initializer
                break
        return replace(
            self,
            units=units if self.units == "auto" and units is not None else self.units,
            weight_init=suitable if self.weight_init == "auto" else self.weight_init,
        )

    def choose_equations(self) -> Equations:
        return self.equations if self.bias else self.equations.variants["without bias"]

    def plan(self, shape: Shape) -> Plan:
        if self.units == "auto":
            raise OptionError(Mistake("units", "auto cannot be resolved here; give a number"))
        start = GlorotUniform() if self.weight_init == "auto" else self.weight_init
        parameters = {"weight": Parameter((*shape, self.units), start, l1=self.l1, l2=self.l2)}
        if self.bias:
            parameters["bias"] = Parameter((self.units,), self.bias_init, decay=False)
        return Plan((self.units,), parameters, reads="x", linear=True)

    def forward(self, p: Views, x: Array, y: Array, s: Workspace) -> None:
        x.dot(p.weight, out=y)
        if self.bias:
            y += p.bias

    def backward(self, p: Views, g: Views, x: Array, y: Array, dy: Array, dx: Array | None, s: Workspace) -> None:
        x.T.dot(dy, out=g.weight)
        if self.bias:
            # A product with ones is faster than dy.sum(axis=0), and rounds less than one long sum in float32.
            s.ones.dot(dy, out=g.bias)
        if dx is not None:
            dy.dot(p.weight.T, out=dx)


@LAYERS.register
@dataclass(frozen=True)
class Residual:
    """Adds its input to the output of its layers, so that deep networks start close to the identity.

    f is the output of the layers for x, and df the gradient that they pass back for dy. Shapes: any, unchanged; the
    layers must return the shape that they take. PyTorch and Keras have no such layer. Reference: He et al., 2016.
    """

    equations = Equations(forward=("y = x + f",), backward=("dx = dy + df",))
    aliases = ("resblock", "skip")

    layers: Annotated[tuple[Annotated[Layer, LAYERS], ...], "layers of the block, from input to output"]

    def __post_init__(self) -> None:
        if not self.layers:
            raise OptionError(Mistake("layers", "has no layers; write at least - dense: {units: ...}"))

    def letters(self, s: Workspace, label: str) -> dict[str, Array]:
        """Return f after the forward pass, df after the backward pass."""
        return {"f": s.inner.scores} if label == "Forward:" else {"df": s.inner.dinput}

    @classmethod
    def example(cls, width: int) -> "Residual":
        """Return a block to check on rows of `width` values."""
        return cls((Dense(3), Tanh(), Dense(width)))

    def plan(self, shape: Shape) -> Plan:
        return Plan(shape, layers=self.layers, reads="x")

    def forward(self, p: Views, x: Array, y: Array, s: Workspace) -> None:
        s.inner.forward(training=s.training)
        np.add(x, s.inner.scores, out=y)

    def backward(self, p: Views, g: Views, x: Array, y: Array, dy: Array, dx: Array | None, s: Workspace) -> None:
        np.copyto(s.inner.dscores, dy)
        s.inner.backward()
        if dx is not None:
            np.add(dy, s.inner.dinput, out=dx)
