"""What an optimizer is: a rule that changes the parameters by their gradient, in place on whole vectors."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from math import inf
from typing import Annotated, ClassVar

from annotated_types import Ge, Gt

from bptrain.arrays import Array
from bptrain.equations import Equations
from bptrain.registry import Family

LearningRate = Annotated[float, Gt(0), "learning rate"]
Epsilon = Annotated[float, Gt(0), "added to the divisor, against division by zero"]
WeightDecay = Annotated[float, Ge(0), "share of a weight that lr · weight_decay takes off at every step"]


class Optimizer(ABC):
    """An update rule for all parameters.

    It keeps no state of its own: what it must remember from step to step is in `slots`.
    """

    equations: ClassVar[Equations] = Equations()
    """The update of a step: `θ` the parameters, `g` their gradient, `lr` the learning rate, `t` the step, and the
    options. Any other letter is given by `letters`, or by an equation."""

    full_batch: ClassVar[bool] = False
    """Whether it needs the gradient of all rows at every step."""

    entrywise: ClassVar[bool] = True
    """Whether each entry moves by its own numbers alone, so that a chunk of all vectors may be updated at a time."""

    lr: LearningRate
    """The learning rate before the schedule; every optimizer declares its own default."""

    usual_lr: ClassVar[tuple[float, float]] = (0.0, inf)
    """The least and the largest learning rate of everyday use on scaled data; each of ours declares its own."""

    @property
    def slots(self) -> int:
        """How many vectors of state it keeps, each as long as theta and zero before `start`."""
        return 0

    def choose_equations(self) -> Equations:
        """Return the equations that the options lead to."""
        return self.equations

    def letters(self, slots: Sequence[Array], step: int) -> dict[str, Array | float]:
        """Return the values of further letters of the equations, by name, with such slots at such a step."""
        return {}

    def start(self, slots: Sequence[Array]) -> None:  # noqa: B027, for most there is nothing to do
        """Fill the slots before the first step, where zero is not the right start."""

    @abstractmethod
    def update(self, theta: Array, grad: Array, slots: Sequence[Array], *, lr: float, step: int, decayed: int) -> None:
        """Change theta and slots; grad is used up as scratch.

        Args:
            theta: the parameters, `(size,)`.
            grad: the gradient of the loss, `(size,)`.
            slots: what `slots` asks for, each `(size,)`.
            lr: the learning rate of this step, the schedule included.
            step: counts from 1.
            decayed: so many entries at the start of theta take decoupled weight decay, where the rule has one.
        """


class LineSearch(Optimizer):
    """A rule that tries several points before it settles on one, by the loss of all rows."""

    full_batch = True
    entrywise = False

    def update(self, theta: Array, grad: Array, slots: Sequence[Array], *, lr: float, step: int, decayed: int) -> None:
        """Not to be called: one gradient is not enough for it."""
        raise NotImplementedError

    @abstractmethod
    def advance(
        self, theta: Array, grad: Array, slots: Sequence[Array], evaluate: Callable[[], float], *, lr: float, step: int
    ) -> None:
        """Move theta to a better point; grad is left as scratch.

        Args:
            theta: the parameters, `(size,)`.
            grad: what `evaluate` fills; its values on entry do not matter.
            slots: what `slots` asks for, each `(size,)`.
            evaluate: computes the loss, penalties included, and fills grad, both at the present theta. Called again at
                the same theta it must give the same: no fresh noise within a step.
            lr: the learning rate of this step, the schedule included.
            step: counts from 1.
        """


OPTIMIZERS = Family("optimizer", contract=Optimizer)


DECAY = "θ = θ - lr · weight_decay · θ for weights only"
"""The equation of `decay`."""


def decay(theta: Array, share: float, decayed: int) -> None:
    """Take a share off the first entries."""
    if share:
        theta[:decayed] *= 1 - share
