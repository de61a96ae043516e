"""Metrics of probabilities: whether they are accurate, and whether they rank rows of a class above the others.

A ranking metric needs every probability at once: its tally is the scores and targets themselves, 16 bytes for each row
and class (once for two classes), and merging holds both sides and the result. A million rows of ten classes take 160
MB.
"""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge, Le

from bptrain.arrays import Array
from bptrain.metrics.metric import METRICS, ClassMetric, Kind, MeanMetric, Metric, average_defined, divide


def expand_probabilities(outputs: Array) -> Array:
    """Return the probability of every class, `(n, classes)` float64; a single column is that of the second of two."""
    wide: Array = outputs.astype(np.float64)
    return np.hstack([1 - wide, wide]) if wide.shape[1] == 1 else wide


class ProbabilityMetric(Metric):
    """The base of errors of probabilities."""

    kinds: ClassVar[tuple[Kind, ...]] = ("classes",)
    perfect: ClassVar[float | None] = 0.0
    of_probabilities: ClassVar[bool] = True


@METRICS.register
@dataclass(frozen=True)
class LogLoss(ProbabilityMetric, MeanMetric):
    """The mean of -log of the probability of the true class, in nats: the cross-entropy of the reported probabilities.

    Value: `-Σ log(min(max(y_t, ε), 1 - ε)) / n` with float64's `ε = 2⁻⁵²`, so a wrong prediction with certainty costs
    36.04 and not infinity. Shapes: y `(n, classes)` or `(n, 1)`, t `(n,)`. Undefined for no rows. Same as
    scikit-learn's log_loss on float64, which clips float32 at float32's ε.
    """

    aliases: ClassVar[tuple[str, ...]] = ("cross_entropy",)

    def tally(self, outputs: Array, targets: Array) -> Array:
        own = np.take_along_axis(expand_probabilities(outputs), targets[:, None], axis=1)
        tiny = np.finfo(np.float64).eps
        return np.array([-np.log(np.clip(own, tiny, 1 - tiny)).sum(), len(targets)])


@METRICS.register
@dataclass(frozen=True)
class BrierScore(ProbabilityMetric, MeanMetric):
    """The mean squared error of the probabilities.

    Value: for two classes `Σ (y - t)² / n` of the second, from 0 to 1; for more `Σ Σ_c (y_c - [t = c])² / n`, from 0 to
    2. For two classes this is half of the sum over both. Shapes: y `(n, classes)` or `(n, 1)`, t `(n,)`. Undefined for
    no rows. Same as scikit-learn's brier_score_loss with scale_by_half="auto". Reference: Brier, 1950, the sum form.
    """

    aliases: ClassVar[tuple[str, ...]] = ("brier",)

    def tally(self, outputs: Array, targets: Array) -> Array:
        errors = expand_probabilities(outputs) - (targets[:, None] == np.arange(max(outputs.shape[1], 2)))
        if errors.shape[1] == 2:
            errors = errors[:, 1:]
        return np.array([np.sum(errors * errors), len(targets)])


@METRICS.register
@dataclass(frozen=True)
class ExpectedCalibrationError(ProbabilityMetric):
    """The mean gap between the confidence in the predicted class and how often it is correct, over bins of confidence.

    Value: `Σ_b |R_b - C_b| / n`, where R_b counts the correct rows of bin b, `argmax(y) = t`, and C_b sums the
    confidence `max(y)`; bin b of B holds those with `b/B < max(y) ≤ (b + 1)/B`. Shapes: y `(n, classes)` or `(n, 1)`, t
    `(n,)`. Undefined for no rows. Not in scikit-learn. It depends on `bins`: compare only values with the same number.
    Reference: Guo et al., 2017, the top-label form.
    """

    aliases: ClassVar[tuple[str, ...]] = ("ece",)
    bins: Annotated[int, Ge(1), Le(10_000), "number of bins of equal width between 0 and 1"] = 10

    def tally(self, outputs: Array, targets: Array) -> Array:
        probabilities = expand_probabilities(outputs)
        confidence, right = probabilities.max(axis=1), np.argmax(probabilities, axis=1) == targets
        place = np.searchsorted(np.arange(1, self.bins) / self.bins, confidence)
        sums = [np.bincount(place, weights, self.bins) for weights in (right, confidence, np.ones(len(place)))]
        return np.stack(sums)

    def finish(self, sums: Array) -> float | None:
        right, confidence, count = sums
        return divide(np.abs(right - confidence).sum(), count.sum())


def group_ties(scores: Array, positive: Array) -> tuple[Array, Array]:
    """Return how many positives and negatives have each score, from the highest score down. There must be at
    least one row."""
    order = np.argsort(scores)[::-1]
    falling = scores[order]
    starts = np.flatnonzero(np.concatenate([[True], falling[1:] != falling[:-1]]))
    hits: Array = np.add.reduceat(positive[order], starts)
    return hits, np.diff(starts, append=len(scores)) - hits


@dataclass(frozen=True)
class Ranking(ClassMetric):
    """The base of metrics of the order of scores, computed for each column and averaged over columns."""

    kinds: ClassVar[tuple[Kind, ...]] = ("classes", "labels")

    @abstractmethod
    def judge_order(self, hits: Array, misses: Array) -> float:
        """Return the metric of one column from the positives and negatives at each score, highest first."""

    def tally(self, outputs: Array, targets: Array) -> Array:
        """Return scores and 0/1 targets, `(n, 2, columns)`, of the second of two classes, or each against the rest."""
        if targets.ndim == 2:
            pair = outputs, targets
        elif outputs.shape[1] <= 2:
            pair = outputs[:, -1:], targets[:, None]
        else:
            pair = outputs, targets[:, None] == np.arange(outputs.shape[1])
        return np.stack([one.astype(np.float64) for one in pair], axis=1)

    def merge(self, one: Array, other: Array) -> Array:
        """Return the rows of both batches."""
        return np.concatenate([one, other])

    def finish(self, sums: Array) -> float | None:
        if np.isnan(sums).any():
            return None
        positives = sums[:, 1].sum(axis=0)
        both = np.flatnonzero((positives > 0) & (positives < len(sums)))
        return average_defined(np.array([self.judge_order(*group_ties(*sums[:, :, column].T)) for column in both]))


@METRICS.register
@dataclass(frozen=True)
class RocAuc(Ranking):
    """The chance that a row of a class gets a higher probability of that class than a row of another class.

    Value: `Σ_i Σ_j ([y_i > y_j] + [y_i = y_j] / 2) / (P N)` over the P rows i of the class and the N others j: the area
    under the ROC curve. Of two classes, for the second; of more, and for labels, for each against the rest, then the
    mean. Shapes: y `(n, classes)` or `(n, 1)`, t `(n,)`; for labels both `(n, labels)`.
    Undefined if only one class occurs; a class or label that never or always occurs is left out of the mean. Same
    as scikit-learn's roc_auc_score with multi_class="ovr", which fails or gives NaN if a class does not occur.
    """

    aliases: ClassVar[tuple[str, ...]] = ("auc", "auroc")

    def judge_order(self, hits: Array, misses: Array) -> float:
        return float(misses @ (np.cumsum(hits) - hits / 2) / (hits.sum() * misses.sum()))


@METRICS.register
@dataclass(frozen=True)
class AveragePrecision(Ranking):
    """The mean of the precisions at each row of a class, with the rows ranked by its probability: for rare classes.

    Value: `Σ_s P_s / P · precision(y ≥ s)` over the distinct scores s, each with `P_s` rows of the class: the area
    under the precision-recall curve in steps, without interpolation. Of two classes, for the second; of more, and for
    labels, for each against the rest, then the mean. Shapes: y `(n, classes)` or `(n, 1)`, t `(n,)`; for labels both
    `(n, labels)`. Undefined if only one class occurs; a class or label that never or always occurs is left out of the
    mean. scikit-learn's average_precision_score gives 0 with a warning for a class that never occurs and 1 for one that
    always does.
    """

    aliases: ClassVar[tuple[str, ...]] = ("ap", "pr_auc")

    def judge_order(self, hits: Array, misses: Array) -> float:
        found = np.cumsum(hits)
        return float(hits / hits.sum() @ (found / (found + np.cumsum(misses))))
