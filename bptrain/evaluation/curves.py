"""Curves over thresholds (ROC, precision and recall), the best threshold, and calibration.

`scores` are `(n,)`, and `positive` `(n,)` is true where a row belongs to the class; a row is predicted as the class if
its score is at least the threshold.
"""

from dataclasses import dataclass

import numpy as np

from bptrain.arrays import Array
from bptrain.metrics.probability_metrics import group_ties


@dataclass(frozen=True)
class Counts:
    """For every distinct score as the threshold, from the highest down: rows of the class (hits) and other rows
    (misses) at or above it."""

    thresholds: Array
    hits: Array
    misses: Array

    @property
    def recall(self) -> Array:
        """The share of the class that is predicted as the class."""
        return np.asarray(self.hits / self.hits[-1])

    @property
    def fall_out(self) -> Array:
        """The share of the other rows that is predicted as the class: the false positive rate."""
        return np.asarray(self.misses / self.misses[-1])

    @property
    def precision(self) -> Array:
        """The share of the rows predicted as the class that belongs to it."""
        return np.asarray(self.hits / (self.hits + self.misses))

    @property
    def f1(self) -> Array:
        """The harmonic mean of precision and recall."""
        return np.asarray(2 * self.hits / (self.hits + self.misses + self.hits[-1]))


def count_hits(scores: Array, positive: Array) -> Counts | None:
    """Return the counts of a class; None unless there are rows of it and others, and no score is NaN."""
    positive = np.asarray(positive, bool)
    if not 0 < np.count_nonzero(positive) < len(positive) or np.isnan(scores).any():
        return None
    hits, misses = group_ties(scores, positive.astype(np.int64))
    return Counts(np.unique(scores)[::-1].astype(np.float64), np.cumsum(hits), np.cumsum(misses))


def compute_roc(found: Counts) -> tuple[Array, Array]:
    """Return fall-out and recall, each from 0 to 1: the ROC curve. Same as scikit-learn's roc_curve."""
    return np.append(0.0, found.fall_out), np.append(0.0, found.recall)


def compute_precision_recall(found: Counts) -> tuple[Array, Array]:
    """Return recall and precision as the threshold falls, starting at recall 0 with precision 1. Same as scikit-learn's
    precision_recall_curve in reverse order."""
    return np.append(0.0, found.recall), np.append(1.0, found.precision)


@dataclass(frozen=True)
class Threshold:
    """The threshold with the highest F1 of the second of two classes, the highest one if several are equal, with its
    figures."""

    value: float
    f1: float
    precision: float
    recall: float


def find_best_threshold(found: Counts) -> Threshold:
    """Return the threshold that maximises F1 on these rows; on other rows another may be better."""
    best = int(np.argmax(found.f1))
    return Threshold(*(float(one[best]) for one in (found.thresholds, found.f1, found.precision, found.recall)))


@dataclass(frozen=True)
class Calibration:
    """Rows in bins of their probability: the mean probability, the share that belongs to the class, and the number of
    rows; empty bins are left out."""

    probability: Array
    share: Array
    rows: Array


def compute_calibration(probabilities: Array, positive: Array, bins: int = 10) -> Calibration:
    """Return how well probabilities match shares, in bins of equal width.

    Bin b of B holds `b/B < p ≤ (b + 1)/B`, the first also 0. Same as scikit-learn's calibration_curve.
    """
    place = np.searchsorted(np.arange(1, bins) / bins, probabilities)
    rows, total, share = (
        np.bincount(place, weights, bins) for weights in (None, probabilities, np.asarray(positive, np.float64))
    )
    filled = rows > 0
    return Calibration(total[filled] / rows[filled], share[filled] / rows[filled], rows[filled])
