"""The fully connected layer."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge

from bptrain.arrays import Array, Shape
from bptrain.equations import Equations
from bptrain.errors import Mistake, OptionError
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

    equations: ClassVar[Equations] = Equations(
        forward=("y = x W + b",),
        backward=("dW = xᵀ dy", "db = Σ_rows dy", "dx = dy Wᵀ"),
        variants={"without bias": Equations(forward=("y = x W",), backward=("dW = xᵀ dy", "dx = dy Wᵀ"))},
    )
    aliases: ClassVar[tuple[str, ...]] = ("affine", "fc", "fully_connected", "inner_product", "linear")
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

    def resolve(self, units: int | None, following: Sequence[Layer]) -> "Dense":
        """Return the layer with each `auto` replaced: by `units`, and by the initializer that suits the next activation
        in `following`.

        Raises:
            OptionError: `units: auto`, and None given for it.
        """
        if self.units == "auto" and units is None:
            message = "auto is for the last dense layer, whose units the target decides; give a number"
            raise OptionError(Mistake("units", message))
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
        """Return those without b where there is none."""
        return self.equations if self.bias else self.equations.variants["without bias"]

    def plan(self, shape: Shape) -> Plan:
        if self.units == "auto":
            raise OptionError(Mistake("units", "nothing says how many units auto means here; give a number"))
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
            # A product with ones: faster than dy.sum(axis=0), and not one long float32 sum.
            s.ones.dot(dy, out=g.bias)
        if dx is not None:
            dy.dot(p.weight.T, out=dx)
