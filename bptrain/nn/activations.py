"""Activations: elementwise functions with their derivatives."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge

from bptrain.arrays import Array, Shape
from bptrain.nn import kernels
from bptrain.nn.initializers import HeNormal, Initializer
from bptrain.nn.layer import ACTIVATIONS, Activation, Plan, Scratch, Views, Workspace


@ACTIVATIONS.register
@dataclass(frozen=True)
class Relu(Activation):
    """The rectifier: passes what is positive and blocks the rest.

    Forward: `y = max(x, 0)`. Backward: `dx = dy · [x > 0]`; the derivative at 0 is 0, as in PyTorch, Keras and JAX.
    Shapes: any, kept. Reference: Nair and Hinton, 2010.
    """

    initializer: ClassVar[Initializer] = HeNormal()

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
    """The rectifier with a small slope left of zero, so that no unit can die.

    Forward: `y = x` for `x > 0`, else `slope · x`. Backward: `dx = dy` for `x > 0`, else `slope · dy`; the derivative
    at 0 is the slope. Shapes: any, kept. Reference: Maas et al., 2013. PyTorch's default slope is 0.01 too; Keras's is
    0.3.
    """

    slope: Annotated[float, Ge(0), "slope left of zero"] = 0.01

    initializer: ClassVar[Initializer] = HeNormal()

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
class Tanh(Activation):
    """The hyperbolic tangent: an S-shaped curve from -1 to 1.

    Forward: `y = tanh(x)`. Backward: `dx = dy · (1 - y²)`. Shapes: any, kept. Reference: LeCun et al., 1998. The same
    in all frameworks.
    """

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

    Forward: `y = 1 / (1 + exp(-x))`. Backward: `dx = dy · y · (1 - y)`. Shapes: any, kept. Reference: Rumelhart,
    Hinton and Williams, 1986. The same in all frameworks.
    """

    def plan(self, shape: Shape) -> Plan:
        scratch = {"slope": Scratch(shape), "positive": Scratch(shape, "bool")}
        return Plan(shape, scratch=scratch, reads="y", elementwise=True)

    def forward(self, p: Views, x: Array, y: Array, s: Workspace) -> None:
        kernels.sigmoid(x, y, s.slope, s.positive)

    def backward(self, p: Views, g: Views, x: Array, y: Array, dy: Array, dx: Array | None, s: Workspace) -> None:
        np.subtract(1, y, out=s.slope)
        np.multiply(y, s.slope, out=s.slope)
        np.multiply(dy, s.slope, out=dx)


@ACTIVATIONS.register
@dataclass(frozen=True)
class Softplus(Activation):
    """A smooth rectifier.

    Forward: `y = ln(1 + exp(x))`. Backward: `dx = dy · sigmoid(x)`, found from y as `1 - exp(-y)`. Shapes: any, kept.
    Reference: Dugas et al., 2001. PyTorch turns linear above 20, which differs by less than 3e-9.
    """

    initializer: ClassVar[Initializer] = HeNormal()

    def plan(self, shape: Shape) -> Plan:
        return Plan(shape, scratch={"slope": Scratch(shape)}, reads="y", elementwise=True)

    def forward(self, p: Views, x: Array, y: Array, s: Workspace) -> None:
        tail = s.slope
        kernels.exp_of_minus_abs(x, tail)
        np.log1p(tail, out=tail)
        kernels.positive_part(x, y)
        y += tail

    def backward(self, p: Views, g: Views, x: Array, y: Array, dy: Array, dx: Array | None, s: Workspace) -> None:
        np.negative(y, out=s.slope)
        np.expm1(s.slope, out=s.slope)
        np.negative(s.slope, out=s.slope)
        np.multiply(dy, s.slope, out=dx)
