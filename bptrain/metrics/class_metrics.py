"""Metrics of the class that is predicted: how often it is right, and what it is taken for."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge

from bptrain.arrays import Array
from bptrain.metrics.metric import METRICS, Figure, Kind, MeanMetric, Metric, mean_of_defined, ratios, readable


def predicted_codes(outputs: Array) -> Array:
    """The class number that each row of outputs speaks for, `(n,)` int64; a tie goes to the first."""
    if outputs.shape[1] == 1:
        return (outputs[:, 0] > 0.5).astype(np.int64)
    codes: Array = np.argmax(outputs, axis=1)
    return codes


def class_count(outputs: Array) -> int:
    """How many classes the outputs tell apart; one column tells two."""
    return max(int(outputs.shape[1]), 2)


def confusion(outputs: Array, targets: Array) -> Array:
    """How often each class, a row, was predicted as each class, a column."""
    classes = class_count(outputs)
    pairs = targets.astype(np.int64) * classes + predicted_codes(outputs)
    return readable(np.bincount(pairs, minlength=classes**2).reshape(classes, classes), outputs)


@METRICS.register
@dataclass(frozen=True)
class Accuracy(MeanMetric):
    """The share of rows whose class is predicted right; of several labels, the share of labels.

    Value: `Σ [argmax(y) = t] / n`; with one output `Σ [(y > 1/2) = t] / n`; for labels
    `Σ [(y > 1/2) = t] / (n · labels)`. Of equal probabilities the first counts. Shapes: y `(n, classes)` or `(n, 1)`, t
    `(n,)`; for labels both `(n, labels)`. Undefined for no rows. As scikit-learn's accuracy_score; for labels as
    1 - hamming_loss, where accuracy_score asks for whole rows to be right.
    """

    aliases: ClassVar[tuple[str, ...]] = ("acc",)
    kinds: ClassVar[tuple[Kind, ...]] = ("classes", "labels")
    perfect: ClassVar[float | None] = 1.0
    usual: ClassVar[bool] = True

    def tally(self, outputs: Array, targets: Array) -> Array:
        right = predicted_codes(outputs) == targets if targets.ndim == 1 else (outputs > 0.5) == (targets > 0.5)
        return readable(np.array([np.count_nonzero(right), right.size]), outputs)


@METRICS.register
@dataclass(frozen=True)
class BalancedAccuracy(Metric):
    """The share predicted right of each class, then the mean over classes: a rare class weighs as much as a common one.

    Value: `mean over c of Σ [t = c and argmax(y) = c] / Σ [t = c]`. Shapes: y `(n, classes)` or `(n, 1)`, t `(n,)`.
    Undefined for no rows; a class that does not occur is left out of the mean. As scikit-learn's
    balanced_accuracy_score, not adjusted for chance.
    """

    kinds: ClassVar[tuple[Kind, ...]] = ("classes",)
    perfect: ClassVar[float | None] = 1.0

    def tally(self, outputs: Array, targets: Array) -> Array:
        table = confusion(outputs, targets)
        return np.stack([table.diagonal(), table.sum(axis=1)])

    def finish(self, sums: Array) -> float | None:
        right, occurring = sums
        return mean_of_defined(ratios(right, occurring))


@METRICS.register
@dataclass(frozen=True)
class TopK(MeanMetric):
    """The share of rows whose class is among the `k` most probable.

    Value: `Σ [#{c before t} < k] / n`, where c is before t if `y_c > y_t`, or `y_c = y_t` and `c < t`. Shapes: y
    `(n, classes)` or `(n, 1)`, t `(n,)`. Undefined for no rows, and for `k` not below the number of classes: any
    prediction would be right. With `k` 1 it is the accuracy, ties included. As scikit-learn's top_k_accuracy_score,
    which gives 1 with a warning for such a `k`, and among equal probabilities prefers the last class where ours, and
    the accuracy of both, prefers the first.
    """

    aliases: ClassVar[tuple[str, ...]] = ("top_k_accuracy",)
    k: Annotated[int, Ge(1), "how many of the most probable classes count"] = 3

    kinds: ClassVar[tuple[Kind, ...]] = ("classes",)
    perfect: ClassVar[float | None] = 1.0

    def tells_apart(self, classes: int) -> bool:
        return self.k < classes

    def tally(self, outputs: Array, targets: Array) -> Array:
        classes = class_count(outputs)
        if self.k >= classes:
            return np.zeros(2)
        if outputs.shape[1] == 1:
            right = predicted_codes(outputs) == targets
        else:
            own = np.take_along_axis(outputs, targets[:, None], axis=1)
            ties_before = (outputs == own) & (np.arange(classes) < targets[:, None])
            right = np.count_nonzero((outputs > own) | ties_before, axis=1) < self.k
        return readable(np.array([np.count_nonzero(right), len(targets)]), outputs)


@METRICS.register
@dataclass(frozen=True)
class ConfusionMatrix(Metric):
    """How many rows of each class were predicted as each class.

    Value: row i, column j: `Σ [t = i and argmax(y) = j]`, as a list of rows. Shapes: y `(n, classes)` or `(n, 1)`, t
    `(n,)`, value `(classes, classes)`. Undefined for no rows. As scikit-learn's confusion_matrix with all classes given
    as labels.
    """

    aliases: ClassVar[tuple[str, ...]] = ("confusion",)
    kinds: ClassVar[tuple[Kind, ...]] = ("classes",)
    perfect: ClassVar[float | None] = None

    def tally(self, outputs: Array, targets: Array) -> Array:
        return confusion(outputs, targets)

    def finish(self, sums: Array) -> Figure:
        rows: Figure = sums.tolist()
        return rows if sums.sum() > 0 else None
