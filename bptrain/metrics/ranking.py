"""Metrics of order: whether rows of a class are given higher probabilities than others, wherever a threshold lies.

They need every probability at once: a tally is the scores and targets themselves, 16 bytes for each row and class (once
for two classes), and merging holds both sides and the result. A million rows of ten classes take 160 MB.
"""

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bptrain.arrays import Array
from bptrain.metrics.metric import METRICS, Kind, Metric, mean_of_defined


def tied_groups(scores: Array, positive: Array) -> tuple[Array, Array]:
    """How many positives and negatives have each score, from the highest score down; at least one row."""
    order = np.argsort(scores)[::-1]
    falling = scores[order]
    starts = np.flatnonzero(np.concatenate([[True], falling[1:] != falling[:-1]]))
    hits: Array = np.add.reduceat(positive[order], starts)
    return hits, np.diff(starts, append=len(scores)) - hits


@dataclass(frozen=True)
class Ranking(Metric):
    """The base of metrics that judge the order of scores, column by column, and take the mean over columns."""

    kinds: ClassVar[tuple[Kind, ...]] = ("classes", "labels")
    perfect: ClassVar[float | None] = 1.0

    @abstractmethod
    def judge(self, hits: Array, misses: Array) -> float:
        """The metric of one column from the positives and negatives at each score, highest first; some of both."""

    def tally(self, outputs: Array, targets: Array) -> Array:
        """Scores and 0/1 targets, `(n, 2, columns)`: the second of two classes, or each class against the rest."""
        if targets.ndim == 2:
            pair = outputs, targets
        elif outputs.shape[1] <= 2:
            pair = outputs[:, -1:], targets[:, None]
        else:
            pair = outputs, targets[:, None] == np.arange(outputs.shape[1])
        return np.stack([part.astype(np.float64) for part in pair], axis=1)

    def merge(self, one: Array, other: Array) -> Array:
        """The rows of both batches."""
        return np.concatenate([one, other])

    def finish(self, sums: Array) -> float | None:
        if np.isnan(sums).any():
            return None
        positives = sums[:, 1].sum(axis=0)
        both = np.flatnonzero((positives > 0) & (positives < len(sums)))
        return mean_of_defined(np.array([self.judge(*tied_groups(*sums[:, :, column].T)) for column in both]))


@METRICS.register
@dataclass(frozen=True)
class RocAuc(Ranking):
    """The chance that a row of a class is given a higher probability for it than a row of no such class.

    Value: `Σ_i Σ_j ([y_i > y_j] + [y_i = y_j] / 2) / (P N)` over the P rows i of the class and the N others j: the area
    under the receiver operating characteristic. For two classes that of the second; for more, and for labels, each
    against the rest, then the mean. Shapes: y `(n, classes)` or `(n, 1)`, t `(n,)`; for labels both `(n, labels)`.
    Undefined if only one class occurs; a class or label that never or always occurs is left out of the mean. As
    scikit-learn's roc_auc_score with multi_class="ovr", which refuses or gives NaN where a class is missing.
    """

    aliases: ClassVar[tuple[str, ...]] = ("auc", "auroc")

    def judge(self, hits: Array, misses: Array) -> float:
        return float(misses @ (np.cumsum(hits) - hits / 2) / (hits.sum() * misses.sum()))


@METRICS.register
@dataclass(frozen=True)
class AveragePrecision(Ranking):
    """The precision met on the way down the ranking, averaged over the rows of the class: for rare classes.

    Value: `Σ_s P_s / P · precision(y ≥ s)` over the distinct scores s, of which `P_s` rows of the class have each: the
    area under the precision-recall curve in steps, without interpolation. For two classes that of the second; for
    more, and for labels, each against the rest, then the mean. Shapes: y `(n, classes)` or `(n, 1)`, t `(n,)`; for
    labels both `(n, labels)`. Undefined if only one class occurs; a class or label that never or always occurs is left
    out of the mean. As scikit-learn's average_precision_score, which gives 0 with a warning for a class that never
    occurs and 1 for one that always does.
    """

    aliases: ClassVar[tuple[str, ...]] = ("ap", "pr_auc")

    def judge(self, hits: Array, misses: Array) -> float:
        found = np.cumsum(hits)
        return float(hits / hits.sum() @ (found / (found + np.cumsum(misses))))
