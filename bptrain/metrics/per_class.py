"""Precision, recall and F1: ratios of counts for each class or label, and their average."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np

from bptrain.arrays import Array
from bptrain.metrics.class_metrics import confusion
from bptrain.metrics.metric import METRICS, Figure, Kind, Metric, mean_of_defined, ratio, ratios, readable


@dataclass(frozen=True)
class PerClass(Metric):
    """The base of metrics that divide counts of one class by others: rows right, predicted as it and of it."""

    average: Annotated[
        Literal["macro", "micro", "per_class"],
        "macro: mean over classes; micro: of the counts of all classes together; per_class: a list, one for each",
    ] = "macro"

    kinds: ClassVar[tuple[Kind, ...]] = ("classes", "labels")
    perfect: ClassVar[float | None] = 1.0

    @abstractmethod
    def parts(self, right: Array, predicted: Array, occurring: Array) -> tuple[Array, Array]:
        """Numerator and denominator for each class."""

    def tally(self, outputs: Array, targets: Array) -> Array:
        if targets.ndim == 1:
            table = confusion(outputs, targets)
            return np.stack([table.diagonal(), table.sum(axis=0), table.sum(axis=1)])
        predicted, occurring = outputs > 0.5, targets > 0.5
        counts = [np.count_nonzero(hits, axis=0) for hits in (predicted & occurring, predicted, occurring)]
        return readable(np.stack(counts), outputs)

    def finish(self, sums: Array) -> Figure:
        above, below = self.parts(*sums)
        if self.average == "micro":
            return ratio(above.sum(), below.sum())
        values = ratios(above, below)
        if self.average == "macro":
            return mean_of_defined(values)
        return [None if np.isnan(value) else float(value) for value in values]


@METRICS.register
@dataclass(frozen=True)
class Precision(PerClass):
    """How far a prediction can be trusted: of the rows that are predicted as a class, the share that is of it.

    Value: `Σ [t = c and p = c] / Σ [p = c]` with `p = argmax(y)`, or `y > 1/2` for labels, averaged over c as `average`
    says. Shapes: y `(n, classes)` or `(n, 1)`, t `(n,)`; for labels both `(n, labels)`. Undefined for a class that is
    never predicted, which the macro mean leaves out, and if none is left. As scikit-learn's precision_score, which puts
    0 for such a class with a warning, and leaves out only one that does not occur either.
    """

    def parts(self, right: Array, predicted: Array, occurring: Array) -> tuple[Array, Array]:
        return right, predicted


@METRICS.register
@dataclass(frozen=True)
class Recall(PerClass):
    """How much is found: of the rows that are of a class, the share that is predicted as it.

    Value: `Σ [t = c and p = c] / Σ [t = c]` with `p = argmax(y)`, or `y > 1/2` for labels, averaged over c as `average`
    says. Shapes: y `(n, classes)` or `(n, 1)`, t `(n,)`; for labels both `(n, labels)`. Undefined for a class that does
    not occur, which the macro mean leaves out, and if none is left. For classes the macro mean is the balanced
    accuracy. As scikit-learn's recall_score, which puts 0 with a warning for a class that is predicted but does not
    occur.
    """

    def parts(self, right: Array, predicted: Array, occurring: Array) -> tuple[Array, Array]:
        return right, occurring


@METRICS.register
@dataclass(frozen=True)
class F1(PerClass):
    """The harmonic mean of precision and recall: high only if what is predicted is right and what there is is found.

    Value: `2 Σ [t = c and p = c] / (Σ [p = c] + Σ [t = c])` with `p = argmax(y)`, or `y > 1/2` for labels, averaged
    over c as `average` says. Shapes: y `(n, classes)` or `(n, 1)`, t `(n,)`; for labels both `(n, labels)`. Undefined
    for a class that neither occurs nor is predicted, which the macro mean leaves out, and if none is left; it is 0 for
    one that only occurs or is only predicted. As scikit-learn's f1_score on the classes that are left.
    """

    aliases: ClassVar[tuple[str, ...]] = ("f1_score",)

    def parts(self, right: Array, predicted: Array, occurring: Array) -> tuple[Array, Array]:
        return 2 * right, predicted + occurring
