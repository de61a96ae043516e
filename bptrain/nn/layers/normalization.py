"""Layers that normalize: to mean 0 and variance 1 over the rows or over the units, or to probabilities."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Gt, Le

from bptrain.arrays import Array, Shape
from bptrain.equations import Equations
from bptrain.nn.initializers import Ones, Zeros
from bptrain.nn.layer import LAYERS, Parameter, Plan, Scratch, State, Views, Workspace


def plan_scale_and_shift(shape: Shape) -> dict[str, Parameter]:
    """Return the learned scale and shift of each unit, without weight decay."""
    return {"scale": Parameter(shape, Ones(), decay=False), "shift": Parameter(shape, Zeros(), decay=False)}


@LAYERS.register
@dataclass(frozen=True)
class BatchNorm:
    """Brings every unit to mean 0 and variance 1 over the rows of the batch, then scales and shifts it.

    Outside training μ and σ² are running statistics: each training step moves them by the share `momentum` towards the
    mean and the variance of the batch, where this variance is divided by n - 1. Shapes: x and y `(n, units)` with n of
    at least 2 in training, γ and β `(units,)`. Momentum and epsilon are as in PyTorch; Keras's momentum is 1 minus ours
    (default 0.99), its epsilon 1e-3, and its running variance is divided by n. Reference: Ioffe and Szegedy, 2015.
    """

    equations = Equations(
        forward=(
            "y = γ x̂ + β",
            "x̂ = (x - μ) / √(σ² + ε)",
            "μ = Σ_rows x / n",
            "σ² = Σ_rows (x - μ)² / n",
            "running = (1 - momentum) running + momentum · batch",
        ),
        backward=("dγ = Σ_rows dy x̂", "dβ = Σ_rows dy", "dx = γ / √(σ² + ε) · (dy - dβ / n - x̂ dγ / n)"),
    )
    aliases = ("batch_norm1d", "batch_normalization", "batchnorm", "bn")

    momentum: Annotated[float, Gt(0), Le(1), "share of the batch in the running statistics"] = 0.1
    epsilon: Annotated[float, Gt(0), "added to the variance, against division by zero"] = 1e-5

    def letters(self, s: Workspace, label: str) -> dict[str, Array]:
        """Return the normalized values, which backward overwrites."""
        return {"x̂": s.normal} if label == "Forward:" else {}

    def plan(self, shape: Shape) -> Plan:
        row, unit = Scratch(shape), Scratch(shape, per_row=False)
        scratch = {"normal": row, "square": row, "average": unit, "deviation": unit}
        state = {"mean": State(shape, 0.0), "variance": State(shape, 1.0)}
        parameters = plan_scale_and_shift(shape)
        return Plan(shape, parameters, scratch, state, least_rows=2, reads="", linear=True, normalizes="rows")

    def forward(self, p: Views, x: Array, y: Array, s: Workspace) -> None:
        if s.training:
            n = len(x)
            fill_column_means(x, s.average)
            np.subtract(x, s.average, out=s.normal)
            move_towards(s.mean, s.average, self.momentum)
            np.multiply(s.normal, s.normal, out=s.square)
            fill_column_means(s.square, s.average)
            np.add(s.average, self.epsilon, out=s.deviation)
            s.average *= n / (n - 1)
            move_towards(s.variance, s.average, self.momentum)
        else:
            np.subtract(x, s.mean, out=s.normal)
            np.add(s.variance, self.epsilon, out=s.deviation)
        np.sqrt(s.deviation, out=s.deviation)
        np.divide(s.normal, s.deviation, out=s.normal)
        np.multiply(s.normal, p.scale, out=y)
        y += p.shift

    def backward(self, p: Views, g: Views, x: Array, y: Array, dy: Array, dx: Array | None, s: Workspace) -> None:
        n = len(x)
        np.dot(s.ones, dy, out=g.shift)
        np.multiply(dy, s.normal, out=s.square)
        np.dot(s.ones, s.square, out=g.scale)
        if dx is not None:
            np.divide(g.scale, n, out=s.average)
            np.multiply(s.normal, s.average, out=s.normal)
            np.subtract(dy, s.normal, out=dx)
            np.divide(g.shift, n, out=s.average)
            dx -= s.average
            np.divide(p.scale, s.deviation, out=s.average)
            dx *= s.average


def fill_column_means(x: Array, out: Array) -> None:
    """Fill out with the mean of each unit over the rows, summed in double precision and rounded once."""
    total: Array = np.add.reduce(x, axis=0, dtype=np.result_type(x.dtype, np.float64))
    np.divide(total, len(x), out=out, casting="same_kind")


def move_towards(running: Array, value: Array, momentum: float) -> None:
    """Move running statistics by the share `momentum` towards those of a batch, `value`, which is overwritten."""
    running *= 1 - momentum
    value *= momentum
    running += value


@LAYERS.register
@dataclass(frozen=True)
class LayerNorm:
    """Brings every row to mean 0 and variance 1 over its units, then scales and shifts each unit.

    The means are over the units of a row, in training and outside it. Shapes: x and y `(n, units)`, γ and β `(units,)`.
    Epsilon as in PyTorch; Keras has 1e-3. Reference: Ba, Kiros and Hinton, 2016.
    """

    equations = Equations(
        forward=("y = γ x̂ + β", "x̂ = (x - μ) / √(σ² + ε)", "μ = mean(x)", "σ² = mean((x - μ)²)"),
        backward=("dγ = Σ_rows dy x̂", "dβ = Σ_rows dy", "dx = (d - mean(d) - x̂ mean(d x̂)) / √(σ² + ε)", "d = γ dy"),
    )
    aliases = ("layer_normalization", "ln")

    epsilon: Annotated[float, Gt(0), "added to the variance, against division by zero"] = 1e-5

    def letters(self, s: Workspace, label: str) -> dict[str, Array]:
        """Return the normalized values, which backward overwrites."""
        return {"x̂": s.normal} if label == "Forward:" else {}

    def plan(self, shape: Shape) -> Plan:
        row = Scratch(())
        scratch = {"normal": Scratch(shape), "square": Scratch(shape), "mean": row, "deviation": row}
        return Plan(shape, plan_scale_and_shift(shape), scratch, reads="", normalizes="units")

    def forward(self, p: Views, x: Array, y: Array, s: Workspace) -> None:
        units = x.shape[1]
        np.add.reduce(x, axis=1, out=s.mean)
        s.mean /= units
        np.subtract(x, s.mean[:, None], out=s.normal)
        np.multiply(s.normal, s.normal, out=s.square)
        np.add.reduce(s.square, axis=1, out=s.deviation)
        s.deviation /= units
        s.deviation += self.epsilon
        np.sqrt(s.deviation, out=s.deviation)
        np.divide(s.normal, s.deviation[:, None], out=s.normal)
        np.multiply(s.normal, p.scale, out=y)
        y += p.shift

    def backward(self, p: Views, g: Views, x: Array, y: Array, dy: Array, dx: Array | None, s: Workspace) -> None:
        units = x.shape[1]
        np.dot(s.ones, dy, out=g.shift)
        np.multiply(dy, s.normal, out=s.square)
        np.dot(s.ones, s.square, out=g.scale)
        if dx is not None:
            np.dot(s.square, p.scale, out=s.mean)
            s.mean /= units
            s.normal *= s.mean[:, None]
            np.dot(dy, p.scale, out=s.mean)
            s.mean /= units
            np.multiply(dy, p.scale, out=dx)
            dx -= s.mean[:, None]
            dx -= s.normal
            np.divide(dx, s.deviation[:, None], out=dx)


@LAYERS.register
@dataclass(frozen=True)
class Softmax:
    """Turns the values of a row into probabilities, for a loss on probabilities such as mse; cross-entropy includes it.

    Shapes: `(n, units)`, unchanged. The same in all frameworks. Reference: Bridle, 1990.
    """

    equations = Equations(forward=("y_j = exp(x_j) / Σ_k exp(x_k)",), backward=("dx = y (dy - Σ_k dy_k y_k)",))

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
