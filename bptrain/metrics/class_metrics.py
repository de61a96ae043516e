"""Metrics of predicted classes: how often they are right, which are confused, and precision, recall and F1."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
from annotated_types import Ge

from bptrain.arrays import Array
from bptrain.metrics.metric import (
    METRICS,
    ClassMetric,
    Figure,
    Kind,
    MeanMetric,
    average_defined,
    divide,
    divide_each,
    mask_nan,
)


def predict_codes(outputs: Array) -> Array:
    """Return the most probable class of each row, `(n,)` int64; of a tie, the first."""
    if outputs.shape[1] == 1:
        return (outputs[:, 0] > 0.5).astype(np.int64)
    codes: Array = np.argmax(outputs, axis=1)
    return codes


def count_output_classes(outputs: Array) -> int:
    """Return the number of classes that outputs are for: two if they are a single column."""
    return max(int(outputs.shape[1]), 2)


def count_confusions(outputs: Array, targets: Array) -> Array:
    """Return how often each class (a row) was predicted as each class (a column)."""
    classes = count_output_classes(outputs)
    pairs = targets.astype(np.int64) * classes + predict_codes(outputs)
    return mask_nan(np.bincount(pairs, minlength=classes**2).reshape(classes, classes), outputs)


@METRICS.register
@dataclass(frozen=True)
class Accuracy(ClassMetric, MeanMetric):
    """The share of rows whose class is predicted correctly; for labels, the share of labels.

    Value: `Σ [argmax(y) = t] / n`; with one output `Σ [(y > 1/2) = t] / n`; for labels
    `Σ [(y > 1/2) = t] / (n · labels)`. Of equal probabilities the first is the prediction. Shapes: y `(n, classes)` or
    `(n, 1)`, t `(n,)`; for labels both `(n, labels)`. Undefined for no rows. Same as scikit-learn's accuracy_score; for
    labels it is 1 - hamming_loss, where accuracy_score counts rows with every label correct.
    """

    aliases: ClassVar[tuple[str, ...]] = ("acc",)
    kinds: ClassVar[tuple[Kind, ...]] = ("classes", "labels")
    usual: ClassVar[bool] = True

    def tally(self, outputs: Array, targets: Array) -> Array:
        right = predict_codes(outputs) == targets if targets.ndim == 1 else (outputs > 0.5) == (targets > 0.5)
        return mask_nan(np.array([np.count_nonzero(right), right.size]), outputs)


@METRICS.register
@dataclass(frozen=True)
class BalancedAccuracy(ClassMetric):
    """The share of each class that is predicted correctly, averaged over classes: all classes weigh the same.

    Value: `mean over c of Σ [t = c and argmax(y) = c] / Σ [t = c]`. Shapes: y `(n, classes)` or `(n, 1)`, t `(n,)`.
    Undefined for no rows; a class that does not occur is left out of the mean. Same as scikit-learn's
    balanced_accuracy_score, not adjusted for chance.
    """

    def tally(self, outputs: Array, targets: Array) -> Array:
        table = count_confusions(outputs, targets)
        return np.stack([table.diagonal(), table.sum(axis=1)])

    def finish(self, sums: Array) -> float | None:
        right, occurring = sums
        return average_defined(divide_each(right, occurring))


@METRICS.register
@dataclass(frozen=True)
class TopK(ClassMetric, MeanMetric):
    """The share of rows whose class is among the `k` most probable.

    Value: `Σ [#{c before t} < k] / n`, where c is before t if `y_c > y_t`, or `y_c = y_t` and `c < t`. Shapes: y
    `(n, classes)` or `(n, 1)`, t `(n,)`. Undefined for no rows, and if `k` is not below the number of classes: any
    prediction would be correct. With `k` 1 it is the accuracy, ties included. scikit-learn's top_k_accuracy_score
    gives 1 with a warning for such a `k`, and among equal probabilities prefers the last class; this one prefers the
    first, as the accuracy of both does.
    """

    aliases: ClassVar[tuple[str, ...]] = ("top_k_accuracy",)
    k: Annotated[int, Ge(1), "number of most probable classes that count as correct"] = 3

    def tells_apart(self, classes: int) -> bool:
        return self.k < classes

    def tally(self, outputs: Array, targets: Array) -> Array:
        classes = count_output_classes(outputs)
        if self.k >= classes:
            return np.zeros(2)
        if outputs.shape[1] == 1:
            right = predict_codes(outputs) == targets
        else:
            own = np.take_along_axis(outputs, targets[:, None], axis=1)
            ties_before = (outputs == own) & (np.arange(classes) < targets[:, None])
            right = np.count_nonzero((outputs > own) | ties_before, axis=1) < self.k
        return mask_nan(np.array([np.count_nonzero(right), len(targets)]), outputs)


@METRICS.register
@dataclass(frozen=True)
class ConfusionMatrix(ClassMetric):
    """The number of rows of each class that are predicted as each class.

    Value: row i, column j: `Σ [t = i and argmax(y) = j]`, as a list of rows. Shapes: y `(n, classes)` or `(n, 1)`, t
    `(n,)`, value `(classes, classes)`. Undefined for no rows. Same as scikit-learn's confusion_matrix with all classes
    given as labels.
    """

    aliases: ClassVar[tuple[str, ...]] = ("confusion",)
    perfect: ClassVar[float | None] = None

    def tally(self, outputs: Array, targets: Array) -> Array:
        return count_confusions(outputs, targets)

    def finish(self, sums: Array) -> Figure:
        rows: Figure = sums.tolist()
        return rows if sums.sum() > 0 else None


@dataclass(frozen=True)
class PerClass(ClassMetric):
    """The base of ratios of the counts of a class: correct predictions, all predictions of the class, and its rows."""

    average: Annotated[
        Literal["macro", "micro", "per_class"],
        "macro: mean over classes; micro: from the counts of all classes together; per_class: a list, one for each",
    ] = "macro"

    kinds: ClassVar[tuple[Kind, ...]] = ("classes", "labels")

    @abstractmethod
    def pick_counts(self, right: Array, predicted: Array, occurring: Array) -> tuple[Array, Array]:
        """Return numerator and denominator for each class."""

    def tally(self, outputs: Array, targets: Array) -> Array:
        if targets.ndim == 1:
            table = count_confusions(outputs, targets)
            return np.stack([table.diagonal(), table.sum(axis=0), table.sum(axis=1)])
        predicted, occurring = outputs > 0.5, targets > 0.5
        counts = [np.count_nonzero(hits, axis=0) for hits in (predicted & occurring, predicted, occurring)]
        return mask_nan(np.stack(counts), outputs)

    def finish(self, sums: Array) -> Figure:
        above, below = self.pick_counts(*sums)
        if self.average == "micro":
            return divide(above.sum(), below.sum())
        values = divide_each(above, below)
        if self.average == "macro":
            return average_defined(values)
        return [None if np.isnan(value) else float(value) for value in values]


@METRICS.register
@dataclass(frozen=True)
class Precision(PerClass):
    """Of the rows predicted as a class, the share that belongs to it.

    Value: `Σ [t = c and p = c] / Σ [p = c]` with `p = argmax(y)`, or `y > 1/2` for labels, averaged over c as `average`
    says. Shapes: y `(n, classes)` or `(n, 1)`, t `(n,)`; for labels both `(n, labels)`. Undefined for a class that is
    never predicted; in the macro mean it counts as 0 if it occurs, and is left out otherwise. Same as scikit-learn's
    precision_score, which gives 0 with a warning for such a class by itself.
    """

    def pick_counts(self, right: Array, predicted: Array, occurring: Array) -> tuple[Array, Array]:
        return right, predicted

    def finish(self, sums: Array) -> Figure:
        if self.average != "macro":
            return super().finish(sums)
        right, predicted, occurring = sums
        return average_defined(divide_each(right, np.where(occurring > 0, np.maximum(predicted, 1), predicted)))


@METRICS.register
@dataclass(frozen=True)
class Recall(PerClass):
    """Of the rows that belong to a class, the share predicted as it.

    Value: `Σ [t = c and p = c] / Σ [t = c]` with `p = argmax(y)`, or `y > 1/2` for labels, averaged over c as `average`
    says. Shapes: y `(n, classes)` or `(n, 1)`, t `(n,)`; for labels both `(n, labels)`. Undefined for a class that does
    not occur, which the macro mean leaves out, and if no class is left. For classes the macro mean is the balanced
    accuracy. scikit-learn's recall_score gives 0 with a warning for a class that is predicted but does not occur.
    """

    def pick_counts(self, right: Array, predicted: Array, occurring: Array) -> tuple[Array, Array]:
        return right, occurring


@METRICS.register
@dataclass(frozen=True)
class F1(PerClass):
    """The harmonic mean of precision and recall: high only if both are.

    Value: `2 Σ [t = c and p = c] / (Σ [p = c] + Σ [t = c])` with `p = argmax(y)`, or `y > 1/2` for labels, averaged
    over c as `average` says. Shapes: y `(n, classes)` or `(n, 1)`, t `(n,)`; for labels both `(n, labels)`. Undefined
    for a class that neither occurs nor is predicted, which the macro mean leaves out, and if no class is left; it is 0
    for one that only occurs or is only predicted. Same as scikit-learn's f1_score on the classes that are left.
    """

    aliases: ClassVar[tuple[str, ...]] = ("f1_score",)

    def pick_counts(self, right: Array, predicted: Array, occurring: Array) -> tuple[Array, Array]:
        return 2 * right, predicted + occurring
