"""Gradient descent, plain and with momentum, and Lion, which steps by the sign of the momentum."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge, Lt

from bptrain.arrays import Array
from bptrain.equations import Equations
from bptrain.errors import Mistake, OptionError
from bptrain.optim.optimizer import DECAY, OPTIMIZERS, LearningRate, Optimizer, WeightDecay, decay


@OPTIMIZERS.register
@dataclass(frozen=True)
class Sgd(Optimizer):
    """Gradient descent, optionally with momentum.

    v starts as the gradient of the first step, without dampening. Shapes: any. As in PyTorch. In Keras v contains the
    learning rate, which makes a difference only when the rate changes, and there is no dampening. Reference: Robbins
    and Monro, 1951; Polyak, 1964; Sutskever et al., 2013.
    """

    equations = Equations(
        update=("θ = θ - lr · g",),
        variants={
            "with momentum": Equations(update=("v = momentum · v + g", "θ = θ - lr · v")),
            "with dampening": Equations(
                update=("v = momentum · v + (1 - dampening) g for t > 1, else g", "θ = θ - lr · v")
            ),
            "with nesterov": Equations(update=("v = momentum · v + g", "θ = θ - lr · (g + momentum · v)")),
        },
    )
    aliases = (
        "gd", "gradient_descent", "momentum", "nesterov", "stochastic_gradient_descent",
    )  # fmt: skip
    usual_lr = (1e-3, 0.3)

    lr: LearningRate = 0.01
    momentum: Annotated[float, Ge(0), Lt(1), "share of the last step that is added to this one"] = 0.0
    dampening: Annotated[float, Ge(0), Lt(1), "share of the gradient that does not enter the momentum"] = 0.0
    nesterov: Annotated[bool, "whether to look ahead along the momentum"] = False

    def __post_init__(self) -> None:
        mistakes = []
        if not self.momentum:
            needs = "needs momentum above 0 (got momentum 0); set momentum: 0.9"
            mistakes += [Mistake(name, needs) for name in ("nesterov", "dampening") if getattr(self, name)]
        if self.nesterov and self.dampening:
            what = f"cannot be combined with nesterov (got {self.dampening:g}); set only one of them"
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
            # The slot holds momentum · v instead of v, so that g + momentum · v needs no other array.
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


@OPTIMIZERS.register
@dataclass(frozen=True)
class Lion(Optimizer):
    """Changes every parameter by exactly the learning rate, against the sign of its momentum.

    Shapes: any. Usual are a learning rate of a third to a tenth of Adam's, and a weight decay larger by the same
    factor. As in the authors' code, Keras and optax (where weight_decay is 1e-3); not in PyTorch. Reference: Chen et
    al., 2023.
    """

    STEP = ("θ = θ - lr · sign(β₁ m + (1 - β₁) g)", "m = β₂ m + (1 - β₂) g")
    equations = Equations(update=STEP, variants={"with weight_decay": Equations(update=(DECAY, *STEP))})
    usual_lr = (1e-5, 3e-4)
    slots = 1

    lr: LearningRate = 1e-4
    beta1: Annotated[float, Ge(0), Lt(1), "share of the momentum in the step"] = 0.9
    beta2: Annotated[float, Ge(0), Lt(1), "decay of the momentum"] = 0.99
    weight_decay: WeightDecay = 0.0

    def choose_equations(self) -> Equations:
        return self.equations.variants["with weight_decay"] if self.weight_decay else self.equations

    def letters(self, slots: Sequence[Array], step: int) -> dict[str, Array | float]:
        return {"m": slots[0]}

    def update(self, theta: Array, grad: Array, slots: Sequence[Array], *, lr: float, step: int, decayed: int) -> None:
        (m,) = slots
        decay(theta, lr * self.weight_decay, decayed)
        # β₁ m + (1 - β₁) g has the sign of β₁ / (1 - β₁) m + g.
        sign = np.multiply(m, self.beta1 / (1 - self.beta1))
        sign += grad
        np.sign(sign, out=sign)
        sign *= lr
        theta -= sign
        m *= self.beta2
        grad *= 1 - self.beta2
        m += grad
