"""Optimizers: rules that turn a gradient into a step, in place on one vector."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Annotated, Protocol

import numpy as np
from annotated_types import Ge, Gt, Lt

from bptrain.arrays import Array
from bptrain.errors import Mistake, OptionError
from bptrain.registry import Family

OPTIMIZERS = Family("optimizer")

LearningRate = Annotated[float, Gt(0), "learning rate"]


class Optimizer(Protocol):
    """An update rule. It works entry by entry, so a slice of all vectors may be updated at a time."""

    @property
    def lr(self) -> float:
        """The learning rate before the schedule."""

    @property
    def slots(self) -> int:
        """How many vectors of state it keeps, each as long as theta and zero at first."""

    def update(self, theta: Array, grad: Array, slots: Sequence[Array], *, lr: float, step: int) -> None:
        """Change theta and slots; grad is used up as scratch. `step` counts from 1."""


@OPTIMIZERS.register
@dataclass(frozen=True)
class Sgd:
    """Gradient descent, with momentum if wanted.

    Update: `θ = θ - lr · g`; with momentum `v = momentum · v + g`, `θ = θ - lr · v`; with Nesterov's form
    `θ = θ - lr · (g + momentum · v)`. Shapes: any. As PyTorch; Keras multiplies the rate into v, which differs only
    while the rate changes. Reference: Robbins and Monro, 1951; Polyak, 1964; Sutskever et al., 2013.
    """

    lr: LearningRate = 0.01
    momentum: Annotated[float, Ge(0), Lt(1), "share of the last step that is kept"] = 0.0
    nesterov: Annotated[bool, "whether to look ahead along the momentum"] = False

    def __post_init__(self) -> None:
        if self.nesterov and not self.momentum:
            raise OptionError(Mistake("nesterov", "needs momentum above 0 (got momentum 0); set momentum: 0.9"))

    @property
    def slots(self) -> int:
        return 1 if self.momentum else 0

    def update(self, theta: Array, grad: Array, slots: Sequence[Array], *, lr: float, step: int) -> None:
        if self.nesterov:
            # The slot holds momentum · v, so that g + momentum · v needs no second buffer.
            ahead = slots[0]
            ahead += grad
            ahead *= self.momentum
            grad += ahead
        elif self.momentum:
            velocity = slots[0]
            velocity *= self.momentum
            velocity += grad
            np.copyto(grad, velocity)
        grad *= lr
        theta -= grad


@OPTIMIZERS.register
@dataclass(frozen=True)
class Adam:
    """Steps of about the learning rate in every parameter, whatever the size of its gradient.

    Update: `m = β₁ m + (1 - β₁) g`, `v = β₂ v + (1 - β₂) g²`, `θ = θ - lr · m̂ / (√v̂ + ε)` with the bias corrections
    `m̂ = m / (1 - β₁ᵗ)` and `v̂ = v / (1 - β₂ᵗ)`. Shapes: any. Epsilon is added to the corrected root, as in the paper's
    algorithm, PyTorch and optax; Keras adds it before the correction. Reference: Kingma and Ba, 2015.

    The slots hold m / (1 - β₁) and v / (1 - β₂), which takes two passes less over the vectors.
    """

    lr: LearningRate = 0.001
    beta1: Annotated[float, Ge(0), Lt(1), "decay of the mean of gradients"] = 0.9
    beta2: Annotated[float, Ge(0), Lt(1), "decay of the mean of squared gradients"] = 0.999
    epsilon: Annotated[float, Gt(0), "added to the root, against division by zero"] = 1e-8

    @property
    def slots(self) -> int:
        return 2

    def update(self, theta: Array, grad: Array, slots: Sequence[Array], *, lr: float, step: int) -> None:
        m, v = slots
        m *= self.beta1
        m += grad
        grad *= grad
        v *= self.beta2
        v += grad
        # m̂ / (√v̂ + ε) = a m / (b √v + ε) = (a / b) m / (√v + ε / b)
        a = (1 - self.beta1) / (1 - self.beta1**step)
        b = sqrt((1 - self.beta2) / (1 - self.beta2**step))
        np.sqrt(v, out=grad)
        grad += self.epsilon / b
        np.divide(m, grad, out=grad)
        grad *= lr * a / b
        theta -= grad
