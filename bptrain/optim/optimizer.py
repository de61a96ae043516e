"""The contract of an optimizer: a rule that changes the parameters by their gradient; and its update in chunks."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from math import inf
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge, Gt

from bptrain.arrays import Array, is_finite
from bptrain.equations import Equations
from bptrain.registry import Family
from bptrain.team import Team

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


CHUNK_ENTRIES = 1 << 18
"""The most entries in a chunk: of theta, gradient and two slots together 4 MiB in float32. Smaller chunks would stay
nearer to the processor, but a thread that returns from NumPy while another one holds the interpreter is put to sleep,
which takes longer than a pass over so many entries. Half as many are not worth a second thread."""

FLUSH_STEPS = 128
"""Steps between two calls of `drop_subnormal`. With the usual momentum of 0.9 the moments of a dead unit take 175 steps
from 1e8 times the smallest normal number down to it."""


def update_in_chunks(
    optimizer: Optimizer,
    theta: Array,
    grad: Array,
    slots: Sequence[Array],
    *,
    lr: float,
    step: int,
    decayed: int,
    team: Team,
) -> bool:
    """Do what `Optimizer.update` does, to the same bits, in chunks that a team shares.

    An update makes about a dozen passes over vectors as long as theta. Of a large network each pass over the whole
    would read them from main memory again. Every `FLUSH_STEPS` steps moments that are almost nothing are dropped.

    Returns:
        Whether all parameters are finite afterwards.
    """
    if len(theta) <= CHUNK_ENTRIES // 2 or not optimizer.entrywise:
        return update_chunk(optimizer, theta, grad, slots, lr=lr, step=step, decayed=decayed)
    finite = []

    def update_between(start: int, stop: int) -> None:
        chunk = slice(start, stop)
        within, cut = min(max(decayed, start), stop) - start, [slot[chunk] for slot in slots]
        finite.append(update_chunk(optimizer, theta[chunk], grad[chunk], cut, lr=lr, step=step, decayed=within))

    # The same number for each thread, all of the same length.
    count = -(-len(theta) // (CHUNK_ENTRIES * team.size)) * team.size
    edges = [len(theta) * k // count for k in range(count + 1)]
    team.run([partial(update_between, start, stop) for start, stop in pairwise(edges)])
    return all(finite)


def update_chunk(
    optimizer: Optimizer, theta: Array, grad: Array, slots: Sequence[Array], *, lr: float, step: int, decayed: int
) -> bool:
    """Do what `update_in_chunks` does, on the calling thread alone."""
    optimizer.update(theta, grad, slots, lr=lr, step=step, decayed=decayed)
    if step % FLUSH_STEPS == 0:
        # The gradient has been used, and serves as scratch.
        for slot in slots:
            drop_subnormal(slot, grad)
    return is_finite(theta)


def drop_subnormal(slot: Array, scratch: Array) -> None:
    """Set entries that have decayed to almost nothing to zero. Numbers below the smallest normal one slow a step down,
    and a moment that decays from there never reaches zero by itself."""
    np.absolute(slot, out=scratch)
    np.greater_equal(scratch, np.finfo(slot.dtype).tiny * 1e8, out=scratch)
    slot *= scratch
