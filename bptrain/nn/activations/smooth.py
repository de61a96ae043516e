"""Smooth activations: S-shaped curves and smooth rectifiers."""

from dataclasses import dataclass
from math import inf, pi, sqrt

import numpy as np

from bptrain.arrays import Array, Shape
from bptrain.equations import Equations
from bptrain.nn import kernels
from bptrain.nn.initializers import HeNormal
from bptrain.nn.layer import ACTIVATIONS, Activation, Plan, Scratch, Views, Workspace


@ACTIVATIONS.register
@dataclass(frozen=True)
class Tanh(Activation):
    """The hyperbolic tangent: an S-shaped curve from -1 to 1.

    Shapes: any, unchanged. Reference: LeCun et al., 1998. The same in all frameworks.
    """

    equations = Equations(forward=("y = tanh(x)",), backward=("dx = dy · (1 - y²)",))
    steepest = 1.0
    most_in_a_row = 8
    bounds = (-1, 1)

    def plan(self, shape: Shape) -> Plan:
        return Plan(shape, scratch={"slope": Scratch(shape)}, reads="y", elementwise=True)

    def forward(self, p: Views, x: Array, y: Array, s: Workspace) -> None:
        np.tanh(x, out=y)

    def backward(self, p: Views, g: Views, x: Array, y: Array, dy: Array, dx: Array | None, s: Workspace) -> None:
        np.multiply(y, y, out=s.slope)
        np.subtract(1, s.slope, out=s.slope)
        np.multiply(dy, s.slope, out=dx)


@ACTIVATIONS.register
@dataclass(frozen=True)
class Sigmoid(Activation):
    """The logistic function: an S-shaped curve from 0 to 1.

    Shapes: any, unchanged. Reference: Rumelhart, Hinton and Williams, 1986. The same in all frameworks.
    """

    equations = Equations(forward=("y = 1 / (1 + exp(-x))",), backward=("dx = dy · y · (1 - y)",))
    aliases = ("logistic", "sigm")
    steepest = 0.25
    most_in_a_row = 4
    bounds = (0, 1)

    def plan(self, shape: Shape) -> Plan:
        scratch = {"slope": Scratch(shape), "positive": Scratch(shape, "bool")}
        return Plan(shape, scratch=scratch, reads="y", elementwise=True, link="sigmoid")

    def forward(self, p: Views, x: Array, y: Array, s: Workspace) -> None:
        kernels.sigmoid(x, y, s.slope, s.positive)

    def backward(self, p: Views, g: Views, x: Array, y: Array, dy: Array, dx: Array | None, s: Workspace) -> None:
        np.subtract(1, y, out=s.slope)
        np.multiply(y, s.slope, out=s.slope)
        np.multiply(dy, s.slope, out=dx)


@ACTIVATIONS.register
@dataclass(frozen=True)
class Softsign(Activation):
    """An S-shaped curve from -1 to 1 that is slower to saturate than tanh.

    Shapes: any, unchanged. The same in PyTorch and Keras. Reference: Bergstra et al., 2009.
    """

    equations = Equations(forward=("y = x / (1 + |x|)",), backward=("dx = dy / (1 + |x|)²",))
    steepest = 1.0
    most_in_a_row = 8
    bounds = (-1, 1)

    def plan(self, shape: Shape) -> Plan:
        return Plan(shape, scratch={"size": Scratch(shape)}, reads="", elementwise=True)

    def forward(self, p: Views, x: Array, y: Array, s: Workspace) -> None:
        kernels.absolute(x, s.size)
        s.size += 1
        np.divide(x, s.size, out=y)

    def backward(self, p: Views, g: Views, x: Array, y: Array, dy: Array, dx: Array | None, s: Workspace) -> None:
        np.divide(dy, s.size, out=dx)
        np.divide(dx, s.size, out=dx)  # type: ignore[arg-type]


@ACTIVATIONS.register
@dataclass(frozen=True)
class Softplus(Activation):
    """A smooth rectifier.

    The derivative is computed from y, as `1 - exp(-y)`. Shapes: any, unchanged. Reference: Dugas et al., 2001. PyTorch
    returns x itself above 20, which differs by less than 3e-9.
    """

    equations = Equations(forward=("y = ln(1 + exp(x))",), backward=("dx = dy · sigmoid(x)",))
    aliases = ("soft_plus",)
    initializer = HeNormal()
    bounds = (0, inf)

    def plan(self, shape: Shape) -> Plan:
        return Plan(shape, scratch={"slope": Scratch(shape)}, reads="y", elementwise=True)

    def forward(self, p: Views, x: Array, y: Array, s: Workspace) -> None:
        kernels.softplus(x, y, s.slope)

    def backward(self, p: Views, g: Views, x: Array, y: Array, dy: Array, dx: Array | None, s: Workspace) -> None:
        np.negative(y, out=s.slope)
        np.expm1(s.slope, out=s.slope)
        np.negative(s.slope, out=s.slope)
        np.multiply(dy, s.slope, out=dx)


@ACTIVATIONS.register
@dataclass(frozen=True)
class Silu(Activation):
    """A smooth rectifier that dips below zero: the input times its own sigmoid. Also called swish.

    Shapes: any, unchanged. The same in PyTorch and Keras. Reference: Elfwing, Uchibe and Doya, 2018.
    """

    equations = Equations(forward=("y = x σ(x)",), backward=("dx = dy · σ(x) · (1 + x (1 - σ(x)))",))
    aliases = ("swish",)
    initializer = HeNormal()
    bounds = (-0.2785, inf)

    def plan(self, shape: Shape) -> Plan:
        number = Scratch(shape)
        scratch = {"sigmoid": number, "slope": number, "positive": Scratch(shape, "bool")}
        return Plan(shape, scratch=scratch, reads="x", elementwise=True)

    def forward(self, p: Views, x: Array, y: Array, s: Workspace) -> None:
        kernels.sigmoid(x, s.sigmoid, s.slope, s.positive)
        np.multiply(x, s.sigmoid, out=y)

    def backward(self, p: Views, g: Views, x: Array, y: Array, dy: Array, dx: Array | None, s: Workspace) -> None:
        np.subtract(1, s.sigmoid, out=s.slope)
        s.slope *= x
        s.slope += 1
        s.slope *= s.sigmoid
        np.multiply(dy, s.slope, out=dx)


@ACTIVATIONS.register
@dataclass(frozen=True)
class Mish(Activation):
    """A smooth rectifier that dips below zero: the input times the tanh of its softplus.

    Shapes: any, unchanged. The same in PyTorch and Keras. Reference: Misra, 2020.
    """

    equations = Equations(
        forward=("y = x t", "t = tanh(ln(1 + exp(x)))"), backward=("dx = dy · (t + x (1 - t²) σ(x))",)
    )
    initializer = HeNormal()
    bounds = (-0.3089, inf)

    def plan(self, shape: Shape) -> Plan:
        number = Scratch(shape)
        scratch = {"t": number, "tail": number, "sigmoid": number, "positive": Scratch(shape, "bool")}
        return Plan(shape, scratch=scratch, reads="x", elementwise=True)

    def forward(self, p: Views, x: Array, y: Array, s: Workspace) -> None:
        kernels.softplus(x, s.t, s.tail)
        np.tanh(s.t, out=s.t)
        np.multiply(x, s.t, out=y)

    def backward(self, p: Views, g: Views, x: Array, y: Array, dy: Array, dx: Array | None, s: Workspace) -> None:
        kernels.sigmoid(x, s.sigmoid, s.tail, s.positive)
        np.multiply(s.t, s.t, out=s.tail)
        np.subtract(1, s.tail, out=s.tail)
        s.tail *= s.sigmoid
        s.tail *= x
        s.tail += s.t
        np.multiply(dy, s.tail, out=dx)


@ACTIVATIONS.register
@dataclass(frozen=True)
class GeluTanh(Activation):
    """The Gaussian error linear unit in its tanh form: a smooth rectifier that dips below zero.

    Shapes: any, unchanged. PyTorch's GELU with approximate="tanh"; the default of PyTorch and Keras is the erf form,
    which differs by up to 5e-4. Reference: Hendrycks and Gimpel, 2016.
    """

    equations = Equations(
        forward=("y = x (1 + t) / 2", "t = tanh(√(2/π) (x + 0.044715 x³))"),
        backward=("dx = dy · ((1 + t) / 2 + x (1 - t²) √(2/π) (1 + 0.134145 x²) / 2)",),
    )
    aliases = ("gelu",)

    ROOT = sqrt(2 / pi)

    initializer = HeNormal()
    bounds = (-0.1701, inf)

    def plan(self, shape: Shape) -> Plan:
        scratch = {"near": Scratch(shape), "t": Scratch(shape), "slope": Scratch(shape)}
        return Plan(shape, scratch=scratch, reads="x", elementwise=True)

    def forward(self, p: Views, x: Array, y: Array, s: Workspace) -> None:
        # Beyond ±1e4, t is 1 or -1 anyway, and x³ could overflow.
        kernels.clip(x, -1e4, 1e4, s.near)
        np.multiply(s.near, s.near, out=s.t)
        s.t *= 0.044715
        s.t += 1
        s.t *= s.near
        s.t *= self.ROOT
        np.tanh(s.t, out=s.t)
        np.add(s.t, 1, out=y)
        y *= x
        y *= 0.5

    def backward(self, p: Views, g: Views, x: Array, y: Array, dy: Array, dx: Array | None, s: Workspace) -> None:
        np.multiply(s.near, s.near, out=s.slope)
        s.slope *= 3 * 0.044715
        s.slope += 1
        s.slope *= s.near
        s.slope *= self.ROOT
        # The slope so far is x · d/dx √(2/π) (x + 0.044715 x³). With 1 - t² = (1 + t)(1 - t) the derivative of y is
        # (1 + t) / 2 · (1 + (1 - t) · slope).
        np.subtract(1, s.t, out=s.t)
        s.slope *= s.t
        s.slope += 1
        np.subtract(2, s.t, out=s.t)
        s.slope *= s.t
        s.slope *= 0.5
        np.multiply(dy, s.slope, out=dx)
