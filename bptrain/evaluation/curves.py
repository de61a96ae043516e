"""Curves over thresholds: what is found and what is mistaken as the threshold falls, and whether 80 % means 80 %.

`scores` are `(n,)`, `positive` `(n,)` is true where a row is of the class; a row is taken for one of it where its score
is at least the threshold.
"""

from dataclasses import dataclass

import numpy as np

from bptrain.arrays import Array
from bptrain.metrics.ranking import tied_groups


@dataclass(frozen=True)
class Counts:
    """With every distinct score as the threshold, from the highest down: rows of the class, and others, at or above."""

    thresholds: Array
    hits: Array
    misses: Array

    @property
    def recall(self) -> Array:
        """The share of the class that is found."""
        values: Array = self.hits / self.hits[-1]
        return values

    @property
    def fall_out(self) -> Array:
        """The share of the others that is mistaken for the class: the false positive rate."""
        values: Array = self.misses / self.misses[-1]
        return values

    @property
    def precision(self) -> Array:
        """The share of what is taken for the class that is of it."""
        values: Array = self.hits / (self.hits + self.misses)
        return values

    @property
    def f1(self) -> Array:
        """The harmonic mean of precision and recall."""
        values: Array = 2 * self.hits / (self.hits + self.misses + self.hits[-1])
        return values


def counts(scores: Array, positive: Array) -> Counts | None:
    """The counts of a class, or None unless there are rows of it, others, and no score that is not a number."""
    positive = np.asarray(positive, bool)
    if not 0 < np.count_nonzero(positive) < len(positive) or np.isnan(scores).any():
        return None
    hits, misses = tied_groups(scores, positive.astype(np.int64))
    return Counts(np.unique(scores)[::-1].astype(np.float64), np.cumsum(hits), np.cumsum(misses))


def roc(found: Counts) -> tuple[Array, Array]:
    """The receiver operating characteristic: fall-out and recall, from 0 to 1 each. As scikit-learn's roc_curve."""
    return np.append(0.0, found.fall_out), np.append(0.0, found.recall)


def precision_recall(found: Counts) -> tuple[Array, Array]:
    """Recall and precision as the threshold falls, beginning at recall 0 with precision 1. As scikit-learn's
    precision_recall_curve, backwards."""
    return np.append(0.0, found.recall), np.append(1.0, found.precision)


@dataclass(frozen=True)
class Threshold:
    """The threshold with the highest F1 of the second of two classes, and what that comes to; the highest of equals."""

    value: float
    f1: float
    precision: float
    recall: float


def best_threshold(found: Counts) -> Threshold:
    """The threshold that maximises F1 on these rows; on others it may be another."""
    best = int(np.argmax(found.f1))
    at = (found.thresholds, found.f1, found.precision, found.recall)
    value, f1, precision, recall = (float(curve[best]) for curve in at)
    return Threshold(value, f1, precision, recall)


@dataclass(frozen=True)
class Calibration:
    """Rows in bins of their probability: the mean of it, the share that is of the class, and how many rows; empty bins
    are left out."""

    probability: Array
    share: Array
    rows: Array


def calibration(probabilities: Array, positive: Array, bins: int = 10) -> Calibration:
    """Whether probabilities mean what they say, in bins of equal width.

    Bin b of B holds `b/B < p ≤ (b + 1)/B`, the first 0 as well. As scikit-learn's calibration_curve.
    """
    place = np.searchsorted(np.arange(1, bins) / bins, probabilities)
    rows, total, share = (
        np.bincount(place, weights, bins) for weights in (None, probabilities, np.asarray(positive, np.float64))
    )
    there = rows > 0
    return Calibration(total[there] / rows[there], share[there] / rows[there], rows[there])
