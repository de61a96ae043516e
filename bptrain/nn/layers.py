"""Layers that do more than apply one function to each value."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge, Le, Lt

from bptrain.arrays import Array, Shape
from bptrain.errors import Mistake, OptionError
from bptrain.nn.activations import Tanh
from bptrain.nn.initializers import INITIALIZERS, GlorotUniform, Initializer, Zeros
from bptrain.nn.layer import LAYERS, Activation, Layer, Parameter, Plan, Scratch, Views, Workspace
from bptrain.registry import name_of

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
    l1: Annotated[Annotated[float, Ge(0)] | None, "penalty on W in place of regularization.l1; null: that one"] = None
    l2: Annotated[Annotated[float, Ge(0)] | None, "penalty on W in place of regularization.l2; null: that one"] = None

    @classmethod
    def example(cls, width: int) -> "Dense":
        """One to try behind `width` values."""
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

    def equations(self, label: str) -> str:
        """The formulas without b where there is none."""
        if self.bias:
            return ""
        return "`y = x W`" if label == "Forward:" else "`dW = xᵀ dy`, `dx = dy Wᵀ`"

    def plan(self, shape: Shape) -> Plan:
        if self.units == "auto":
            raise OptionError(Mistake("units", "nothing says how many units auto means here; give a number"))
        start = GlorotUniform() if self.weight_init == "auto" else self.weight_init
        parameters = {"weight": Parameter((*shape, self.units), start, l1=self.l1, l2=self.l2)}
        if self.bias:
            parameters["bias"] = Parameter((self.units,), self.bias_init, decay=False)
        return Plan((self.units,), parameters, reads="x")

    def forward(self, p: Views, x: Array, y: Array, s: Workspace) -> None:
        x.dot(p.weight, out=y)
        if self.bias:
            y += p.bias

    def backward(self, p: Views, g: Views, x: Array, y: Array, dy: Array, dx: Array | None, s: Workspace) -> None:
        x.T.dot(dy, out=g.weight)
        if self.bias:
            # A product with ones: faster than dy.sum(axis=0), and not one long float32 sum.
            s.ones.dot(dy, out=g.bias)
        if dx is not None:
            dy.dot(p.weight.T, out=dx)


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

    def letters(self, s: Workspace, label: str) -> dict[str, Array]:
        """The mask."""
        return {"m": s.mask * (1 - self.rate)}

    def plan(self, shape: Shape) -> Plan:
        scratch = {"uniform": Scratch(shape, "float32"), "mask": Scratch(shape)}
        return Plan(shape, scratch=scratch, random=True, reads="", elementwise=True)

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


@LAYERS.register
@dataclass(frozen=True)
class GaussianNoise:
    """Adds normal noise while training, so that no exact value is relied on.

    Forward: `y = x + std · e` with fresh `e ~ N(0, 1)`; outside training `y = x`. Backward: `dx = dy`. Shapes: any,
    kept. As Keras's GaussianNoise. Reference: Bishop, 1995.
    """

    std: Annotated[float, Ge(0), Le(1e6), "standard deviation of the noise"] = 0.1

    def letters(self, s: Workspace, label: str) -> dict[str, Array]:
        """The noise before it is scaled."""
        return {"e": s.noise.astype(np.float64) / (self.std or 1)}

    def plan(self, shape: Shape) -> Plan:
        return Plan(shape, scratch={"noise": Scratch(shape, "float32")}, random=True, reads="", elementwise=True)

    def forward(self, p: Views, x: Array, y: Array, s: Workspace) -> None:
        if y is not x:
            np.copyto(y, x)
        if s.training:
            # Drawn in float32 whatever the dtype of the network, so that the noise of a seed is always the same.
            s.rng.standard_normal(out=s.noise, dtype=np.float32)
            s.noise *= self.std
            y += s.noise

    def backward(self, p: Views, g: Views, x: Array, y: Array, dy: Array, dx: Array | None, s: Workspace) -> None:
        if dx is not None and dx is not dy:
            np.copyto(dx, dy)


@LAYERS.register
@dataclass(frozen=True)
class Softmax:
    """Turns the values of a row into probabilities. For a loss on probabilities, such as mse; cross-entropy has its
    own.

    Forward: `y_j = exp(x_j) / Σ_k exp(x_k)`. Backward: `dx = y (dy - Σ_k dy_k y_k)`. Shapes: `(n, units)`, kept. The
    same in all frameworks. Reference: Bridle, 1990.
    """

    @property
    def bounds(self) -> tuple[float, float]:
        """Between which numbers its values lie."""
        return (0, 1)

    def plan(self, shape: Shape) -> Plan:
        return Plan(shape, scratch={"row": Scratch(()), "product": Scratch(shape)}, reads="y")

    def forward(self, p: Views, x: Array, y: Array, s: Workspace) -> None:
        np.maximum.reduce(x.real, axis=1, out=s.row)
        np.subtract(x, s.row[:, None], out=y)
        np.exp(y, out=y)
        np.add.reduce(y, axis=1, out=s.row)
        np.divide(y, s.row[:, None], out=y)

    def backward(self, p: Views, g: Views, x: Array, y: Array, dy: Array, dx: Array | None, s: Workspace) -> None:
        np.multiply(dy, y, out=s.product)
        np.add.reduce(s.product, axis=1, out=s.row)
        if dx is not None:
            np.subtract(dy, s.row[:, None], out=dx)
            dx *= y


@LAYERS.register
@dataclass(frozen=True)
class Residual:
    """Adds its input to what its layers make of it, so that deep networks start close to the identity.

    Forward: `y = x + f` with f what the layers in a row make of x. Backward: `dx = dy + df` with df what their own
    backward makes of dy. Shapes: any, kept; the layers must end in the shape in which they begin. Written out by hand
    in PyTorch and Keras. Reference: He et al., 2016.
    """

    layers: Annotated[tuple[Annotated[Layer, LAYERS], ...], "from input to output; as many outputs as inputs"]

    def __post_init__(self) -> None:
        if not self.layers:
            raise OptionError(Mistake("layers", "has no layers; write at least - dense: {units: ...}"))

    def letters(self, s: Workspace, label: str) -> dict[str, Array]:
        """What the layers make of x, and their backward of dy."""
        return {"f": s.inner.scores} if label == "Forward:" else {"df": s.inner.dinput}

    @classmethod
    def example(cls, width: int) -> "Residual":
        """One to try behind `width` values."""
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


def completed(layers: Sequence[Layer], outputs: int | None) -> tuple[Layer, ...]:
    """The layers with every `auto` replaced: the last dense layer takes `outputs` units, initializers suit activations.

    `outputs` is None for the layers inside a block, whose widths nothing else decides.

    Raises:
        OptionError: `units: auto` in a dense layer that is not the last one, or inside a block.
    """
    last = max((k for k, layer in enumerate(layers) if isinstance(layer, Dense)), default=-1)
    done: list[Layer] = []
    for k, layer in enumerate(layers):
        if isinstance(layer, Dense):
            if layer.units == "auto" and (k != last or outputs is None):
                message = "auto is for the last dense layer, whose units the target decides; give a number"
                raise OptionError(Mistake(f"{k}.dense.units", message))
            done.append(layer.completed(outputs or 1, layers[k + 1 :]))
        elif isinstance(inside := getattr(layer, "layers", None), tuple):
            try:
                done.append(replace(layer, layers=completed(inside, None)))  # type: ignore[type-var]
            except OptionError as error:
                raise error.under(f"{k}.{name_of(layer)}.layers") from None
        else:
            done.append(layer)
    return tuple(done)
