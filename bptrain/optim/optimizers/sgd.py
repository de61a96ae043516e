"""Gradient descent, plain and with momentum."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge, Lt

from bptrain.arrays import Array
from bptrain.equations import Equations
from bptrain.errors import Mistake, OptionError
from bptrain.optim.optimizers.optimizer import OPTIMIZERS, LearningRate, Optimizer


@OPTIMIZERS.register
@dataclass(frozen=True)
class Sgd(Optimizer):
    """Gradient descent, with momentum if wanted.

    v starts as the g of the first step, without dampening. Shapes: any. As PyTorch; Keras multiplies the rate into v,
    which differs only while the rate changes, and has no dampening. Reference: Robbins and Monro, 1951; Polyak, 1964;
    Sutskever et al., 2013.
    """

    equations: ClassVar[Equations] = Equations(
        update=("θ = θ - lr · g",),
        variants={
            "with momentum": Equations(update=("v = momentum · v + g", "θ = θ - lr · v")),
            "with dampening": Equations(
                update=("v = momentum · v + (1 - dampening) g for t > 1, else g", "θ = θ - lr · v")
            ),
            "with nesterov": Equations(update=("v = momentum · v + g", "θ = θ - lr · (g + momentum · v)")),
        },
    )
    aliases: ClassVar[tuple[str, ...]] = (
        "gd",
        "gradient_descent",
        "momentum",
        "nesterov",
        "stochastic_gradient_descent",
    )

    lr: LearningRate = 0.01
    momentum: Annotated[float, Ge(0), Lt(1), "share of the last step that is kept"] = 0.0
    dampening: Annotated[float, Ge(0), Lt(1), "share of the gradient that is kept out of the momentum"] = 0.0
    nesterov: Annotated[bool, "whether to look ahead along the momentum"] = False

    usual_lr: ClassVar[tuple[float, float]] = (1e-3, 0.3)

    def __post_init__(self) -> None:
        mistakes = []
        if self.nesterov and not self.momentum:
            mistakes.append(Mistake("nesterov", "needs momentum above 0 (got momentum 0); set momentum: 0.9"))
        if self.dampening and not self.momentum:
            mistakes.append(Mistake("dampening", "needs momentum above 0 (got momentum 0); set momentum: 0.9"))
        if self.nesterov and self.dampening:
            what = f"cannot be combined with nesterov (got {self.dampening:g}); set one of them only"
            mistakes.append(Mistake("dampening", what))
        if mistakes:
            raise OptionError(*mistakes)

    @property
    def slots(self) -> int:
        return 1 if self.momentum else 0

    def choose_equations(self) -> Equations:
        if not self.momentum:
            return self.equations
        option = "nesterov" if self.nesterov else "dampening" if self.dampening else "momentum"
        return self.equations.variants[f"with {option}"]

    def letters(self, slots: Sequence[Array], step: int) -> dict[str, Array | float]:
        if not self.momentum:
            return {}
        return {"v": slots[0] / self.momentum if self.nesterov else slots[0]}

    def update(self, theta: Array, grad: Array, slots: Sequence[Array], *, lr: float, step: int, decayed: int) -> None:
        if self.nesterov:
            # The slot holds momentum · v, so that g + momentum · v needs no second buffer.
            ahead = slots[0]
            ahead += grad
            ahead *= self.momentum
            grad += ahead
        elif self.momentum:
            velocity = slots[0]
            if self.dampening and step > 1:
                grad *= 1 - self.dampening
            velocity *= self.momentum
            velocity += grad
            np.copyto(grad, velocity)
        grad *= lr
        theta -= grad
