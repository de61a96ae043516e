"""Losses: how wrong the scores are, value and gradient in one pass.

Every loss is a mean over rows (weighted by row where weights are given: a sum of weight times loss, divided by the sum
of the weights) and works on raw scores, so that it stays exact at scores of any size. The letters: z the scores
`(n, width)`, t the targets, n the rows.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol

import numpy as np

from bptrain.arrays import Array, Shape
from bptrain.nn import kernels
from bptrain.nn.layer import Scratch, Workspace
from bptrain.registry import Family

LOSSES = Family("loss")

Encoding = Literal["codes", "values"]
"""How targets reach a loss: `codes`, one int64 class number for each row `(n,)`; `values`, floats `(n, width)`."""


class Loss(Protocol):
    """A loss on raw scores."""

    encoding: ClassVar[Encoding]

    def widths(self, classes: int | None, columns: int) -> tuple[int, ...]:
        """The numbers of scores that fit a target of so many classes (None: numeric) in so many columns, the usual
        one first; empty when the loss cannot take such a target."""

    def plan(self, shape: Shape) -> Mapping[str, Scratch]:
        """The scratch needed for scores of `shape` a row."""

    def value_and_grad(self, scores: Array, targets: Array, weights: Array | None, dscores: Array, s: Workspace) -> Any:
        """The mean loss, a float (complex for complex scores); fills dscores with its gradient."""

    def outputs(self, scores: Array, out: Array) -> Array:
        """Fill out with what a person reads: probabilities, or the predicted values."""


def mean(terms: Array, dscores: Array, weights: Array | None) -> Any:
    """The mean of the terms of all rows and outputs; dscores, the derivative of each term, is scaled alike.

    terms `(n,)` or `(n, width)`, dscores `(n, width)`, weights `(n,)` or None. Sums in double precision.
    """
    wide = np.result_type(terms.dtype, np.float64)
    count: Any = len(terms)
    if weights is not None:
        np.multiply(terms.T, weights, out=terms.T)
        np.multiply(dscores.T, weights, out=dscores.T)
        count = np.add.reduce(weights, dtype=np.float64)
    count = count * (terms.size // len(terms))
    np.multiply(dscores, 1 / count, out=dscores)
    return (np.add.reduce(terms, axis=None, dtype=wide) / count).item()


@LOSSES.register
@dataclass(frozen=True)
class Mse:
    """Mean squared error: for numbers to predict, and for classes the Brier score's relative.

    Forward: `L = Σ (z - t)² / (n · width)`. Backward: `dz = 2 (z - t) / (n · width)`. Shapes: z and t `(n, width)`.
    The mean over rows and outputs, as in PyTorch and Keras; scikit-learn's networks minimise half of it.
    Reference: Gauss, 1809.
    """

    encoding: ClassVar[Encoding] = "values"

    def widths(self, classes: int | None, columns: int) -> tuple[int, ...]:
        if classes is None:
            return (columns,)
        return (1, 2) if classes == 2 else (classes,)

    def plan(self, shape: Shape) -> Mapping[str, Scratch]:
        return {"terms": Scratch(shape)}

    def value_and_grad(self, scores: Array, targets: Array, weights: Array | None, dscores: Array, s: Workspace) -> Any:
        np.subtract(scores, targets, out=dscores)
        np.multiply(dscores, dscores, out=s.terms)
        dscores *= 2
        return mean(s.terms, dscores, weights)

    def outputs(self, scores: Array, out: Array) -> Array:
        np.copyto(out, scores)
        return out


@LOSSES.register
@dataclass(frozen=True)
class SoftmaxCrossEntropy:
    """Cross-entropy of the softmax of the scores: for one class out of several. No softmax layer goes before it.

    Forward: `L = -Σ ln softmax(z)[t] / n`. Backward: `dz = (softmax(z) - onehot(t)) / n`.
    Shapes: z `(n, classes)`, t `(n,)` class numbers. The natural logarithm, as everywhere; PyTorch's CrossEntropyLoss,
    Keras's SparseCategoricalCrossentropy(from_logits=True). Reference: Bridle, 1990.

    With m the largest score of a row and S = Σ_{j≠m} exp(z_j - z_m), the loss of the row is ln(1 + S) + (z_m - z_t),
    which loses no digit even where it is nearly 0; the gradient at the target is likewise found without a difference of
    nearly equal numbers.
    """

    encoding: ClassVar[Encoding] = "codes"

    def widths(self, classes: int | None, columns: int) -> tuple[int, ...]:
        return (classes,) if classes is not None and columns == 1 else ()

    def plan(self, shape: Shape) -> Mapping[str, Scratch]:
        index, number = Scratch((), "int64"), Scratch(())
        return {
            "start": index, "top": index, "target": index, "hit": Scratch((), "bool"),
            "highest": number, "rest": number, "terms": number, "chosen": number,
        }  # fmt: skip

    def value_and_grad(self, scores: Array, targets: Array, weights: Array | None, dscores: Array, s: Workspace) -> Any:
        width = scores.shape[1]
        np.multiply(s.rows, width, out=s.start)
        np.argmax(scores.real, axis=1, out=s.top)
        np.equal(s.top, targets, out=s.hit)
        np.add(s.start, s.top, out=s.top)
        np.add(s.start, targets, out=s.target)
        z, e = scores.reshape(-1), dscores.reshape(-1)
        np.take(z, s.top, out=s.highest, mode="clip")
        np.take(z, s.target, out=s.chosen, mode="clip")

        np.subtract(scores, s.highest[:, None], out=dscores)
        np.exp(dscores, out=dscores)
        e[s.top] = 0
        np.add.reduce(dscores, axis=1, out=s.rest)
        # The large numbers first: ln(1 + S) may be far below the rounding of either score.
        np.subtract(s.highest, s.chosen, out=s.chosen)
        np.log1p(s.rest, out=s.terms)
        s.terms += s.chosen

        # Numerators of the gradient over 1 + S: exp(z_j - z_m) everywhere, less 1 + S at the target, which for the
        # highest score leaves exactly -S.
        e[s.top] = 1
        np.take(e, s.target, out=s.chosen, mode="clip")
        s.chosen -= 1
        s.chosen -= s.rest
        np.negative(s.rest, out=s.highest)
        np.copyto(s.chosen, s.highest, where=s.hit)
        e[s.target] = s.chosen
        s.rest += 1
        np.divide(dscores, s.rest[:, None], out=dscores)
        return mean(s.terms, dscores, weights)

    def outputs(self, scores: Array, out: Array) -> Array:
        np.subtract(scores, scores.max(axis=1, keepdims=True), out=out)
        np.exp(out, out=out)
        out /= out.sum(axis=1, keepdims=True)
        return out


@LOSSES.register
@dataclass(frozen=True)
class BinaryCrossEntropy:
    """Cross-entropy of the sigmoid of the score: for two classes. No sigmoid goes before it.

    Forward: `L = -Σ (t ln σ(z) + (1 - t) ln(1 - σ(z))) / (n · width)`. Backward: `dz = (σ(z) - t) / (n · width)`.
    Shapes: z and t `(n, width)`, t from 0 to 1. PyTorch's BCEWithLogitsLoss, Keras's
    BinaryCrossentropy(from_logits=True). Reference: Good, 1952.

    With e = exp(-|z|) a term is max(z, 0) - z t + ln(1 + e), which cannot overflow; it is not defined at an infinite z.
    """

    encoding: ClassVar[Encoding] = "values"

    def widths(self, classes: int | None, columns: int) -> tuple[int, ...]:
        return (1,) if classes == 2 and columns == 1 else ()

    def plan(self, shape: Shape) -> Mapping[str, Scratch]:
        number = Scratch(shape)
        return {"positive": Scratch(shape, "bool"), "decay": number, "terms": number, "lower": number}

    def value_and_grad(self, scores: Array, targets: Array, weights: Array | None, dscores: Array, s: Workspace) -> Any:
        np.greater(scores.real, 0, out=s.positive)
        kernels.exp_of_minus_abs(scores, s.decay)
        np.subtract(s.positive, targets, out=dscores)
        dscores *= scores
        np.log1p(s.decay, out=s.terms)
        s.terms += dscores

        # σ(z) - t as ((1 - t) u - t v) / (1 + e), where u / (1 + e) is σ(z) and v / (1 + e) is 1 - σ(z): no
        # cancellation.
        np.copyto(dscores, s.decay)
        np.copyto(dscores, 1, where=s.positive)
        np.subtract(1, targets, out=s.lower)
        dscores *= s.lower
        s.lower.fill(1)
        np.copyto(s.lower, s.decay, where=s.positive)
        s.lower *= targets
        dscores -= s.lower
        s.decay += 1
        dscores /= s.decay
        return mean(s.terms, dscores, weights)

    def outputs(self, scores: Array, out: Array) -> Array:
        kernels.sigmoid(scores, out, np.empty_like(scores), np.empty(scores.shape, bool))
        return out
