"""Losses for one class out of several, and for shares that add up to 1."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge, Le, Lt

from bptrain.arrays import Array, Shape
from bptrain.equations import Equations
from bptrain.nn import kernels
from bptrain.nn.layer import Scratch, Workspace
from bptrain.nn.losses.binary import fill_sigmoid
from bptrain.nn.losses.loss import LOSSES, Loss, Value, Weights, mean

FAR = 64.0
"""How far a score may be above the score of its row's target before all exponents of the row are lowered: exp(64) is
6e27, and float32 holds numbers up to 3e38."""

LEAST = np.array(-FAR, np.float32)
"""The smallest exponent used in single precision, for any score further below the score of its row's target. Smaller
ones would lead to subnormal numbers in the layers before, which slow a step down by a third once a network has
memorized its rows. It is an array, because NumPy takes longer for a number."""


@LOSSES.register
@dataclass(frozen=True)
class SoftmaxCrossEntropy(Loss):
    """Cross-entropy of the softmax of the scores: for one class out of several. Put no softmax layer before it.

    With class weights every row counts by the weight of its class, in the sum and in n. PyTorch does the same, but
    combines label smoothing with class weights in another way. Shapes: z `(n, classes)`, t `(n,)` class numbers. As
    PyTorch's CrossEntropyLoss and Keras's SparseCategoricalCrossentropy(from_logits=True). Reference: Bridle, 1990.

    With S = Σ_{j≠t} exp(z_j - z_t) the loss of a row is ln(1 + S), which stays exact even where it is nearly 0 (in
    single precision down to 1e-28). The gradient is exp(z_j - z_t) / (1 + S), and at the target -S / (1 + S): neither
    subtracts nearly equal numbers. Where S could overflow, all exponents of the row are lowered by h, so that the
    largest is 64; then the loss is ln(e^-h + S) + h, computed as ln(1 + S) + h, which rounds to the same.
    """

    equations = Equations(
        forward=("L = -Σ q ln softmax(z) / n", "q = onehot(t)"),
        backward=("dz = (softmax(z) - q) / n",),
        variants={
            "with label_smoothing": Equations(
                forward=("L = -Σ q ln softmax(z) / n", "q = (1 - label_smoothing) onehot(t) + label_smoothing / width"),
                backward=("dz = (softmax(z) - q) / n",),
            )
        },
    )
    aliases = (
        "categorical_cross_entropy", "categorical_crossentropy", "ce", "negative_log_likelihood", "nll", "softmax",
        "sparse_categorical_crossentropy",
    )  # fmt: skip

    label_smoothing: Annotated[float, Ge(0), Lt(1), "share of the target spread over all classes"] = 0.0
    class_weights: Annotated[
        tuple[Annotated[float, Ge(0), Le(1e6)], ...] | None, "a weight for each class, in sorted order; null: all 1"
    ] = None

    encoding = "codes"
    link = "softmax"

    def widths(self, classes: int | None, columns: int) -> tuple[int, ...]:
        return (classes,) if classes is not None and columns == 1 else ()

    def objection(self, targets: Array, classes: int | None) -> str | None:
        if self.class_weights is None:
            return None
        if len(self.class_weights) != classes:
            return f"class_weights needs one weight for each of the {classes} classes (got {len(self.class_weights)})"
        largest = max(self.class_weights)
        return f"class_weights needs a weight of at least 1e-6 (got at most {largest:g})" if largest < 1e-6 else None

    def choose_equations(self, width: int) -> Equations:
        return self.equations.variants["with label_smoothing"] if self.label_smoothing else self.equations

    def plan(self, shape: Shape) -> Mapping[str, Scratch]:
        # columns: ones; shift: what is subtracted from the scores of a row, later -S; height: h; rest: S, later 1 + S
        row = dict.fromkeys(("shift", "height", "rest", "terms", "weights"), Scratch(()))
        return {"target": Scratch((), "int64"), **row, "columns": Scratch(shape, per_row=False)}

    def value_and_grad(self, scores: Array, targets: Array, weights: Weights, dscores: Array, s: Workspace) -> Value:
        width = scores.shape[1]
        assert dscores.flags.c_contiguous, "reshape would copy dscores, and what is written into the copy would be lost"
        z, e = scores.reshape(-1), dscores.reshape(-1)
        np.multiply(s.rows, width, out=s.target)
        s.target += targets
        z.take(s.target, out=s.shift, mode="clip")
        np.subtract(scores, s.shift[:, None], out=dscores)
        lowered = not np.maximum.reduce(dscores.real, axis=None) <= FAR  # True for NaN too
        if lowered:
            self.lower_exponents(scores, dscores, s)
        if dscores.dtype == LEAST.dtype:
            np.maximum(dscores, LEAST, out=dscores)
        np.exp(dscores, out=dscores)

        e[s.target] = 0
        # A product with ones: many times faster than a sum over short rows.
        s.columns.fill(1)
        dscores.dot(s.columns, s.rest)
        kernels.log1p(s.rest, s.terms)
        if lowered:
            s.terms += s.height
        np.negative(s.rest, out=s.shift)
        e[s.target] = s.shift
        s.rest += 1
        np.divide(dscores, s.rest[:, None], out=dscores)
        if self.label_smoothing:
            self.smooth_labels(scores, dscores, s)
        return mean(s.terms, dscores, self.weigh_rows(targets, weights, s))

    def lower_exponents(self, scores: Array, dscores: Array, s: Workspace) -> None:
        """Fill dscores with exponents of at most 64, and s.height with the h of each row.

        The largest score of a row is subtracted first: this keeps the differences among scores exact, however far away
        the score of the target is.
        """
        highest = np.maximum.reduce(scores.real, axis=1)
        np.subtract(highest, s.shift, out=s.height)
        far = ~(s.height.real <= FAR)
        np.copyto(s.shift, highest, where=far)
        np.subtract(scores, s.shift[:, None], out=dscores)
        np.add(dscores, FAR, out=dscores, where=far[:, None])
        s.height -= FAR
        s.height[~far] = 0

    def smooth_labels(self, scores: Array, dscores: Array, s: Workspace) -> None:
        """Add label smoothing with its share ε: to each term ε (z_t - mean(z)), and to the gradient the derivative of
        this."""
        z, e, width = scores.reshape(-1), dscores.reshape(-1), scores.shape[1]
        scores.dot(s.columns, s.weights)
        s.weights /= -width
        z.take(s.target, out=s.shift, mode="clip")
        s.shift += s.weights
        s.shift *= self.label_smoothing
        s.terms += s.shift
        dscores -= self.label_smoothing / width
        e.take(s.target, out=s.shift, mode="clip")
        s.shift += self.label_smoothing
        e[s.target] = s.shift

    def weigh_rows(self, targets: Array, weights: Weights, s: Workspace) -> Array | None:
        """Return the weights of the rows, multiplied by the weights of their classes."""
        if self.class_weights is None:
            return weights
        np.take(np.array(self.class_weights, s.weights.dtype), targets, out=s.weights, mode="clip")
        if weights is not None:
            s.weights *= weights
        return np.asarray(s.weights)

    def outputs(self, scores: Array, out: Array) -> Array:
        return fill_softmax(scores, out)


@LOSSES.register
@dataclass(frozen=True)
class Hinge(Loss):
    """Asks for a margin of 1 between the scores of the right class and the wrong ones; a larger one gains nothing.

    Each term above 0 adds -1 to the gradient of the right score and 1 to that of the wrong one. With several classes r
    is the score of the right one. Shapes: z `(n, 1)` for two classes or `(n, classes)`, t 0 and 1 of the same shape.
    PyTorch's MultiMarginLoss; Keras's CategoricalHinge takes only the wrong class with the highest score. Predictions
    are the sigmoid or softmax of the scores: they rank classes, but are not probabilities. Reference: Cortes and
    Vapnik, 1995; Weston and Watkins, 1999.
    """

    equations = Equations(
        forward=("L = Σ max(0, 1 - s z) / n", "s = 2 t - 1"),
        backward=("dz = -s [s z < 1] / n",),
        variants={
            "with several classes": Equations(
                forward=("L = Σ e / (n · width)", "e = (1 - t) max(0, 1 - r + z)", "r = Σ_k t z"),
                backward=("dz = (a - t Σ_k a) / (n · width)", "a = [e > 0]"),
            )
        },
    )
    aliases = ("svm",)
    link = "margin"
    kinked = True

    def widths(self, classes: int | None, columns: int) -> tuple[int, ...]:
        if classes is None:
            return ()
        return (1,) if classes == 2 else (classes,)

    def choose_equations(self, width: int) -> Equations:
        return self.equations if width == 1 else self.equations.variants["with several classes"]

    def plan(self, shape: Shape) -> Mapping[str, Scratch]:
        number = Scratch(shape)
        return {"margin": number, "above": Scratch(shape, "bool"), "sign": number, "row": Scratch(())}

    def value_and_grad(self, scores: Array, targets: Array, weights: Weights, dscores: Array, s: Workspace) -> Value:
        if scores.shape[1] == 1:
            np.multiply(targets, -2, out=s.sign)
            s.sign += 1
            np.multiply(scores, s.sign, out=s.margin)
            s.margin += 1
            np.greater(s.margin.real, 0, out=s.above)
            s.margin *= s.above
            np.multiply(s.sign, s.above, out=dscores)
            return mean(s.margin, dscores, weights)
        np.multiply(scores, targets, out=s.margin)
        np.add.reduce(s.margin, axis=1, out=s.row)
        np.subtract(scores, s.row[:, None], out=s.margin)
        s.margin += 1
        # For the right class the margin is 1 - r + r = 1, which must not count: it is not greater than its target, 1.
        np.greater(s.margin.real, targets, out=s.above)
        s.margin *= s.above
        np.copyto(dscores, s.above)
        np.add.reduce(dscores, axis=1, out=s.row)
        np.multiply(targets, s.row[:, None], out=s.sign)
        dscores -= s.sign
        return mean(s.margin, dscores, weights)

    def outputs(self, scores: Array, out: Array) -> Array:
        return fill_sigmoid(scores, out) if scores.shape[1] == 1 else fill_softmax(scores, out)


@LOSSES.register
@dataclass(frozen=True)
class KlDivergence(Loss):
    """How far the softmax of the scores is from a given distribution: for targets that are shares.

    A term is 0 where t is 0. Shapes: z and t `(n, width)`, t at least 0 with rows that add up to 1. PyTorch's
    KLDivLoss(reduction="batchmean") on log_softmax. Reference: Kullback and Leibler, 1951.
    """

    equations = Equations(forward=("L = Σ t (ln t - ln softmax(z)) / n",), backward=("dz = (softmax(z) - t) / n",))
    aliases = ("kl", "kl_div")
    raw_targets = True
    link = "softmax"

    def widths(self, classes: int | None, columns: int) -> tuple[int, ...]:
        return (columns,) if classes is None and columns > 1 else ()

    def objection(self, targets: Array, classes: int | None) -> str | None:
        if (targets < 0).any():
            return f"a share must be 0 or more (got {targets.min():g})"
        sums = targets.sum(axis=1, dtype=np.float64)
        worst = sums[np.argmax(np.abs(sums - 1))]
        return f"the shares of a row must add up to 1 (got {worst:g})" if abs(worst - 1) > 1e-5 else None

    def plan(self, shape: Shape) -> Mapping[str, Scratch]:
        number, row = Scratch(shape), Scratch(())
        return {"known": number, "terms": number, "zero": Scratch(shape, "bool"), "row": row, "mass": row}

    def value_and_grad(self, scores: Array, targets: Array, weights: Weights, dscores: Array, s: Workspace) -> Value:
        np.maximum.reduce(scores.real, axis=1, out=s.row)
        np.subtract(scores, s.row[:, None], out=s.terms)
        np.exp(s.terms, out=dscores)
        np.add.reduce(dscores, axis=1, out=s.row)
        np.divide(dscores, s.row[:, None], out=dscores)
        np.log(s.row, out=s.row)
        # Terms t (ln t - ln softmax(z)). Where t is 0, ln 1 stands in for ln 0, and the product is 0.
        np.subtract(s.row[:, None], s.terms, out=s.terms)
        np.copyto(s.known, targets)
        np.equal(targets, 0, out=s.zero)
        np.copyto(s.known, 1, where=s.zero)
        np.log(s.known, out=s.known)
        s.terms += s.known
        s.terms *= targets
        np.add.reduce(s.terms, axis=1, out=s.row)

        np.add.reduce(targets, axis=1, out=s.mass)
        dscores *= s.mass[:, None]
        dscores -= targets
        return mean(s.row, dscores, weights)

    def outputs(self, scores: Array, out: Array) -> Array:
        return fill_softmax(scores, out)


def fill_softmax(scores: Array, out: Array) -> Array:
    """Fill out with the softmax of each row, and return it."""
    np.subtract(scores, scores.max(axis=1, keepdims=True), out=out)
    np.exp(out, out=out)
    out /= out.sum(axis=1, keepdims=True)
    return out
