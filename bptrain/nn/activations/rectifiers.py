"""Rectifiers and other activations with a kink."""

from dataclasses import dataclass
from math import inf
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge, Gt

from bptrain.arrays import Array, Shape
from bptrain.equations import Equations
from bptrain.nn import kernels
from bptrain.nn.initializers import Constant, HeNormal, LecunNormal
from bptrain.nn.layer import ACTIVATIONS, Activation, Parameter, Plan, Scratch, Views, Workspace


@ACTIVATIONS.register
@dataclass(frozen=True)
class Identity(Activation):
    """Changes nothing.

    Shapes: any, unchanged. Keras calls it linear. Reference: none needed.
    """

    equations = Equations(forward=("y = x",), backward=("dx = dy",))
    aliases = ("linear", "none")

    def plan(self, shape: Shape) -> Plan:
        return Plan(shape, reads="", elementwise=True, identity=True)

    def forward(self, p: Views, x: Array, y: Array, s: Workspace) -> None:
        if y is not x:
            np.copyto(y, x)

    def backward(self, p: Views, g: Views, x: Array, y: Array, dy: Array, dx: Array | None, s: Workspace) -> None:
        if dx is not None and dx is not dy:
            np.copyto(dx, dy)


@ACTIVATIONS.register
@dataclass(frozen=True)
class Relu(Activation):
    """The rectifier: positive values pass, all others become 0.

    The derivative at 0 is 0, as in PyTorch, Keras and JAX. Shapes: any, unchanged. Reference: Nair and Hinton, 2010.
    """

    equations = Equations(forward=("y = max(x, 0)",), backward=("dx = dy · [x > 0]",))
    aliases = ("rectifier",)
    initializer = HeNormal()
    kinks = (0.0,)
    bounds = (0, inf)

    def plan(self, shape: Shape) -> Plan:
        return Plan(shape, scratch={"positive": Scratch(shape, "bool")}, reads="y", elementwise=True)

    def forward(self, p: Views, x: Array, y: Array, s: Workspace) -> None:
        kernels.positive_part(x, y)

    def backward(self, p: Views, g: Views, x: Array, y: Array, dy: Array, dx: Array | None, s: Workspace) -> None:
        np.greater(y, 0, out=s.positive)
        np.multiply(dy, s.positive, out=dx)


@ACTIVATIONS.register
@dataclass(frozen=True)
class LeakyRelu(Activation):
    """The rectifier with a small slope left of zero, so that every unit always has a gradient.

    The derivative at 0 is the slope. Shapes: any, unchanged. Reference: Maas et al., 2013. PyTorch's default slope is
    0.01 too; Keras's is 0.3.
    """

    equations = Equations(
        forward=("y = x for x > 0, else slope · x",), backward=("dx = dy for x > 0, else slope · dy",)
    )
    aliases = ("leakyrelu", "lrelu")
    initializer = HeNormal()
    kinks = (0.0,)

    slope: Annotated[float, Ge(0), "slope left of zero"] = 0.01

    def plan(self, shape: Shape) -> Plan:
        scratch = {"positive": Scratch(shape, "bool"), "factor": Scratch(shape)}
        return Plan(shape, scratch=scratch, reads="", elementwise=True)

    def forward(self, p: Views, x: Array, y: Array, s: Workspace) -> None:
        np.greater(x.real, 0, out=s.positive)
        s.factor.fill(self.slope)
        np.copyto(s.factor, 1, where=s.positive)
        np.multiply(x, s.factor, out=y)

    def backward(self, p: Views, g: Views, x: Array, y: Array, dy: Array, dx: Array | None, s: Workspace) -> None:
        np.multiply(dy, s.factor, out=dx)


@ACTIVATIONS.register
@dataclass(frozen=True)
class Prelu(Activation):
    """The rectifier with a learned slope left of zero, one for each unit.

    Shapes: x and y `(n, units)`, a `(units,)`, without weight decay. Keras too has a slope for each value; PyTorch by
    default has one for all. Reference: He et al., 2015.
    """

    equations = Equations(
        forward=("y = max(x, 0) + a · min(x, 0)",),
        backward=("dx = dy for x > 0, else a · dy", "da = Σ_rows dy · min(x, 0)"),
    )
    initializer = HeNormal()
    kinks = (0.0,)

    initial: Annotated[float, Ge(0), "initial slope"] = 0.25

    def plan(self, shape: Shape) -> Plan:
        parameters = {"slope": Parameter(shape, Constant(self.initial), decay=False)}
        scratch = {"positive": Scratch(shape, "bool"), "negative": Scratch(shape)}
        return Plan(shape, parameters, scratch, reads="x", elementwise=True)

    def forward(self, p: Views, x: Array, y: Array, s: Workspace) -> None:
        kernels.negative_part(x, s.negative)
        kernels.positive_part(x, y)
        np.multiply(s.negative, p.slope, out=s.negative)
        y += s.negative

    def backward(self, p: Views, g: Views, x: Array, y: Array, dy: Array, dx: Array | None, s: Workspace) -> None:
        kernels.negative_part(x, s.negative)
        np.multiply(dy, s.negative, out=s.negative)
        np.dot(s.ones, s.negative, out=g.slope)
        if dx is not None:
            # `negative` now serves for the slope: 1 where x > 0, else a.
            np.greater(x, 0, out=s.positive)
            np.copyto(s.negative, p.slope)
            np.copyto(s.negative, 1, where=s.positive)
            np.multiply(dy, s.negative, out=dx)


class ExponentialUnit(Activation):
    """The base of elu and selu: y = `scale · x` for x > 0, else `scale · alpha · (exp(x) - 1)`."""

    alpha: float
    scale: ClassVar[float] = 1.0
    kinks = (0.0,)

    @property
    def bounds(self) -> tuple[float, float]:
        return (-self.scale * self.alpha, inf)

    def plan(self, shape: Shape) -> Plan:
        scratch = {"positive": Scratch(shape, "bool"), "tail": Scratch(shape), "slope": Scratch(shape)}
        return Plan(shape, scratch=scratch, reads="y", elementwise=True)

    def forward(self, p: Views, x: Array, y: Array, s: Workspace) -> None:
        # y = scale · (max(x, 0) + tail) with tail = alpha · (exp(min(x, 0)) - 1)
        kernels.negative_part(x, s.tail)
        np.expm1(s.tail, out=s.tail)
        s.tail *= self.alpha
        kernels.positive_part(x, y)
        y += s.tail
        if self.scale != 1:
            y *= self.scale

    def backward(self, p: Views, g: Views, x: Array, y: Array, dy: Array, dx: Array | None, s: Workspace) -> None:
        # dx = scale · dy where y > 0, else scale · (tail + alpha) · dy
        np.greater(y, 0, out=s.positive)
        np.add(s.tail, self.alpha, out=s.slope)
        np.copyto(s.slope, 1, where=s.positive)
        if self.scale != 1:
            s.slope *= self.scale
        np.multiply(dy, s.slope, out=dx)


@ACTIVATIONS.register
@dataclass(frozen=True)
class Elu(ExponentialUnit):
    """The exponential linear unit: the identity right of zero, a smooth curve down to -alpha left of it.

    Shapes: any, unchanged. The same in PyTorch and Keras. Reference: Clevert, Unterthiner and Hochreiter, 2016.
    """

    equations = Equations(
        forward=("y = x for x > 0, else alpha · (exp(x) - 1)",),
        backward=("dx = dy for x > 0, else alpha · exp(x) · dy",),
    )
    initializer = HeNormal()

    alpha: Annotated[float, Gt(0), "far left of zero the output approaches -alpha"] = 1.0


@ACTIVATIONS.register
@dataclass(frozen=True)
class Selu(ExponentialUnit):
    """The exponential linear unit scaled so that signals keep mean 0 and variance 1 through many layers.

    Shapes: any, unchanged. Made for lecun_normal weights. The same in PyTorch and Keras. Reference: Klambauer et al.,
    2017.
    """

    equations = Equations(
        forward=("y = λ x for x > 0, else λ α (exp(x) - 1)", "λ = 1.0507009873554805", "α = 1.6732632423543772"),
        backward=("dx = λ dy for x > 0, else λ α exp(x) dy",),
    )
    alpha = 1.6732632423543772848170429916717
    scale = 1.0507009873554804934193349852946
    initializer = LecunNormal()


class Clipped(Activation):
    """The base of the activations that are the identity between their bounds and constant outside."""

    steepest = 1.0

    def plan(self, shape: Shape) -> Plan:
        scratch = {"above": Scratch(shape, "bool"), "inside": Scratch(shape, "bool")}
        return Plan(shape, scratch=scratch, reads="y", elementwise=True)

    def forward(self, p: Views, x: Array, y: Array, s: Workspace) -> None:
        low, high = self.bounds
        kernels.clip(x, low, high, y)

    def backward(self, p: Views, g: Views, x: Array, y: Array, dy: Array, dx: Array | None, s: Workspace) -> None:
        low, high = self.bounds
        np.greater(y, low, out=s.above)
        np.less(y, high, out=s.inside)
        np.logical_and(s.above, s.inside, out=s.inside)
        np.multiply(dy, s.inside, out=dx)


@ACTIVATIONS.register
@dataclass(frozen=True)
class HardTanh(Clipped):
    """The identity, cut off at -1 and 1.

    The derivative is 0 at both corners, as in PyTorch. Shapes: any, unchanged. Reference: Collobert, 2004.
    """

    equations = Equations(forward=("y = min(max(x, -1), 1)",), backward=("dx = dy · [-1 < x < 1]",))
    aliases = ("hardtanh",)
    kinks = (-1.0, 1.0)
    most_in_a_row = 8
    bounds = (-1, 1)


@ACTIVATIONS.register
@dataclass(frozen=True)
class Relu6(Clipped):
    """The rectifier, cut off at 6.

    The derivative is 0 at both corners, as in PyTorch. Shapes: any, unchanged. Reference: Krizhevsky, 2010.
    """

    equations = Equations(forward=("y = min(max(x, 0), 6)",), backward=("dx = dy · [0 < x < 6]",))
    initializer = HeNormal()
    kinks = (0.0, 6.0)
    bounds = (0, 6)
