"""The contract of an optimizer, a rule that changes the parameters by their gradient; and updates in chunks."""

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

    It has no state of its own: what it must keep from step to step is in `slots`.
    """

    equations: ClassVar[Equations] = Equations()
    """The update of a step, from the parameters `θ`, their gradient `g`, the learning rate `lr`, the step `t`, and the
    options. Any other letter is computed by an equation, or given by `letters`."""

    full_batch: ClassVar[bool] = False
    """Whether it needs the gradient of all rows at every step."""

    entrywise: ClassVar[bool] = True
    """Whether the update of an entry depends on no other entry, so that the vectors can be updated in chunks."""

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
        """Return the values of other letters of the equations, by name, for these slots at this step."""
        return {}

    def start(self, slots: Sequence[Array]) -> None:  # noqa: B027, most start at zero
        """Fill the slots before the first step, where they do not start at zero."""

    @abstractmethod
    def update(self, theta: Array, grad: Array, slots: Sequence[Array], *, lr: float, step: int, decayed: int) -> None:
        """Change theta and slots in place; grad is overwritten as scratch.

        Args:
            theta: the parameters, `(size,)`.
            grad: the gradient of the loss, `(size,)`.
            slots: the state vectors, each `(size,)`.
            lr: the learning rate of this step, with the schedule applied.
            step: the number of this step, from 1.
            decayed: the number of entries, at the start of theta, that decoupled weight decay applies to.
        """


class LineSearch(Optimizer):
    """An optimizer that tries several points in each step and chooses one by the loss of all rows."""

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
            evaluate: computes the loss and fills grad, both with penalties and at the present theta. Within a step it
                must return the same loss for the same theta, so noise must not be drawn again.
        """


OPTIMIZERS = Family("optimizer", contract=Optimizer)

DECAY = "θ = θ - lr · weight_decay · θ for weights only"
"""The equation of `decay`."""


def decay(theta: Array, share: float, decayed: int) -> None:
    """Reduce the first `decayed` entries of theta by a share."""
    if share:
        theta[:decayed] *= 1 - share


CHUNK_ENTRIES = 1 << 18
"""The most entries in a chunk; theta, gradient and two slots take 4 MiB in float32. Smaller chunks would fit into
faster caches, but a thread that returns from NumPy while another one holds the interpreter lock is put to sleep, which
takes longer than a pass over a smaller chunk. A vector of up to half as many entries is updated by one thread."""

FLUSH_STEPS = 128
"""Steps between two calls of `drop_subnormal`. With the usual momentum of 0.9 the moments of a dead unit take 175 steps
to decay from 1e8 times the smallest normal number, where they are dropped, to that number."""


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
    """Do what `Optimizer.update` does, with bit-identical results, in chunks that the threads of a team share.

    An update makes about a dozen passes over vectors as long as theta. In a large network each pass over whole vectors
    would read them from main memory again. Every `FLUSH_STEPS` steps entries of slots that are almost zero are set to
    zero.

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

    # As many chunks for each thread, all of about the same length.
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
    """Set entries that have decayed to almost zero to zero. Subnormal numbers slow a step down, and a moment that has
    become one never reaches zero by itself."""
    np.absolute(slot, out=scratch)
    np.greater_equal(scratch, np.finfo(slot.dtype).tiny * 1e8, out=scratch)
    slot *= scratch
