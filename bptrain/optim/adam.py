"""Adam and its relatives: a running mean of gradients, divided by a running measure of their size."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import pow, sqrt
from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt, Lt

from bptrain.arrays import Array
from bptrain.equations import Equations
from bptrain.optim.optimizer import DECAY, OPTIMIZERS, Epsilon, LearningRate, Optimizer, WeightDecay, decay

MEAN = "m = β₁ m + (1 - β₁) g"
MEAN_SQUARE = "v = β₂ v + (1 - β₂) g²"
STEP = "θ = θ - lr · m̂ / (√v̂ + ε)"

Beta1 = Annotated[float, Ge(0), Lt(1), "decay of the mean of gradients"]
Beta2 = Annotated[float, Ge(0), Lt(1), "decay of the mean of squared gradients"]


@OPTIMIZERS.register
@dataclass(frozen=True)
class Adam(Optimizer):
    """Changes every parameter by about the learning rate in each step, however large its gradient is.

    m̂ and v̂ are m and v, corrected for their start at zero; with amsgrad the largest v so far takes the place of v.
    Shapes: any. Epsilon is added to the root of v̂, as in the paper's algorithm, PyTorch and optax; Keras adds it to
    the root of v. Amsgrad corrects the largest v at each step, as in PyTorch and Keras; optax takes the largest v̂.
    Reference: Kingma and Ba, 2015; Reddi, Kale and Kumar, 2018 (amsgrad).

    The optimizer stores m / (1 - β₁) and v / (1 - β₂), which saves two passes over the vectors.
    """

    equations = Equations(
        update=(MEAN, MEAN_SQUARE, "m̂ = m / (1 - β₁ᵗ)", "v̂ = v / (1 - β₂ᵗ)", STEP),
        variants={
            "with amsgrad": Equations(
                update=(MEAN, MEAN_SQUARE, "u = max(u, v)", "m̂ = m / (1 - β₁ᵗ)", "v̂ = u / (1 - β₂ᵗ)", STEP)
            )
        },
    )
    usual_lr = (1e-4, 1e-2)

    lr: LearningRate = 0.001
    beta1: Beta1 = 0.9
    beta2: Beta2 = 0.999
    epsilon: Annotated[float, Gt(0), "added to the root, against division by zero"] = 1e-8
    amsgrad: Annotated[bool, "whether to divide by the largest mean of squares so far"] = False

    @property
    def slots(self) -> int:
        return 3 if self.amsgrad else 2

    def choose_equations(self) -> Equations:
        return self.equations.variants["with amsgrad"] if self.amsgrad else self.equations

    def letters(self, slots: Sequence[Array], step: int) -> dict[str, Array | float]:
        values: dict[str, Array | float] = {"m": slots[0] * (1 - self.beta1), "v": slots[1] * (1 - self.beta2)}
        return {**values, "u": slots[2] * (1 - self.beta2)} if self.amsgrad else values

    def update(self, theta: Array, grad: Array, slots: Sequence[Array], *, lr: float, step: int, decayed: int) -> None:
        m, v = slots[:2]
        m *= self.beta1
        m += grad
        grad *= grad
        v *= self.beta2
        v += grad
        if self.amsgrad:
            v = np.maximum(slots[2], v, out=slots[2])
        # With m and v as in the slots: m̂ / (√v̂ + ε) = a m / (b √v + ε) = (a / b) m / (√v + ε / b)
        a = (1 - self.beta1) / (1 - self.beta1**step)
        b = sqrt((1 - self.beta2) / (1 - self.beta2**step))
        np.sqrt(v, out=grad)
        grad += self.epsilon / b
        np.divide(m, grad, out=grad)
        grad *= lr * a / b
        theta -= grad


@OPTIMIZERS.register
@dataclass(frozen=True)
class Adamw(Adam):
    """Adam with weight decay that is applied to the weights directly, not through the gradient.

    Shapes: any. As in PyTorch, where biases decay too, and Keras, where weight_decay is 0.004. In the paper the decay
    is multiplied by the schedule alone, not by lr. Reference: Loshchilov and Hutter, 2019.
    """

    equations = Equations(
        update=(DECAY, *Adam.equations.update),
        variants={"with amsgrad": Equations(update=(DECAY, *Adam.equations.variants["with amsgrad"].update))},
    )

    weight_decay: WeightDecay = 0.01

    def update(self, theta: Array, grad: Array, slots: Sequence[Array], *, lr: float, step: int, decayed: int) -> None:
        decay(theta, lr * self.weight_decay, decayed)
        super().update(theta, grad, slots, lr=lr, step=step, decayed=decayed)


@OPTIMIZERS.register
@dataclass(frozen=True)
class Adamax(Optimizer):
    """Adam that divides by the largest recent gradient in place of a mean of squares.

    Shapes: any. As PyTorch and optax; Keras leaves epsilon out of u and adds it to the divisor, and its lr is 0.001.
    Reference: Kingma and Ba, 2015.

    The optimizer stores m / (1 - β₁) and u.
    """

    equations = Equations(update=(MEAN, "u = max(β₂ u, |g| + ε)", "θ = θ - lr · m / (1 - β₁ᵗ) / u"))
    usual_lr = (1e-4, 2e-2)
    slots = 2

    lr: LearningRate = 0.002
    beta1: Beta1 = 0.9
    beta2: Annotated[float, Ge(0), Lt(1), "decay of the largest gradient"] = 0.999
    epsilon: Epsilon = 1e-8

    def letters(self, slots: Sequence[Array], step: int) -> dict[str, Array | float]:
        return {"m": slots[0] * (1 - self.beta1), "u": slots[1]}

    def update(self, theta: Array, grad: Array, slots: Sequence[Array], *, lr: float, step: int, decayed: int) -> None:
        m, u = slots
        m *= self.beta1
        m += grad
        np.absolute(grad, out=grad)
        grad += self.epsilon
        u *= self.beta2
        np.maximum(u, grad, out=u)
        np.divide(m, u, out=grad)
        grad *= lr * (1 - self.beta1) / (1 - self.beta1**step)
        theta -= grad


@OPTIMIZERS.register
@dataclass(frozen=True)
class Nadam(Optimizer):
    """Adam that looks ahead along the mean of gradients, as Nesterov's momentum does.

    Shapes: any. As PyTorch; Keras has momentum_decay 1 and lr 0.001, optax leaves μ at β₁. Reference: Dozat, 2016.

    The optimizer stores m / (1 - β₁) and v / (1 - β₂).
    """

    equations = Equations(
        update=(
            MEAN,
            MEAN_SQUARE,
            "v̂ = v / (1 - β₂ᵗ)",
            "μₜ = β₁ (1 - 0.96^(t · momentum_decay) / 2)",
            "Mₜ = μ₁ · ... · μₜ",
            "d = (1 - μₜ) / (1 - Mₜ) g + μₜ₊₁ / (1 - Mₜ₊₁) m",
            "θ = θ - lr · d / (√v̂ + ε)",
        )
    )
    usual_lr = (1e-4, 1e-2)
    slots = 2

    lr: LearningRate = 0.002
    beta1: Beta1 = 0.9
    beta2: Beta2 = 0.999
    epsilon: Epsilon = 1e-8
    momentum_decay: Annotated[float, Ge(0), "how fast the momentum rises from half of beta1 to all of it"] = 4e-3

    def letters(self, slots: Sequence[Array], step: int) -> dict[str, Array | float]:
        return {
            "m": slots[0] * (1 - self.beta1),
            "v": slots[1] * (1 - self.beta2),
            "μₜ₊₁": compute_momentum(self.beta1, self.momentum_decay, step + 1),
            "Mₜ": multiply_momenta(self.beta1, self.momentum_decay, step),
            "Mₜ₊₁": multiply_momenta(self.beta1, self.momentum_decay, step + 1),
        }

    def update(self, theta: Array, grad: Array, slots: Sequence[Array], *, lr: float, step: int, decayed: int) -> None:
        m, v = slots
        work = np.multiply(grad, grad)
        v *= self.beta2
        v += work
        m *= self.beta1
        m += grad
        mu, ahead = (compute_momentum(self.beta1, self.momentum_decay, t) for t in (step, step + 1))
        product = multiply_momenta(self.beta1, self.momentum_decay, step)
        b = sqrt((1 - self.beta2) / (1 - self.beta2**step))
        grad *= lr / b * (1 - mu) / (1 - product)
        np.multiply(m, lr / b * (1 - self.beta1) * ahead / (1 - product * ahead), out=work)
        grad += work
        np.sqrt(v, out=work)
        work += self.epsilon / b
        grad /= work
        theta -= grad


def compute_momentum(beta1: float, momentum_decay: float, step: int) -> float:
    """Return Nadam's momentum μ at a step."""
    return beta1 * (1 - 0.5 * pow(0.96, step * momentum_decay))


def multiply_momenta(beta1: float, momentum_decay: float, step: int) -> float:
    """Return the product of Nadam's momenta up to a step.

    It is always multiplied up from the first step, so that a resumed run is bit-identical. `_products` has the step and
    the product of the latest call, so that a call for a later step only continues from there.
    """
    reached, product = _products.get((beta1, momentum_decay), (0, 1.0))
    if reached > step:
        reached, product = 0, 1.0
    for t in range(reached + 1, step + 1):
        product *= compute_momentum(beta1, momentum_decay, t)
        if product < 2**-60:
            # 1 - Mₜ is 1 from here on.
            product = 0.0
            break
    _products[beta1, momentum_decay] = step, product
    return product


_products: dict[tuple[float, float], tuple[int, float]] = {}
