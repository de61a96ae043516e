"""The contract of a loss, and the mean that all of them take.

Every loss is a mean over rows (weighted by row where weights are given: a sum of weight times loss, divided by the sum
of the weights) and works on raw scores, so that it stays exact at scores of any size. The letters: z the scores
`(n, width)`, t the targets, n the rows.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np

from bptrain.arrays import Array, Shape
from bptrain.equations import Equations
from bptrain.nn.layer import Link, Scratch, Workspace
from bptrain.registry import Family

Value = tuple[Any, float]
"""A mean loss and the weight of what it is a mean of."""

Encoding = Literal["codes", "values"]
"""How targets reach a loss: `codes`, one int64 class number for each row `(n,)`; `values`, floats `(n, width)`."""


class Loss(ABC):
    """A loss on raw scores, and the base of all of them.

    Unless it says otherwise it takes numbers, a score for each column, and needs no scratch.
    `encoding` is how targets reach it; `raw_targets` says that numeric targets mean something as they are (counts,
    shares, yes or no) and must not be scaled; `labels` that several columns of 0 and 1 are labels that may go together;
    `link` is what the loss itself makes of raw scores, which must then be free to take any value; `kinked` says that
    its slope jumps where the gradient of a score changes its sign.
    """

    equations: ClassVar[Equations] = Equations()
    encoding: ClassVar[Encoding] = "values"
    raw_targets: ClassVar[bool] = False
    labels: ClassVar[bool] = False
    link: ClassVar[Link] = ""

    def widths(self, classes: int | None, columns: int) -> tuple[int, ...]:
        """The numbers of scores that fit a target of so many classes (None: numeric) in so many columns, the usual
        one first; empty when the loss cannot take such a target."""
        return (columns,) if classes is None else ()

    def target_shape(self, shape: Shape) -> Shape:
        """The shape of a row's encoded target, for scores of `shape`."""
        return () if self.encoding == "codes" else shape

    def objection(self, targets: Array, classes: int | None) -> str | None:
        """What is wrong with encoded targets of so many classes, if anything: `a count must be 0 or more (got -3)`."""
        return None

    def choose_equations(self, width: int) -> Equations:
        """Return the equations that the options lead to, for `width` scores."""
        return self.equations

    def plan(self, shape: Shape) -> Mapping[str, Scratch]:
        """The scratch needed for scores of `shape` a row."""
        return {}

    @abstractmethod
    def value_and_grad(
        self, scores: Array, targets: Array, weights: Array | None, dscores: Array, s: Workspace
    ) -> Value:
        """The mean loss, a float (complex for complex scores), and what the batch weighs; fills dscores with the
        gradient of the mean.

        scores and dscores `(n, width)`, weights `(n,)` or None. The weight is n, or the sum of the weights: a mean over
        several batches is the sum of their means times their weights, divided by the sum of the weights.
        """

    def outputs(self, scores: Array, out: Array) -> Array:
        """Fill out with what a person reads: probabilities, or the predicted values."""
        np.copyto(out, scores)
        return out


LOSSES = Family("loss", contract=Loss)


def mean(terms: Array, dscores: Array, weights: Array | None) -> Value:
    """The mean of the terms of all rows and outputs, and what they weigh; dscores, the derivative of each, is scaled
    alike. Rows that weigh nothing at all have a mean of 0.

    terms `(n,)` or `(n, width)`, dscores `(n, width)`, weights `(n,)` or None. Sums in double precision.
    """
    wide = np.complex128 if terms.dtype.kind == "c" else np.float64
    weight = float(len(terms))
    if weights is not None:
        np.multiply(terms.T, weights, out=terms.T)
        np.multiply(dscores.T, weights, out=dscores.T)
        weight = float(np.add.reduce(weights.real, dtype=np.float64))
    count = weight * (terms.size // len(terms)) or 1.0
    np.multiply(dscores, 1 / count, out=dscores)
    return (np.add.reduce(terms, axis=None, dtype=wide) / count).item(), weight
