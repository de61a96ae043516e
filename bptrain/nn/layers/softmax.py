"""Softmax as a layer of its own."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bptrain.arrays import Array, Shape
from bptrain.equations import Equations
from bptrain.nn.layer import LAYERS, Plan, Scratch, Views, Workspace


@LAYERS.register
@dataclass(frozen=True)
class Softmax:
    """Turns the values of a row into probabilities. For a loss on probabilities, such as mse; cross-entropy has its
    own.

    Shapes: `(n, units)`, kept. The same in all frameworks. Reference: Bridle, 1990.
    """

    equations: ClassVar[Equations] = Equations(
        forward=("y_j = exp(x_j) / Σ_k exp(x_k)",), backward=("dx = y (dy - Σ_k dy_k y_k)",)
    )

    @property
    def bounds(self) -> tuple[float, float]:
        """Between which numbers its values lie."""
        return (0, 1)

    def plan(self, shape: Shape) -> Plan:
        return Plan(shape, scratch={"row": Scratch(()), "product": Scratch(shape)}, reads="y", link="softmax")

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
