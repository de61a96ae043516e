"""Optimizers with a step size for each parameter, which depends on the size or the signs of its past gradients."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt, Lt

from bptrain.arrays import Array
from bptrain.equations import Equations
from bptrain.errors import Mistake, OptionError
from bptrain.optim.optimizer import OPTIMIZERS, Epsilon, LearningRate, Optimizer


@OPTIMIZERS.register
@dataclass(frozen=True)
class Adagrad(Optimizer):
    """Divides by the root of the sum of all squared gradients, so that steps shrink; this suits rare features.

    Shapes: any. Epsilon is outside the root and v starts at 0, as in PyTorch; Keras and optax have epsilon inside the
    root (1e-7) and start v at 0.1. Reference: Duchi, Hazan and Singer, 2011.
    """

    equations = Equations(update=("v = v + g²", "θ = θ - lr · g / (√v + ε)"))
    usual_lr = (1e-3, 0.1)
    slots = 1

    lr: LearningRate = 0.01
    initial: Annotated[float, Ge(0), "initial value of v"] = 0.0
    epsilon: Epsilon = 1e-10

    def start(self, slots: Sequence[Array]) -> None:
        slots[0].fill(self.initial)

    def letters(self, slots: Sequence[Array], step: int) -> dict[str, Array | float]:
        return {"v": slots[0]}

    def update(self, theta: Array, grad: Array, slots: Sequence[Array], *, lr: float, step: int, decayed: int) -> None:
        (v,) = slots
        size = np.multiply(grad, grad)
        v += size
        np.sqrt(v, out=size)
        size += self.epsilon
        grad /= size
        grad *= lr
        theta -= grad


@OPTIMIZERS.register
@dataclass(frozen=True)
class Adadelta(Optimizer):
    """Scales each step by the root mean square of the steps before it, so that no learning rate needs tuning.

    Shapes: any. The same in PyTorch and optax, with lr 1 as in the paper; Keras has rho 0.95, epsilon 1e-7 and lr
    0.001. Reference: Zeiler, 2012.
    """

    equations = Equations(
        update=("v = ρ v + (1 - ρ) g²", "d = g · √(u + ε) / √(v + ε)", "u = ρ u + (1 - ρ) d²", "θ = θ - lr · d")
    )
    usual_lr = (0.1, 1.0)
    slots = 2

    lr: LearningRate = 1.0
    rho: Annotated[float, Ge(0), Lt(1), "decay of both means of squares"] = 0.9
    epsilon: Annotated[float, Gt(0), "added inside both roots; the first steps are about as large as its root"] = 1e-6

    def letters(self, slots: Sequence[Array], step: int) -> dict[str, Array | float]:
        return {"v": slots[0], "u": slots[1]}

    def update(self, theta: Array, grad: Array, slots: Sequence[Array], *, lr: float, step: int, decayed: int) -> None:
        v, u = slots
        work = np.multiply(grad, grad)
        work *= 1 - self.rho
        v *= self.rho
        v += work
        np.add(u, self.epsilon, out=work)
        grad *= np.sqrt(work, out=work)
        np.add(v, self.epsilon, out=work)
        grad /= np.sqrt(work, out=work)
        np.multiply(grad, grad, out=work)
        work *= 1 - self.rho
        u *= self.rho
        u += work
        grad *= lr
        theta -= grad


@OPTIMIZERS.register
@dataclass(frozen=True)
class Rmsprop(Optimizer):
    """Divides each gradient by the root of a running mean of its squares.

    Shapes: any. Epsilon is outside the root, as in PyTorch; Keras and optax have it inside. rho has its name and
    default from Keras; optax calls it decay, PyTorch alpha (0.99, with lr 0.01). Reference: Hinton, 2012 (lecture 6e);
    Graves, 2013 (centered).
    """

    SIZE = ("v = ρ v + (1 - ρ) g²", "d = g / (√v + ε)")
    CENTERED = ("v = ρ v + (1 - ρ) g²", "m = ρ m + (1 - ρ) g", "d = g / (√(v - m²) + ε)")
    MOMENTUM = ("b = momentum · b + d", "θ = θ - lr · b")
    equations = Equations(
        update=(*SIZE, "θ = θ - lr · d"),
        variants={
            "centered": Equations(update=(*CENTERED, "θ = θ - lr · d")),
            "with momentum": Equations(update=(*SIZE, *MOMENTUM)),
            "centered, with momentum": Equations(update=(*CENTERED, *MOMENTUM)),
        },
    )
    usual_lr = (1e-4, 1e-2)

    lr: LearningRate = 0.001
    rho: Annotated[float, Ge(0), Lt(1), "decay of the running means"] = 0.9
    momentum: Annotated[float, Ge(0), Lt(1), "share of the last step that is added to this one"] = 0.0
    centered: Annotated[bool, "whether to divide by the deviation from the mean gradient"] = False
    epsilon: Epsilon = 1e-8

    @property
    def slots(self) -> int:
        return 1 + self.centered + bool(self.momentum)

    def choose_equations(self) -> Equations:
        phrase = ", ".join(["centered"] * self.centered + ["with momentum"] * bool(self.momentum))
        return self.equations.variants[phrase] if phrase else self.equations

    def letters(self, slots: Sequence[Array], step: int) -> dict[str, Array | float]:
        values: dict[str, Array | float] = {"v": slots[0] * (1 - self.rho)}
        if self.centered:
            values["m"] = slots[1] * (1 - self.rho)
        return {**values, "b": slots[-1]} if self.momentum else values

    def update(self, theta: Array, grad: Array, slots: Sequence[Array], *, lr: float, step: int, decayed: int) -> None:
        v, work = slots[0], np.multiply(grad, grad)
        # The slots hold v / (1 - ρ) and m / (1 - ρ), which saves a pass over each.
        v *= self.rho
        v += work
        if self.centered:
            m = slots[1]
            m *= self.rho
            m += grad
            np.multiply(m, m, out=work)
            work *= self.rho - 1
            work += v
            # Where all gradients are equal, rounding may leave slightly less than 0.
            np.maximum(work, 0, out=work)
            np.sqrt(work, out=work)
        else:
            np.sqrt(v, out=work)
        scale = sqrt(1 - self.rho)
        work += self.epsilon / scale
        grad /= work
        grad *= 1 / scale
        if self.momentum:
            velocity = slots[-1]
            velocity *= self.momentum
            velocity += grad
            np.copyto(grad, velocity)
        grad *= lr
        theta -= grad


@OPTIMIZERS.register
@dataclass(frozen=True)
class Rprop(Optimizer):
    """A step size for every parameter, which grows while its gradient keeps its sign and shrinks when the sign changes.

    h is the sign of the gradient of the step before. A gradient whose sign has changed counts as 0, also as the h of
    the next step. Δ starts at `initial`, the lr of the config; lr / initial is the factor of the schedule. Shapes: any.
    It needs the gradient of all rows, since the signs of a batch's gradient are mostly noise. As in PyTorch (Rprop
    without backtracking), where schedules have no effect. Reference: Riedmiller and Braun, 1993; Igel and Hüsken, 2000
    (iRprop-).
    """

    equations = Equations(
        update=(
            "a = [sign(g) · h > 0]",
            "b = [sign(g) · h < 0]",
            "Δ = min(max(Δ · grow^a · shrink^b, smallest), largest)",
            "h = (1 - b) sign(g)",
            "θ = θ - h Δ · lr / initial",
        )
    )
    aliases = ("resilient_propagation",)
    usual_lr = (1e-3, 0.1)
    full_batch = True
    slots = 2

    lr: LearningRate = 0.01
    shrink: Annotated[float, Gt(0), Lt(1), "factor of a step size when the gradient changes sign"] = 0.5
    grow: Annotated[float, Gt(1), "factor of a step size while the gradient keeps its sign"] = 1.2
    smallest: Annotated[float, Gt(0), "smallest step size"] = 1e-6
    largest: Annotated[float, Gt(0), "largest step size"] = 50.0

    def __post_init__(self) -> None:
        if self.smallest > self.largest:
            what = f"is above largest (got {self.smallest:g} and {self.largest:g}); choose a smaller number"
            raise OptionError(Mistake("smallest", what))

    def start(self, slots: Sequence[Array]) -> None:
        slots[1].fill(self.lr)

    def letters(self, slots: Sequence[Array], step: int) -> dict[str, Array | float]:
        return {"h": slots[0], "Δ": slots[1], "initial": self.lr}

    def update(self, theta: Array, grad: Array, slots: Sequence[Array], *, lr: float, step: int, decayed: int) -> None:
        before, size = slots
        # Signs are multiplied, since the product of two small gradients may underflow to 0.
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
