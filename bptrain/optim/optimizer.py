"""The contract of an optimizer: a rule that changes the parameters by their gradient, in place on whole vectors."""

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
WeightDecay = Annotated[float, Ge(0), "each step reduces weights by the share lr · weight_decay"]


class Optimizer(ABC):
    """An update rule for all parameters.

    It has no state of its own: whatever it needs in the next step is in `slots`.
    """

    equations: ClassVar[Equations] = Equations()
    """The update of a step: `θ` the parameters, `g` their gradient, `lr` the learning rate, `t` the step, and the
    options. Any other letter is given by `letters`, or by an equation."""

    full_batch: ClassVar[bool] = False
    """Whether it needs the gradient of all rows at every step."""

    entrywise: ClassVar[bool] = True
    """Whether each entry is updated from its own numbers alone, so that the vectors can be updated in chunks."""

    lr: LearningRate
    """The learning rate before the schedule; every optimizer declares its own default."""

    usual_lr: ClassVar[tuple[float, float]] = (0.0, inf)
    """The smallest and the largest learning rate of everyday use on scaled data."""

    @property
    def slots(self) -> int:
        """The number of state vectors, each as long as theta and zero before `start`."""
        return 0

    def choose_equations(self) -> Equations:
        """Return the equations for the present options."""
        return self.equations

    def letters(self, slots: Sequence[Array], step: int) -> dict[str, Array | float]:
        """Return the values of further letters of the equations, by name, with such slots at such a step."""
        return {}

    def start(self, slots: Sequence[Array]) -> None:  # noqa: B027, most start from zero
        """Fill the slots before the first step, where zero is not the right start."""

    @abstractmethod
    def update(self, theta: Array, grad: Array, slots: Sequence[Array], *, lr: float, step: int, decayed: int) -> None:
        """Change theta and slots in place; grad is overwritten as scratch.

        Args:
            theta: the parameters, `(size,)`.
            grad: the gradient of the loss, `(size,)`.
            slots: the state vectors, each `(size,)`.
            lr: the learning rate of this step, with the schedule applied.
            step: counts from 1.
            decayed: the number of entries, at the start of theta, that decoupled weight decay applies to.
        """


class LineSearch(Optimizer):
    """A rule that tries several points in a step and chooses one by the loss of all rows."""

    full_batch = True
    entrywise = False

    def update(self, theta: Array, grad: Array, slots: Sequence[Array], *, lr: float, step: int, decayed: int) -> None:
        """Raise NotImplementedError: one gradient is not enough; `advance` is called instead."""
        raise NotImplementedError

    @abstractmethod
    def advance(
        self, theta: Array, grad: Array, slots: Sequence[Array], evaluate: Callable[[], float], *, lr: float, step: int
    ) -> None:
        """Move theta to a better point; the arguments are as in `update`, and grad is left as scratch.

        Args:
            evaluate: computes the loss, penalties included, and fills grad, both at the present theta. Within a step it
                must return the same for the same theta: no fresh noise.
        """


OPTIMIZERS = Family("optimizer", contract=Optimizer)

DECAY = "θ = θ - lr · weight_decay · θ for weights only"
"""The equation of `decay`."""


def decay(theta: Array, share: float, decayed: int) -> None:
    """Reduce the first `decayed` entries of theta by a share."""
    if share:
        theta[:decayed] *= 1 - share
