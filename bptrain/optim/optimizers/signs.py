"""Steps by the sign of the gradient alone, whatever its size."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge, Gt, Lt

from bptrain.arrays import Array
from bptrain.equations import Equations
from bptrain.errors import Mistake, OptionError
from bptrain.optim.optimizers.optimizer import DECAY, OPTIMIZERS, LearningRate, Optimizer, WeightDecay, decay


@OPTIMIZERS.register
@dataclass(frozen=True)
class Rprop(Optimizer):
    """A step size for every parameter, grown while its gradient keeps its sign and shrunk when it changes.

    h is the sign of the gradient of the step before. A gradient that has changed its sign counts as 0, in the next step
    as well. Δ starts at lr, which is `initial`; from then on a schedule's factor, lr / initial, multiplies the steps.
    Shapes: any. It needs the gradient of all rows: signs of batches are noise. As PyTorch (Rprop without backtracking),
    where schedules have no effect. Reference: Riedmiller and Braun, 1993; Igel and Hüsken, 2000 (iRprop-).
    """

    equations: ClassVar[Equations] = Equations(
        update=(
            "a = [sign(g) · h > 0]",
            "b = [sign(g) · h < 0]",
            "Δ = min(max(Δ · grow^a · shrink^b, smallest), largest)",
            "h = (1 - b) sign(g)",
            "θ = θ - h Δ · lr / initial",
        )
    )
    aliases: ClassVar[tuple[str, ...]] = ("resilient_propagation",)

    full_batch = True

    lr: LearningRate = 0.01
    shrink: Annotated[float, Gt(0), Lt(1), "factor of a step size when the gradient changes sign"] = 0.5
    grow: Annotated[float, Gt(1), "factor of a step size while the gradient keeps its sign"] = 1.2
    smallest: Annotated[float, Gt(0), "least step size"] = 1e-6
    largest: Annotated[float, Gt(0), "greatest step size"] = 50.0

    usual_lr: ClassVar[tuple[float, float]] = (1e-3, 0.1)

    def __post_init__(self) -> None:
        if self.smallest > self.largest:
            what = f"is above largest (got {self.smallest:g} and {self.largest:g}); choose it below"
            raise OptionError(Mistake("smallest", what))

    @property
    def slots(self) -> int:
        return 2

    def start(self, slots: Sequence[Array]) -> None:
        slots[1].fill(self.lr)

    def letters(self, slots: Sequence[Array], step: int) -> dict[str, Array | float]:
        return {"h": slots[0], "Δ": slots[1], "initial": self.lr}

    def update(self, theta: Array, grad: Array, slots: Sequence[Array], *, lr: float, step: int, decayed: int) -> None:
        before, size = slots
        # Signs are multiplied, since the product of two small gradients may vanish.
        np.sign(grad, out=grad)
        before *= grad
        np.multiply(size, self.grow, out=size, where=before > 0)
        turned = before < 0
        np.multiply(size, self.shrink, out=size, where=turned)
        np.clip(size, self.smallest, self.largest, out=size)
        np.copyto(grad, 0, where=turned)
        np.copyto(before, grad)
        grad *= size
        grad *= lr / self.lr
        theta -= grad


@OPTIMIZERS.register
@dataclass(frozen=True)
class Lion(Optimizer):
    """Steps of exactly the learning rate in every parameter, in the direction of the sign of the momentum.

    Shapes: any. A learning rate of a third to a tenth of Adam's, and a weight decay as much larger, is usual. As the
    authors' code, Keras and optax (whose weight decay is 1e-3); not in PyTorch. Reference: Chen et al., 2023.
    """

    STEP: ClassVar[tuple[str, ...]] = ("θ = θ - lr · sign(β₁ m + (1 - β₁) g)", "m = β₂ m + (1 - β₂) g")

    equations: ClassVar[Equations] = Equations(
        update=STEP, variants={"with weight_decay": Equations(update=(DECAY, *STEP))}
    )
    lr: LearningRate = 1e-4
    beta1: Annotated[float, Ge(0), Lt(1), "share of the momentum in the step"] = 0.9
    beta2: Annotated[float, Ge(0), Lt(1), "decay of the momentum"] = 0.99
    weight_decay: WeightDecay = 0.0

    usual_lr: ClassVar[tuple[float, float]] = (1e-5, 3e-4)

    @property
    def slots(self) -> int:
        return 1

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
