"""Losses for numbers."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import log
from typing import Annotated

import numpy as np
from annotated_types import Ge

from bptrain.arrays import Array, Shape
from bptrain.equations import Equations
from bptrain.nn import kernels
from bptrain.nn.layer import Scratch, Workspace
from bptrain.nn.losses.loss import LOSSES, Loss, Value, Weights, mean


@LOSSES.register
@dataclass(frozen=True)
class Mse(Loss):
    """Mean squared error: for numbers, and for classes, where it resembles the Brier score.

    Shapes: z and t `(n, width)`. The mean over rows and outputs, as in PyTorch and Keras; textbooks and scikit-learn's
    networks take half of it. Reference: Gauss, 1809.
    """

    equations = Equations(
        forward=("L = Σ (z - t)² / (n · width)",),
        backward=("dz = 2 (z - t) / (n · width)",),
        variants={
            "with half": Equations(
                forward=("L = Σ (z - t)² / (2 n · width)",), backward=("dz = (z - t) / (n · width)",)
            )
        },
    )
    aliases = ("l2", "mean_squared_error", "squared_error")

    half: Annotated[bool, "whether to halve the square, as textbooks do"] = False

    def widths(self, classes: int | None, columns: int) -> tuple[int, ...]:
        if classes is None:
            return (columns,)
        return (1, 2) if classes == 2 else (classes,)

    def choose_equations(self, width: int) -> Equations:
        return self.equations.variants["with half"] if self.half else self.equations

    def plan(self, shape: Shape) -> Mapping[str, Scratch]:
        return {"terms": Scratch(shape)}

    def value_and_grad(self, scores: Array, targets: Array, weights: Weights, dscores: Array, s: Workspace) -> Value:
        np.subtract(scores, targets, out=dscores)
        np.multiply(dscores, dscores, out=s.terms)
        if self.half:
            s.terms *= 0.5
        else:
            dscores *= 2
        return mean(s.terms, dscores, weights)


class ErrorLoss(Loss):
    """The base of losses that are a function of each error z - t."""

    def plan(self, shape: Shape) -> Mapping[str, Scratch]:
        """Return the scratch for terms and intermediate results."""
        return {"terms": Scratch(shape), "size": Scratch(shape), "small": Scratch(shape, "bool")}


@LOSSES.register
@dataclass(frozen=True)
class Mae(ErrorLoss):
    """Mean absolute error, which outliers affect less than mse. It predicts medians, as mse predicts means.

    The gradient is 0 where z = t. Shapes: z and t `(n, width)`. PyTorch's L1Loss, Keras's MeanAbsoluteError. Reference:
    Laplace, 1774.
    """

    equations = Equations(forward=("L = Σ |z - t| / (n · width)",), backward=("dz = sign(z - t) / (n · width)",))
    aliases = ("l1", "mean_absolute_error")
    kinked = True

    def value_and_grad(self, scores: Array, targets: Array, weights: Weights, dscores: Array, s: Workspace) -> Value:
        np.subtract(scores, targets, out=dscores)
        kernels.absolute(dscores, s.terms)
        np.sign(dscores.real, out=dscores)
        return mean(s.terms, dscores, weights)


@LOSSES.register
@dataclass(frozen=True)
class Huber(ErrorLoss):
    """Quadratic for small errors, linear for large ones: smooth, and hardly affected by outliers.

    A term is e² / 2 for errors e up to δ, and δ (|e| - δ / 2) beyond. Shapes: z and t `(n, width)`. PyTorch's HuberLoss
    and Keras's Huber; 1/δ times this is PyTorch's SmoothL1Loss. Reference: Huber, 1964.
    """

    equations = Equations(
        forward=("L = Σ c (e - c / 2) / (n · width)", "e = z - t", "c = min(max(e, -δ), δ)"),
        backward=("dz = c / (n · width)",),
    )
    aliases = ("smooth_l1",)

    delta: Annotated[float, Ge(1e-6), "error above which the loss is linear"] = 1.0

    def value_and_grad(self, scores: Array, targets: Array, weights: Weights, dscores: Array, s: Workspace) -> Value:
        np.subtract(scores, targets, out=s.terms)
        kernels.clip(s.terms, -self.delta, self.delta, dscores)
        np.multiply(dscores, 0.5, out=s.size)
        s.terms -= s.size
        s.terms *= dscores
        return mean(s.terms, dscores, weights)


@LOSSES.register
@dataclass(frozen=True)
class LogCosh(ErrorLoss):
    """Quadratic for small errors, linear for large ones, with a smooth transition.

    Shapes: z and t `(n, width)`. Keras's LogCosh; not in PyTorch. Reference: Green, 1990.

    For an error e = z - t below 1 in size a term is computed as ln(1 + sinh²(e)) / 2, which is exact for small errors;
    above, as |e| - ln 2 + ln(1 + exp(-2 |e|)), which cannot overflow.
    """

    equations = Equations(forward=("L = Σ ln cosh(z - t) / (n · width)",), backward=("dz = tanh(z - t) / (n · width)",))
    aliases = ("logcosh",)

    def value_and_grad(self, scores: Array, targets: Array, weights: Weights, dscores: Array, s: Workspace) -> Value:
        np.subtract(scores, targets, out=dscores)
        kernels.absolute(dscores, s.size)
        np.less(s.size.real, 1, out=s.small)
        np.multiply(s.size, -2, out=s.terms)
        np.exp(s.terms, out=s.terms)
        kernels.log1p(s.terms, s.terms)
        s.terms += s.size
        s.terms -= log(2)
        kernels.clip(s.size, 0, 1, s.size)
        np.sinh(s.size, out=s.size)
        np.multiply(s.size, s.size, out=s.size)
        kernels.log1p(s.size, s.size)
        s.size *= 0.5
        np.copyto(s.terms, s.size, where=s.small)
        np.tanh(dscores, out=dscores)
        return mean(s.terms, dscores, weights)


@LOSSES.register
@dataclass(frozen=True)
class Poisson(ErrorLoss):
    """For counts: the score is the logarithm of their expected value.

    The negative log-likelihood without ln(t!). Shapes: z and t `(n, width)`, t 0 or more. It is infinite where exp(z)
    overflows, in float64 for scores above 709. PyTorch's PoissonNLLLoss; Keras's Poisson takes the rate, not its
    logarithm. Reference: Nelder and Wedderburn, 1972.
    """

    equations = Equations(
        forward=("L = Σ (exp(z) - t z) / (n · width)",), backward=("dz = (exp(z) - t) / (n · width)",)
    )
    aliases = ("poisson_nll",)
    raw_targets = True
    link = "exp"

    def objection(self, targets: Array, classes: int | None) -> str | None:
        return f"a count must be 0 or more (got {targets.min():g})" if (targets < 0).any() else None

    def value_and_grad(self, scores: Array, targets: Array, weights: Weights, dscores: Array, s: Workspace) -> Value:
        np.exp(scores, out=dscores)
        np.multiply(scores, targets, out=s.terms)
        np.subtract(dscores, s.terms, out=s.terms)
        dscores -= targets
        return mean(s.terms, dscores, weights)

    def outputs(self, scores: Array, out: Array) -> Array:
        np.exp(scores, out=out)
        return out
